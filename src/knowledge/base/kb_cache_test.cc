#include "knowledge/base/kb_cache.h"

#include <gmock/gmock.h>

#include "knowledge/base/service_fixture.h"

namespace strata::knowledge {
namespace {

class KbCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto path = folder_.path() + "/kb.db";
    file_ = *OpenKbFile(path);
    VectorKeeperOptions vectors{
        .database = path, .graph_file = folder_.path() + "/kb.graph", .index = {}};
    vectors.index.dimensions = 2;
    cache_ = *KbCache::Open(folder_.path() + "/kb.lex", std::move(vectors), nullptr);
  }

  static DocumentRow Row(const std::string& uri) {
    DocumentRow row;
    row.document_id = DocumentIdOf("s", uri);
    row.source_id = "s";
    row.uri = uri;
    row.status = DocumentStatus::kIndexed;
    return row;
  }
  void Write(const std::function<Result<>(store::Database&)>& work) {
    const auto done = file_->WriteBlocking(work);
    ASSERT_TRUE(done.has_value()) << done.error().message();
  }
  // One chunk for each text.
  void Put(const std::string& uri, const std::vector<std::string>& texts) {
    IndexedDocument indexed;
    indexed.document = Row(uri);
    indexed.dimensions = 2;
    for (const auto& text : texts) {
      NewChunk chunk;
      chunk.chunk.id = uri + "/" + text;
      chunk.chunk.text = text;
      indexed.chunks.push_back(std::move(chunk));
      indexed.vectors.insert(indexed.vectors.end(), {1, 0});
    }
    Write([&](store::Database& db) { return PutDocument(db, indexed, {}); });
  }
  void PutState(const std::string& uri, DocumentStatus status) {
    auto row = Row(uri);
    row.status = status;
    row.access.allow = {"user:7"};
    Write([&](store::Database& db) { return PutDocumentState(db, row, {}); });
  }
  KbCache::Stats Follow() {
    const auto followed = cache_->CatchUp(*file_);
    EXPECT_TRUE(followed.has_value());
    return cache_->stats();
  }

  TempFolder folder_;
  std::unique_ptr<store::SqlFile> file_;
  std::unique_ptr<KbCache> cache_;
};

TEST_F(KbCacheTest, DocumentsWithoutChunksAreNotCounted) {
  Put("a", {"ice", "snow"});
  Put("empty", {});
  PutState("failed", DocumentStatus::kFailed);
  EXPECT_EQ(Follow().documents, 1U) << "as it is loaded";
  for (int i = 0; i < 20; ++i) {
    PutState("failed " + std::to_string(i), DocumentStatus::kFailed);
    PutState("ignored " + std::to_string(i), DocumentStatus::kIgnored);
  }
  Put("b", {"steel"});
  EXPECT_EQ(Follow().documents, 2U) << "as it follows";
  PutState("b", DocumentStatus::kFailed);
  EXPECT_EQ(Follow().documents, 1U) << "one that loses its chunks leaves at once";
  Put("failed", {"now it can be read"});
  auto stats = Follow();
  EXPECT_EQ(stats.documents, 2U);
  EXPECT_EQ(stats.chunks, 3U);
}

// What a run of passages scores depends on how many documents there are.
TEST_F(KbCacheTest, UnreadableDocumentsDoNotChangeWhatTheOthersScore) {
  for (int i = 0; i < 10; ++i) {
    const auto number = std::to_string(i);
    Put("d" + number, {i < 3 ? "ice is cold " + number : "steel is hard " + number,
                       i < 5 ? "ice melts " + number : "steel rusts " + number});
  }
  const auto score = [&] {
    Follow();
    const std::vector<std::uint64_t> rows = {1, 2};
    const auto runs = cache_->RunsAround(rows, 1);
    auto scores = cache_->ScoreWords("ice melts", runs, 1, {});
    EXPECT_TRUE(scores.has_value());
    return scores.value_or(std::vector<float>());
  };
  const auto before = score();
  ASSERT_EQ(before.size(), 2U);
  EXPECT_GT(before[1], 0);
  for (int i = 0; i < 500; ++i) PutState("scan " + std::to_string(i), DocumentStatus::kFailed);
  EXPECT_EQ(score(), before);
}

}  // namespace
}  // namespace strata::knowledge
