// Sources whose files change while they are synced.

#include <gmock/gmock.h>

#include "knowledge/base/service_fixture.h"

namespace strata::knowledge {
namespace {

using ChangingSourceTest = ServiceFixture;

TEST_F(ChangingSourceTest, AFileThatIsDeletedDuringASyncIsNoFailure) {
  TempFolder folder;
  folder.Write("a.md", "HELD glaciers are made of ice.");
  const auto gone = folder.Write("b.md", "Bridges are made of steel.");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  ASSERT_TRUE(bases_->Start().has_value());
  const auto job = Get(bases_->StartIngestion(base.id, source.id, "", ctx_));
  parser_.gate.AwaitArrival();
  std::filesystem::remove(gone);
  parser_.gate.Open();
  const auto ended = AwaitEnd(job);
  bases_->Stop();
  EXPECT_EQ(ended.status, JobStatus::kComplete);
  EXPECT_EQ(ended.statistics.added, 1);
  EXPECT_EQ(ended.statistics.failed, 0);
  EXPECT_THAT(ended.failure_reasons, ::testing::IsEmpty());
  EXPECT_EQ(Get(bases_->ListDocuments(base.id, source.id, {}, ctx_)).items.size(), 1U);
}

}  // namespace
}  // namespace strata::knowledge
