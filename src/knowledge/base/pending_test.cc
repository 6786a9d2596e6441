// Documents that were accepted and wait for their indexing: what one of them meets does not hold up
// the others, and what all of them meet loses none.

#include <gmock/gmock.h>

#include "knowledge/base/catalog.h"
#include "knowledge/base/ingestor.h"
#include "knowledge/base/service_fixture.h"

namespace strata::knowledge {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = JobOutcome::Kind;

constexpr int kLastAttempt = 5;

// Runs are made here, attempt by attempt, as the worker's would wait between them.
class PendingTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    base_ = MakeBase();
    source_ = MakeCustom(base_);
    parts_.folder = data_.path();
    parts_.parser = &parser_;
    parts_.pool = &pool_;
    parts_.embedder =
        [this](std::string_view model) -> Result<std::shared_ptr<provider::Embedder>> {
      if (removed_) return Fail(NotFound("embedding model", model).AtField("model"));
      return embedder_;
    };
    catalog_ = *Catalog::Open(*meta_);
    open_ = std::make_unique<OpenBases>(parts_.folder, pool_, vector::GraphIndexOptions{}, 4);
    ingestor_ = std::make_unique<Ingestor>(parts_, *catalog_, *open_);
  }
  void TearDown() override {
    ingestor_.reset();
    open_.reset();
    ServiceFixture::TearDown();
  }

  void Give(const std::vector<std::string>& texts) {
    for (const auto& text : texts) {
      ids_.push_back("d" + std::to_string(ids_.size()));
      Get(bases_->IngestDocuments(base_.id, source_.id, {Document(ids_.back(), text)}, ctx_));
    }
  }
  JobOutcome IndexPending(int attempt) {
    return Run(ingestor_->IndexPending(base_, attempt, ctx_));
  }
  std::vector<DocumentStatus> Statuses() {
    std::vector<DocumentStatus> out;
    for (const auto& detail : Get(bases_->GetDocuments(base_.id, source_.id, ids_, ctx_))) {
      out.push_back(detail.status);
    }
    return out;
  }
  std::string ReasonOf(std::size_t document) {
    return Get(bases_->GetDocuments(base_.id, source_.id, ids_, ctx_)).at(document).reason;
  }

  KnowledgeBase base_;
  DataSource source_;
  bool removed_ = false;
  std::vector<std::string> ids_;
  KnowledgeBasesParts parts_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<OpenBases> open_;
  std::unique_ptr<Ingestor> ingestor_;
};

TEST_F(PendingTest, WhatOneDocumentMeetsForGoodIsItsOwn) {
  embedder_->FailOn("odd", Error(Code::kConflict, "no vector for it"));
  Give({"Ice is cold.", "An odd text.", "Steel is hard."});
  EXPECT_EQ(IndexPending(1).kind, Kind::kDone);
  EXPECT_THAT(Statuses(), ElementsAre(DocumentStatus::kIndexed, DocumentStatus::kFailed,
                                      DocumentStatus::kIndexed));
  EXPECT_THAT(ReasonOf(1), HasSubstr("no vector for it"));
}

TEST_F(PendingTest, WhatOneDocumentMeetsAgainAndAgainIsItsOwnInTheEnd) {
  embedder_->FailOn("odd", Error(Code::kUnavailable, "try again"));
  Give({"An odd text.", "Steel is hard."});
  for (int attempt = 1; attempt < kLastAttempt; ++attempt) {
    EXPECT_EQ(IndexPending(attempt).kind, Kind::kRetry);
    EXPECT_THAT(Statuses(), ElementsAre(DocumentStatus::kPending, DocumentStatus::kIndexed));
    EXPECT_THAT(ReasonOf(0), HasSubstr("try again"));
  }
  EXPECT_EQ(IndexPending(kLastAttempt).kind, Kind::kDone);
  EXPECT_THAT(Statuses(), ElementsAre(DocumentStatus::kFailed, DocumentStatus::kIndexed));
  EXPECT_THAT(ReasonOf(0), HasSubstr("try again"));
}

TEST_F(PendingTest, AnOutageOfTheModelFailsNoDocumentHoweverLongItTakes) {
  embedder_->FailWith(Error(Code::kUnavailable, "the model is down"));
  Give({"Ice", "Steel", "Wood", "Stone", "Sand"});
  for (const int attempt : {1, kLastAttempt, 100}) {
    const int before = embedder_->calls();
    EXPECT_EQ(IndexPending(attempt).kind, Kind::kRetry);
    EXPECT_LE(embedder_->calls(), before + 3) << "it is not asked for every document";
    EXPECT_THAT(Statuses(), Each(DocumentStatus::kPending));
    EXPECT_THAT(ReasonOf(4), HasSubstr("the model is down"));
  }
  embedder_->Recover();
  EXPECT_EQ(IndexPending(101).kind, Kind::kDone);
  EXPECT_THAT(Statuses(), Each(DocumentStatus::kIndexed));
  EXPECT_EQ(ReasonOf(4), "");
}

TEST_F(PendingTest, AModelThatIsGoneFailsNoDocumentAndIsNamed) {
  Give({"Ice", "Steel"});
  removed_ = true;
  EXPECT_EQ(IndexPending(1).kind, Kind::kFailed);
  EXPECT_THAT(Statuses(), Each(DocumentStatus::kPending));
  EXPECT_THAT(ReasonOf(0), HasSubstr("embedding model"));
  removed_ = false;
  embedder_->FailWith(Error(Code::kPermissionDenied, "not set up").AtField("model"));
  EXPECT_EQ(IndexPending(1).kind, Kind::kFailed);
  EXPECT_THAT(Statuses(), Each(DocumentStatus::kPending));
  EXPECT_THAT(ReasonOf(1), HasSubstr("not set up"));
  embedder_->Recover();
  EXPECT_EQ(IndexPending(1).kind, Kind::kDone);
  EXPECT_THAT(Statuses(), Each(DocumentStatus::kIndexed));
}

}  // namespace
}  // namespace strata::knowledge
