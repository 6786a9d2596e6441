#include "knowledge/base/kb_cache.h"

#include <gmock/gmock.h>

#include <chrono>
#include <fstream>
#include <latch>
#include <thread>

#include "knowledge/base/service_fixture.h"

namespace strata::knowledge {
namespace {

class KbCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(CreateKbFile(Path(".db")).has_value());
    file_ = *OpenKbFile(Path(".db"));
    Reopen(nullptr);
  }
  std::string Path(const std::string& suffix) const { return folder_.path() + "/kb" + suffix; }
  void Reopen(Pool* background) {
    cache_.reset();
    KbCacheOptions options{
        .lexical_folder = Path(".lex"),
        .names = {.database = Path(".db"), .folder = Path(".names"), .sealed_passages = 8},
        .vectors = {.database = Path(".db"), .graph_file = Path(".graph"), .index = {}}};
    options.vectors.index.dimensions = 2;
    auto opened = KbCache::Open(*file_, std::move(options), background);
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    cache_ = std::move(*opened);
  }

  static DocumentRow Row(const std::string& uri) {
    DocumentRow row;
    row.document_id = DocumentIdOf("s", uri);
    row.source_id = "s";
    row.uri = uri;
    row.title = uri;
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
  // Whether the title of a document leads to it.
  bool Names(const std::string& uri) {
    const std::vector<std::string> everybody;
    const SearchScope scope{.principals = &everybody};
    return !cache_->WalkNames("What of " + uri + "?", {}, scope).passages.empty();
  }
  static bool Eventually(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!done() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    return done();
  }
  KbCache::Stats Follow() {
    const auto followed = cache_->CatchUp();
    EXPECT_TRUE(followed.has_value());
    return cache_->stats();
  }

  TempFolder folder_;
  Pool background_{"background", 1, 10};
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

TEST_F(KbCacheTest, NamesAreKeptOverARestart) {
  Reopen(&background_);
  for (int i = 0; i < 20; ++i) Put("Paper " + std::to_string(i), {"ice"});
  Follow();
  // 16 of 20: two segments, of which one is made.
  EXPECT_TRUE(Eventually([&] {
    const auto names = cache_->stats().names;
    return names.segments == 1 && names.file_bytes > 0;
  }));
  cache_.reset();
  PutState("Paper 3", DocumentStatus::kFailed);
  Put("Paper 5", {"snow"});
  Put("Paper 20", {"snow"});
  Reopen(nullptr);
  const auto names = Follow().names;
  EXPECT_EQ(names.passages, 20U);
  EXPECT_EQ(names.segments, 1U);
  EXPECT_FALSE(cache_->unnamed());
  for (int i = 0; i <= 20; ++i) EXPECT_EQ(Names("Paper " + std::to_string(i)), i != 3) << i;
  PutState("Paper 7", DocumentStatus::kFailed);
  Follow();
  EXPECT_FALSE(Names("Paper 7"));
}

TEST_F(KbCacheTest, ManyNamesAreFoundInTheBackgroundWhenTheFilesAreGone) {
  for (int i = 0; i < 50; ++i) Put("Paper " + std::to_string(i), {"ice"});
  Reopen(&background_);
  Follow();
  // What changes meanwhile counts at once.
  PutState("Paper 30", DocumentStatus::kFailed);
  Put("Paper 50", {"snow"});
  Follow();
  EXPECT_TRUE(Names("Paper 50"));
  EXPECT_FALSE(Names("Paper 30"));
  EXPECT_TRUE(Eventually([&] { return !cache_->unnamed(); }));
  EXPECT_EQ(cache_->stats().names.passages, 50U);
  for (int i = 0; i <= 50; ++i) EXPECT_EQ(Names("Paper " + std::to_string(i)), i != 30) << i;
}

// An upgrade that makes words otherwise, and one that has other files.
class KbCacheUpgradeTest : public KbCacheTest, public ::testing::WithParamInterface<char> {
 protected:
  char VersionOfWords(std::optional<char> set = {}) {
    std::fstream manifest(Path(".lex/lexical.manifest"));
    constexpr int kVersionAt = 8;
    if (set) manifest.seekp(kVersionAt).put(*set);
    manifest.seekg(kVersionAt);
    return static_cast<char>(manifest.get());
  }
  std::size_t Found(const std::string& words) {
    const std::vector<std::string> everybody;
    const auto hits = cache_->SearchWords(words, 100, {.principals = &everybody});
    EXPECT_TRUE(hits.has_value());
    return hits->size();
  }
};

TEST_P(KbCacheUpgradeTest, WordsAreMadeAnewInTheBackground) {
  for (int i = 0; i < 20; ++i) Put("Paper " + std::to_string(i), {"ice " + std::to_string(i)});
  Follow();
  cache_.reset();
  const char now = VersionOfWords();
  VersionOfWords(GetParam());

  std::latch go_on(1);
  ASSERT_TRUE(background_.Post([&] { go_on.wait(); }, Urgency::kBackground).has_value());
  Reopen(&background_);
  Follow();
  Reopen(&background_);  // as if the process had ended meanwhile
  Follow();
  EXPECT_TRUE(cache_->building_words());
  const bool searchable = GetParam() < now;
  EXPECT_EQ(cache_->without_words(), !searchable);
  EXPECT_EQ(Found("ice"), searchable ? 20U : 0U);
  PutState("Paper 3", DocumentStatus::kFailed);
  Put("Paper 20", {"ice and snow"});
  Follow();
  EXPECT_EQ(Found("ice"), searchable ? 19U : 0U) << "what is gone is found no more";
  EXPECT_LT(cache_->followed(), cache_->generation()) << "the log of removals is still needed";

  go_on.count_down();
  EXPECT_TRUE(Eventually([&] { return !cache_->building_words(); }));
  Follow();
  EXPECT_EQ(Found("ice"), 20U);
  EXPECT_EQ(Found("snow"), 1U) << "what came meanwhile";
  Put("Paper 21", {"snow"});
  Follow();
  EXPECT_EQ(Found("snow"), 2U);
  EXPECT_EQ(cache_->followed(), cache_->generation());
  EXPECT_EQ(VersionOfWords(), now);
}

TEST_P(KbCacheUpgradeTest, FewWordsAreMadeAnewAtOnce) {
  for (int i = 0; i < 5; ++i) Put("Paper " + std::to_string(i), {"ice"});
  Follow();
  cache_.reset();
  const char now = VersionOfWords();
  VersionOfWords(GetParam());
  Reopen(&background_);
  Follow();
  EXPECT_FALSE(cache_->building_words());
  EXPECT_EQ(Found("ice"), 5U);
  EXPECT_EQ(VersionOfWords(), now);
}

TEST_P(KbCacheUpgradeTest, WhatChangesWhileWordsAreMadeIsFollowed) {
  std::vector<std::string> texts;
  for (int i = 0; i < 5000; ++i) texts.push_back("ice " + std::to_string(i));
  Put("Book", texts);
  for (int i = 0; i < 100; ++i) Put("Paper " + std::to_string(i), {"ice and steel"});
  Follow();
  cache_.reset();
  VersionOfWords(GetParam());
  Reopen(&background_);
  Follow();
  std::size_t kept = 100;
  for (int i = 0; i < 100; ++i) {
    const auto name = "Paper " + std::to_string(i);
    if (i % 3 == 0) PutState(name, DocumentStatus::kFailed);
    if (i % 3 == 1) Put(name, {"steel and snow"});
    kept -= i % 3 == 0 ? 1 : 0;
    Follow();
    EXPECT_LE(Found("steel"), kept);
  }
  PutState("Book", DocumentStatus::kFailed);
  EXPECT_TRUE(Eventually([&] { return !cache_->building_words(); }));
  Follow();
  EXPECT_EQ(Found("steel"), 66U);
  EXPECT_EQ(Found("snow"), 33U);
  EXPECT_EQ(Found("ice"), 33U);
  EXPECT_EQ(cache_->stats().words.documents, 66U);
}

INSTANTIATE_TEST_SUITE_P(OfTheWordsAndOfTheFiles, KbCacheUpgradeTest, ::testing::Values(1, 99));

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
