#include "knowledge/lexical_index.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/rng.h"
#include "knowledge/lexical/fts5_reference.h"
#include "knowledge/lexical/lexical_index_contract.h"

namespace strata::knowledge {
namespace {

namespace fs = std::filesystem;

// A folder that goes away with the test.
class TempFolder {
 public:
  TempFolder() {
    std::string path = (fs::temp_directory_path() / "strata-lexical-XXXXXX").string();
    path_ = ::mkdtemp(path.data());
  }
  ~TempFolder() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// An index with the folder it lies in.
class InTempFolder final : public LexicalIndex {
 public:
  InTempFolder() : index_(*OpenLexicalIndex(folder_.path())) {}
  Result<void> Put(std::span<const LexicalDocument> documents) override {
    return index_->Put(documents);
  }
  Result<void> Remove(std::span<const std::uint64_t> ids) override { return index_->Remove(ids); }
  Result<void> Clear() override { return index_->Clear(); }
  Result<void> Commit(std::uint64_t generation) override { return index_->Commit(generation); }
  Result<std::vector<LexicalHit>> Search(std::string_view query, std::size_t limit,
                                         const LexicalFilter& filter,
                                         std::span<const SpellingFix> fixes) const override {
    return index_->Search(query, limit, filter, fixes);
  }
  Result<std::vector<SpellingFix>> FixSpelling(std::string_view query,
                                               const LexicalFilter& readable) const override {
    return index_->FixSpelling(query, readable);
  }
  std::uint64_t generation() const override { return index_->generation(); }
  LexicalStats Stats() const override { return index_->Stats(); }

