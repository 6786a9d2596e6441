// Data sources of one knowledge base that hold the same document: each has its own.

#include <gmock/gmock.h>

#include <set>

#include "knowledge/base/service_fixture.h"

namespace strata::knowledge {
namespace {

using ::testing::UnorderedElementsAre;

class OverlappingSourcesTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    base_ = MakeBase();
  }
  DataSource FolderSource(std::string name, std::string uri, bool delete_documents = true) {
    CreateDataSourceInput input;
    input.name = std::move(name);
    input.kind = DataSourceKind::kFolder;
    input.uri = std::move(uri);
    input.delete_documents_with_source = delete_documents;
    return Get(bases_->CreateSource(base_.id, std::move(input), ctx_));
  }
  void SyncWhole(const DataSource& source, std::int64_t added) {
    const auto job = Get(bases_->Sync(base_.id, source.id, nullptr, ctx_));
    EXPECT_EQ(job.status, JobStatus::kComplete);
    EXPECT_EQ(job.statistics.added, added);
    EXPECT_EQ(job.statistics.failed, 0);
  }
  // Of what a search for the word finds, which must all be passages of their own.
  std::vector<std::string> SourcesThatHold(const std::string& word) {
    std::vector<std::string> sources;
    std::set<std::string> chunks;
    for (const auto& chunk : Search(base_, word, SearchMode::kLexical)) {
      sources.push_back(chunk.data_source_id);
      EXPECT_TRUE(chunks.insert(chunk.chunk_id).second);
      EXPECT_EQ(Get(bases_->FetchChunk(base_.id, chunk.chunk_id, ctx_)).document_id,
                chunk.document_id);
    }
    return sources;
  }
  KnowledgeBase base_;
};

TEST_F(OverlappingSourcesTest, AFolderInsideAnotherIsSyncedToo) {
  TempFolder folder;
  folder.Write("hr/leave.md", "Leave is thirty days.");
  folder.Write("plan.md", "The plan is secret.");
  const auto outer = FolderSource("outer", folder.path());
  const auto inner = FolderSource("inner", folder.path() + "/hr");
  SyncWhole(outer, 2);
  SyncWhole(inner, 1);
  EXPECT_THAT(SourcesThatHold("leave"), UnorderedElementsAre(outer.id, inner.id));
  ASSERT_TRUE(Run(bases_->DeleteSource(base_.id, outer.id, ctx_)).has_value());
  EXPECT_THAT(SourcesThatHold("leave"), UnorderedElementsAre(inner.id));
}

TEST_F(OverlappingSourcesTest, ASourceThatIsMadeAgainIsSyncedBesideWhatWasRetained) {
  TempFolder folder;
  folder.Write("leave.md", "Leave is thirty days.");
  const auto first = FolderSource("first", folder.path(), false);
  SyncWhole(first, 1);
  ASSERT_TRUE(Run(bases_->DeleteSource(base_.id, first.id, ctx_)).has_value());
  const auto second = FolderSource("second", folder.path());
  SyncWhole(second, 1);
  EXPECT_THAT(SourcesThatHold("leave"), UnorderedElementsAre(first.id, second.id));
}

TEST_F(OverlappingSourcesTest, TheSameDocumentMayBeGivenToTwoSources) {
  const auto one = MakeCustom(base_, "one");
  const auto two = MakeCustom(base_, "two");
  for (const auto& source : {one, two}) {
    EXPECT_EQ(Index(base_, source, {Document("leave", "Leave is thirty days.")}).indexed, 1);
  }
  EXPECT_THAT(SourcesThatHold("leave"), UnorderedElementsAre(one.id, two.id));
}

}  // namespace
}  // namespace strata::knowledge
