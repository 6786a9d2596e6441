// Knowledge bases on models whose size only their answers tell, as every provider's.

#include "knowledge/base/base_embedder.h"

#include <gmock/gmock.h>

#include "knowledge/base/service_fixture.h"

namespace strata::knowledge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class UnsizedEmbedder final : public provider::Embedder {
 public:
  explicit UnsizedEmbedder(int dimensions) : answers_("up/embed", dimensions) {
    info_ = answers_.Info();
    info_.dimensions = 0;
  }

  fakes::FakeEmbedder& answers() { return answers_; }

  Task<Result<provider::Embeddings>> Embed(std::vector<std::string> texts,
                                           provider::EmbedPurpose purpose,
                                           RequestContext& ctx) override {
    return answers_.Embed(std::move(texts), purpose, ctx);
  }
  std::int64_t CountTokens(std::string_view text) const override {
    return answers_.CountTokens(text);
  }
  std::int64_t tokens_max() const override { return answers_.tokens_max(); }
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  fakes::FakeEmbedder answers_;
  domain::ModelInfo info_;
};

class BaseEmbedderTest : public ServiceFixture {
 protected:
  void SetUp() override {
    UseModelOf(48);
    ServiceFixture::SetUp();
  }
  void UseModelOf(int dimensions) {
    model_ = std::make_shared<UnsizedEmbedder>(dimensions);
    metered_ = model_;
  }
  static JsonText Asking(std::optional<int> dimensions) {
    if (!dimensions) return {};
    return {R"({"knowledgeBaseConfiguration":{"vectorKnowledgeBaseConfiguration":)"
            R"({"embeddingModelConfiguration":{"bedrockEmbeddingModelConfiguration":)"
            R"({"dimensions":)" +
            std::to_string(*dimensions) + "}}}}}"};
  }
  Result<KnowledgeBase> Make(std::optional<int> dimensions) {
    CreateKnowledgeBaseInput input;
    input.name = "docs";
    input.extra = Asking(dimensions);
    return Run(bases_->Create(std::move(input), ctx_));
  }
  void Reopen() {
    CloseService();
    OpenService();
    ASSERT_TRUE(bases_->Start().has_value());
  }

  std::shared_ptr<UnsizedEmbedder> model_;
};

TEST_F(BaseEmbedderTest, AskedOnceTheBaseWorksAndStillDoesAfterARestart) {
  const auto base = MakeBase();
  EXPECT_EQ(base.dimensions, 48);
  EXPECT_EQ(model_->answers().calls(), 1);
  const auto source = MakeCustom(base);
  EXPECT_EQ(
      Index(base, source, {Document("a", "boats leave"), Document("b", "apples grow")}).indexed, 2);
  Reopen();
  for (auto mode : {SearchMode::kDense, SearchMode::kLexical, SearchMode::kHybrid}) {
    EXPECT_EQ(Search(base, "apples", mode).at(0).uri, "b");
  }
}

TEST_F(BaseEmbedderTest, WhatTheModelAnswersToTheFirstCallIsTheErrorOfTheCreation) {
  model_->answers().FailWith(Error(Code::kUnavailable, "connection refused"));
  const auto made = Make(std::nullopt);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code(), Code::kUnavailable);
  EXPECT_EQ(made.error().field(), "embeddingModelArn");
  EXPECT_THAT(made.error().message(), HasSubstr("up/embed"));
  EXPECT_TRUE(bases_->ListAll().empty());
}

TEST_F(BaseEmbedderTest, ABaseKeepsFewerDimensionsWhenAskedTo) {
  for (int wrong : {49, -1, 5000}) {
    const auto refused = Make(wrong);
    ASSERT_FALSE(refused.has_value()) << wrong;
    EXPECT_TRUE(refused.error().field().ends_with("dimensions")) << refused.error().field();
  }
  const auto base = Make(24);
  ASSERT_TRUE(base.has_value()) << base.error().message();
  EXPECT_EQ(base->dimensions, 24);
  const auto source = MakeCustom(*base);
  Index(*base, source, {Document("a", "boats leave"), Document("b", "apples grow")});
  Reopen();
  EXPECT_EQ(Search(*base, "apples grow", SearchMode::kDense).at(0).uri, "b");
  const auto found = Search(*base, "apples grow", SearchMode::kDense);
  EXPECT_NEAR(found.at(0).dense_score.value_or(0), 1, 0.02) << "cut vectors have length 1 again";

  CreateKnowledgeBaseInput change;
  change.name = "docs";
  for (const auto other : {std::optional(48), std::optional<int>()}) {
    change.extra = Asking(other);
    const auto changed = Run(bases_->Update(base->id, change, ctx_));
    ASSERT_FALSE(changed.has_value());
    EXPECT_EQ(changed.error().field(), "dimensions");
  }
  change.extra = Asking(24);
  const int calls = model_->answers().calls();
  EXPECT_TRUE(Run(bases_->Update(base->id, change, ctx_)).has_value());
  EXPECT_EQ(model_->answers().calls(), calls) << "a change of a name costs no call";
}

TEST_F(BaseEmbedderTest, AnswersOfAnotherSizeFailTheirDocumentAndTheirQuestion) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  UseModelOf(64);
  const auto result = Index(base, source, {Document("a", "boats leave")});
  ASSERT_EQ(result.failed, 1);
  EXPECT_EQ(result.failures.at(0).reason,
            "embedding model up/embed has 64 dimensions, the knowledge base was made with 48");
  RetrieveRequest request;
  request.knowledge_base_id = base.id;
  request.query = "boats";
  const auto found = Run(bases_->Retrieve(request, ctx_));
  ASSERT_FALSE(found.has_value());
  EXPECT_THAT(found.error().message(), HasSubstr("64 dimensions"));
}

TEST_F(BaseEmbedderTest, ABaseWithoutASizeIsFailedAndCanBeDeleted) {
  const auto bad = MakeBase("bad");
  const auto good = MakeBase("good");
  ASSERT_TRUE(meta_
                  ->WriteBlocking([&](store::Database& db) {
                    return db.Run("UPDATE knowledge_bases SET dimensions = 0 WHERE id = ?", bad.id);
                  })
                  .has_value());
  Reopen();
  const auto seen = bases_->Get(bad.id, ctx_.workspace);
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(seen->status, KnowledgeBaseStatus::kFailed);
  EXPECT_THAT(seen->failure_reasons, ElementsAre(HasSubstr("create it again")));
  RetrieveRequest request;
  request.knowledge_base_id = bad.id;
  request.query = "boats";
  EXPECT_EQ(Run(bases_->Retrieve(request, ctx_)).error().code(), Code::kConflict);
  EXPECT_TRUE(Search(good, "boats").empty());
  EXPECT_TRUE(Run(bases_->Delete(bad.id, ctx_)).has_value());
  EXPECT_EQ(bases_->ListAll().size(), 1);
}

}  // namespace
}  // namespace strata::knowledge
