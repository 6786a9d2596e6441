// What a knowledge base's file remembers beside its documents stays bounded.

#include <gmock/gmock.h>

#include "knowledge/base/service_fixture.h"

namespace strata::knowledge {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class KbGrowthTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    base_ = MakeBase();
    source_ = MakeCustom(base_);
  }
  // A second connection to the base's file.
  std::unique_ptr<store::SqlFile> OpenFile() {
    return *OpenKbFile(data_.path() + "/kb-" + base_.id + ".db");
  }
  std::int64_t Count(const std::string& what) {
    auto count = OpenFile()->ReadBlocking(
        [&](store::Database& db) { return db.Integer("SELECT count(*) FROM " + what); });
    return count.has_value() ? count->value_or(-1) : -1;
  }
  // As if as many chunks had been replaced.
  void RememberRemovals(int count) {
    auto write = [count](store::Database& db) {
      return db.Run(
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
          "INSERT INTO removed SELECT 1, (SELECT coalesce(max(chunk_row), 0) FROM removed) + "
          "1000000 + i FROM n",
          count);
    };
    ASSERT_TRUE(OpenFile()->WriteBlocking(write).has_value());
  }
  void RememberJobs(const DataSource& source, int count, JobStatus status) {
    auto write = [&](store::Database& db) {
      return db.Run(
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) "
          "INSERT INTO ingestions (job_id, source_id, description, status, started, updated) "
          "SELECT ?2 || '-' || ?3 || '-' || i, ?2, '', ?3, i, i FROM n",
          count, source.id, static_cast<int>(status));
    };
    ASSERT_TRUE(OpenFile()->WriteBlocking(write).has_value());
  }

  KnowledgeBase base_;
  DataSource source_;
};

TEST_F(KbGrowthTest, ReplacedChunksAreForgottenWhereNothingSyncs) {
  Index(base_, source_, {Document("a", "Ice is cold."), Document("b", "Steel is hard.")});
  ASSERT_EQ(Search(base_, "ice", SearchMode::kLexical).size(), 1U);
  RememberRemovals(9'000);
  Index(base_, source_, {Document("a", "Snow is cold.")});
  EXPECT_GT(Count("removed"), 9'000) << "a few are followed as they are";
  RememberRemovals(2'000);
  Index(base_, source_, {Document("a", "Rain is wet.")});
  EXPECT_LT(Count("removed"), 10);
  EXPECT_THAT(Search(base_, "ice snow", SearchMode::kLexical), IsEmpty());
  EXPECT_EQ(Search(base_, "rain", SearchMode::kLexical).size(), 1U);
  EXPECT_EQ(Search(base_, "steel", SearchMode::kLexical).size(), 1U);
}

TEST_F(KbGrowthTest, SoTheyAreByDocumentsOfTheApi) {
  Index(base_, source_, {Document("a", "Ice is cold.")});
  RememberRemovals(10'001);
  ASSERT_TRUE(bases_->Start().has_value());
  Get(bases_->IngestDocuments(base_.id, source_.id, {Document("a", "Snow is cold.")}, ctx_));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (Get(bases_->GetDocuments(base_.id, source_.id, {"a"}, ctx_))[0].status !=
             DocumentStatus::kIndexed &&
         std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  bases_->Stop();
  EXPECT_LT(Count("removed"), 10);
}

TEST_F(KbGrowthTest, OfEndedJobsTheLastThousandOfEachSourceAreKept) {
  const auto other = MakeCustom(base_, "other");
  RememberJobs(source_, 1'500, JobStatus::kComplete);
  RememberJobs(source_, 1, JobStatus::kInProgress);
  RememberJobs(source_, 900, JobStatus::kFailed);
  RememberJobs(other, 20, JobStatus::kStopped);
  const auto file = OpenFile();
  auto start = [&](store::Database& db) -> Result<std::vector<IngestionRow>> {
    IngestionJob job;
    job.data_source_id = source_.id;
    for (const auto* id : {"x", "y"}) {
      job.id = id;
      STRATA_CHECK_OK(InsertIngestion(db, job, {}));
    }
    return UnfinishedIngestions(db);
  };
  const auto unfinished = file->WriteBlocking(start);
  ASSERT_TRUE(unfinished.has_value()) << unfinished.error().message();
  std::vector<std::string> ids;
  for (const auto& row : *unfinished) ids.push_back(row.job.id);
  EXPECT_THAT(ids, ElementsAre(source_.id + "-1-1", "x", "y"));
  EXPECT_EQ(Count("ingestions WHERE status = 2"), 100);
  EXPECT_EQ(Count("ingestions WHERE status = 3"), 900);
  EXPECT_EQ(Count("ingestions WHERE status = 5"), 20);
  EXPECT_EQ(Count("ingestions WHERE job_id = '" + source_.id + "-2-1500'"), 1) << "the newest stay";
  const auto page = Get(bases_->ListIngestions(base_.id, source_.id, {}, ctx_));
  EXPECT_EQ(page.items.front().id, "y");
}

TEST_F(KbGrowthTest, JobsGoWithTheirSource) {
  const auto other = MakeCustom(base_, "other");
  RememberJobs(source_, 3, JobStatus::kComplete);
  RememberJobs(other, 2, JobStatus::kComplete);
  ASSERT_TRUE(Run(bases_->DeleteSource(base_.id, source_.id, ctx_)).has_value());
  EXPECT_EQ(Count("ingestions"), 2);
}

}  // namespace
}  // namespace strata::knowledge
