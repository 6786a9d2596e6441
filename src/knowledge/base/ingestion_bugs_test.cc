// What becomes of documents and syncs that meet a bug of ours.

#include <gmock/gmock.h>

#include "base/expect_errors.h"
#include "knowledge/base/service_fixture.h"

namespace strata::knowledge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class IngestionBugs : public ServiceFixture {
 protected:
  IngestionJob Sync(const KnowledgeBase& base, const DataSource& source) {
    return Get(bases_->Sync(base.id, source.id, nullptr, ctx_));
  }
};

TEST_F(IngestionBugs, ABugThatADocumentMeetsIsItsOwnFailureUntilItIsGone) {
  ExpectErrors errors;
  TempFolder folder;
  folder.Write("a.md", "BUGGY");
  folder.Write("b.md", "Glaciers are made of ice.");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  const auto job = Sync(base, source);
  EXPECT_EQ(job.status, JobStatus::kComplete);
  EXPECT_EQ(job.statistics.failed, 1);
  EXPECT_EQ(job.statistics.added, 1);
  EXPECT_THAT(job.failure_reasons, ElementsAre(HasSubstr("internal error")));
  const int calls = parser_.calls;
  Sync(base, source);
  EXPECT_EQ(parser_.calls, calls + 1) << "it is tried again";
  const auto custom = MakeCustom(base);
  ASSERT_TRUE(bases_->Start().has_value());
  auto buggy = Document("x", "BUGGY");
  buggy.media_type = "text/markdown";  // plain texts meet no parser
  Get(bases_->IngestDocuments(base.id, custom.id, {buggy, Document("y", "Bridges are of steel.")},
                              ctx_));
  std::vector<DocumentDetail> documents;
  do {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    documents = Get(bases_->GetDocuments(base.id, custom.id, {"x", "y"}, ctx_));
  } while (documents.at(1).status == DocumentStatus::kPending);
  EXPECT_EQ(documents.at(0).status, DocumentStatus::kFailed);
  EXPECT_EQ(documents.at(1).status, DocumentStatus::kIndexed)
      << "it does not wait behind the other";
}

TEST_F(IngestionBugs, ASyncThatThrowsHasFailedAndTheNextOneRuns) {
  ExpectErrors errors;
  TempFolder folder;
  folder.Write("a.md", "Glaciers are made of ice.");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  embedder_->ThrowWith("slipped");
  const auto failed = Sync(base, source);
  EXPECT_EQ(failed.status, JobStatus::kFailed);
  EXPECT_THAT(failed.failure_reasons, ElementsAre(HasSubstr("internal error")));
  embedder_->ThrowWith("");
  EXPECT_EQ(Sync(base, source).statistics.added, 1);
  EXPECT_EQ(errors.errors(), 1);
}

}  // namespace
}  // namespace strata::knowledge