 private:
  TempFolder folder_;
  std::unique_ptr<LexicalIndex> index_;
};

INSTANTIATE_TEST_SUITE_P(Segments, LexicalIndexContract, testing::Values(MakeLexicalIndex([] {
                           return std::make_unique<InTempFolder>();
                         })));
INSTANTIATE_TEST_SUITE_P(Fts5, LexicalIndexContract, testing::Values(MakeLexicalIndex([] {
                           return std::make_unique<lexical::Fts5LexicalIndex>();
                         })));

// Words of letters only and without English endings, so that every tokenizer and stemmer agrees.
std::string RandomText(Rng& rng, std::size_t words) {
  std::string text;
  for (std::size_t i = 0; i < words; ++i) {
    auto number = static_cast<unsigned>(600 * rng.Unit() * rng.Unit());
    text += "w";
    text += static_cast<char>('a' + number / 26 % 26);
    text += static_cast<char>('a' + number % 26);
    text += "q ";
  }
  return text;
}

void Put(LexicalIndex& index, std::uint64_t id, std::string_view body,
         std::string_view title = {}) {
  LexicalDocument document{.id = id, .title = title, .body = body};
  ASSERT_TRUE(index.Put(std::span(&document, 1)).has_value());
}

std::vector<std::uint64_t> Find(const LexicalIndex& index, std::string_view query,
                                std::size_t limit = 10) {
  std::vector<std::uint64_t> ids;
  auto hits = index.Search(query, limit);
  EXPECT_TRUE(hits.has_value());
  if (!hits) return ids;
  for (const LexicalHit& hit : *hits) ids.push_back(hit.id);
  return ids;
}

TEST(LexicalIndex, MatchesTheSameDocumentsAsFts5AndRanksNearlyAlike) {
  TempFolder folder;
  auto ours = *OpenLexicalIndex(folder.path());
  lexical::Fts5LexicalIndex reference;
  Rng rng(1);
  for (std::uint64_t id = 0; id < 800; ++id) {
    std::string body = RandomText(rng, 5 + rng.Below(60));
    std::string title = RandomText(rng, rng.Below(4));
    Put(*ours, id, body, title);
    Put(reference, id, body, title);
    if (id % 100 == 99) {
      ASSERT_TRUE(ours->Commit(id).has_value());
    }
  }
  ASSERT_TRUE(ours->Commit(1000).has_value());
  ASSERT_TRUE(reference.Commit(1000).has_value());
  std::size_t agreed = 0;
  std::size_t compared = 0;
  for (int trial = 0; trial < 40; ++trial) {
    std::string query = RandomText(rng, 1 + rng.Below(6));
    std::vector<std::uint64_t> all = Find(*ours, query, 10'000);
    std::vector<std::uint64_t> expected = Find(reference, query, 10'000);
    EXPECT_EQ(std::set(all.begin(), all.end()), std::set(expected.begin(), expected.end()));
    std::set<std::uint64_t> top(all.begin(), all.begin() + std::min<long>(10, std::ssize(all)));
    for (std::size_t i = 0; i < std::min<std::size_t>(10, expected.size()); ++i) {
      agreed += top.count(expected[i]);
      compared += 1;
    }
  }
  // FTS5 weighs frequent words less (its idf has no +1) and normalizes lengths without the title's
  // weight.
  EXPECT_GT(agreed * 10, compared * 7) << agreed << " of " << compared;
}

TEST(LexicalIndex, ACommitOutlivesTheProcessAndUncommittedChangesDoNot) {
  TempFolder folder;
  {
    auto index = *OpenLexicalIndex(folder.path());
    Put(*index, 1, "alpha");
    Put(*index, 2, "alpha beta");
    ASSERT_TRUE(index->Commit(7).has_value());
    std::vector<std::uint64_t> ids = {1};
    ASSERT_TRUE(index->Remove(ids).has_value());
    ASSERT_TRUE(index->Commit(8).has_value());
    Put(*index, 3, "alpha");
  }
  auto index = *OpenLexicalIndex(folder.path());
  EXPECT_EQ(index->generation(), 8U);
  EXPECT_EQ(Find(*index, "alpha"), (std::vector<std::uint64_t>{2}));
  EXPECT_EQ(index->Stats().documents, 1U);
}

TEST(LexicalIndex, ManySmallCommitsAreMergedAndFindTheSame) {
  TempFolder folder;
  auto index = *OpenLexicalIndex(folder.path());
  lexical::Fts5LexicalIndex reference;
  Rng rng(2);
  for (std::uint64_t round = 0; round < 120; ++round) {
    std::uint64_t id = rng.Below(60);
    if (round % 5 == 4) {
      std::vector<std::uint64_t> ids = {id};
      ASSERT_TRUE(index->Remove(ids).has_value());
      ASSERT_TRUE(reference.Remove(ids).has_value());
    } else {
      std::string text = RandomText(rng, 20);
      Put(*index, id, text);
      Put(reference, id, text);
    }
    ASSERT_TRUE(index->Commit(round).has_value());
  }
  ASSERT_TRUE(reference.Commit(1).has_value());
  EXPECT_LE(index->Stats().segments, 15U);
  EXPECT_EQ(index->Stats().documents, reference.Stats().documents);
  for (int trial = 0; trial < 20; ++trial) {
    std::string query = RandomText(rng, 2);
    auto all = Find(*index, query, 1000);
    auto expected = Find(reference, query, 1000);
    EXPECT_EQ(std::set(all.begin(), all.end()), std::set(expected.begin(), expected.end()));
  }
  auto files = std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator());
  EXPECT_EQ(static_cast<std::uint64_t>(files), index->Stats().segments + 1) << "stray files";
}

TEST(LexicalIndex, AFullBufferBecomesASegmentThatTheNextCommitShows) {
  TempFolder folder;
  LexicalIndexOptions options;
  options.buffer_bytes_max = 4096;
  auto index = *OpenLexicalIndex(folder.path(), options);
  Rng rng(3);
  for (std::uint64_t id = 0; id < 200; ++id) Put(*index, id, "alpha " + RandomText(rng, 20));
  EXPECT_EQ(Find(*index, "alpha"), std::vector<std::uint64_t>());
  ASSERT_TRUE(index->Commit(1).has_value());
  EXPECT_EQ(Find(*index, "alpha", 1000).size(), 200U);
}

TEST(LexicalIndex, SearchesSeeWholeCommitsWhileAWriterWorks) {
  TempFolder folder;
  auto index = *OpenLexicalIndex(folder.path());
  std::atomic<bool> done = false;
  std::atomic<int> odd = 0;
  std::thread reader([&] {
    while (!done) {
      auto hits = index->Search("alpha", 1000);
      if (!hits || hits->size() % 2 != 0) odd += 1;
    }
  });
  for (std::uint64_t round = 0; round < 60; ++round) {  // pairs of documents, replaced and removed
    Put(*index, 2 * (round % 20), "alpha beta");
    Put(*index, 2 * (round % 20) + 1, "alpha gamma");
    if (round % 7 == 6) {
      std::vector<std::uint64_t> ids = {2 * (round % 5), 2 * (round % 5) + 1};
      ASSERT_TRUE(index->Remove(ids).has_value());
    }
    ASSERT_TRUE(index->Commit(round).has_value());
  }
  done = true;
  reader.join();
  EXPECT_EQ(odd, 0);
}

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteFile(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

TEST(LexicalIndex, AnyFlippedByteOrCutIsReportedAsCorruption) {
  TempFolder folder;
  {
    auto index = *OpenLexicalIndex(folder.path());
    for (std::uint64_t id = 0; id < 3; ++id) Put(*index, id, "alpha beta gamma");
    ASSERT_TRUE(index->Commit(1).has_value());
  }
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    std::string good = ReadFile(entry.path());
    for (std::size_t at = 0; at < good.size(); ++at) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 0x10);
      WriteFile(entry.path(), bad);
      auto opened = OpenLexicalIndex(folder.path());
      ASSERT_FALSE(opened.has_value()) << entry.path() << " byte " << at;
      EXPECT_EQ(opened.error().code(), Code::kCorruption);
      WriteFile(entry.path(), std::string_view(good).substr(0, at));
      EXPECT_EQ(OpenLexicalIndex(folder.path()).error().code(), Code::kCorruption);
    }
    WriteFile(entry.path(), good);
  }
  EXPECT_TRUE(OpenLexicalIndex(folder.path()).has_value());
}

TEST(LexicalIndex, AMissingSegmentIsCorruptionAndRemovingMakesRoomForARebuild) {
  TempFolder folder;
  {
    auto index = *OpenLexicalIndex(folder.path());
    Put(*index, 1, "alpha");
    ASSERT_TRUE(index->Commit(1).has_value());
  }
  fs::remove(folder.path() + "/segment-00000001.lex");
  EXPECT_EQ(OpenLexicalIndex(folder.path()).error().code(), Code::kCorruption);
  WriteFile(folder.path() + "/notes.txt", "not ours");
  ASSERT_TRUE(RemoveLexicalIndex(folder.path()).has_value());
  EXPECT_TRUE(fs::exists(folder.path() + "/notes.txt"));
  auto index = OpenLexicalIndex(folder.path());
  ASSERT_TRUE(index.has_value());
  EXPECT_EQ((*index)->generation(), 0U);
  EXPECT_TRUE(RemoveLexicalIndex(folder.path() + "/absent").has_value());
}

TEST(LexicalIndex, AnotherTitleWeightAsksForARebuild) {
  TempFolder folder;
  ASSERT_TRUE((*OpenLexicalIndex(folder.path()))->Commit(1).has_value());
  LexicalIndexOptions options;
  options.title_weight = 3;
  EXPECT_EQ(OpenLexicalIndex(folder.path(), options).error().code(), Code::kConflict);
  options.title_weight = 0;
  EXPECT_EQ(OpenLexicalIndex(folder.path(), options).error().code(), Code::kInvalidArgument);
}

// Commits one document, then dies at the second passage of `point`, which lies in the second
// commit.
void CommitAndDie(const std::string& folder, const std::string& point) {
  ::setenv("STRATA_CRASH_AT", (point + ":2").c_str(), 1);
  auto index = *OpenLexicalIndex(folder);
  Put(*index, 1, "alpha");
  if (!index->Commit(1)) std::exit(1);
  Put(*index, 2, "alpha");
  if (!index->Commit(2)) std::exit(1);
}

class LexicalIndexCrash : public testing::TestWithParam<std::pair<std::string, std::uint64_t>> {};

TEST_P(LexicalIndexCrash, LeavesTheOldCommitOrTheNewOne) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  // The child runs this body again, so that the folder has a fixed name and is made by the parent.
  auto [point, generation] = GetParam();
  std::string folder = testing::TempDir() + "strata-crash-" + point;
  EXPECT_EXIT(CommitAndDie(folder, point), testing::KilledBySignal(SIGKILL), "");
  {
    auto index = OpenLexicalIndex(folder);
    ASSERT_TRUE(index.has_value());
    EXPECT_EQ((*index)->generation(), generation);
    EXPECT_EQ(Find(**index, "alpha").size(), generation);
    auto files = std::distance(fs::directory_iterator(folder), fs::directory_iterator());
    EXPECT_EQ(static_cast<std::uint64_t>(files), (*index)->Stats().segments + 1) << "stray files";
  }
  fs::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(
    AtEachDurableStep, LexicalIndexCrash,
    testing::Values(std::pair<std::string, std::uint64_t>("lexical.segment", 1),
                    std::pair<std::string, std::uint64_t>("lexical.manifest", 2)),
    [](const auto& info) {
      return info.param.first == "lexical.segment" ? "Segment" : "Manifest";
    });

}  // namespace
}  // namespace strata::knowledge
