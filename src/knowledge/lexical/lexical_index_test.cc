#include "knowledge/lexical_index.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <cmath>
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
                                         std::span<const SpellingFix> fixes,
                                         std::string_view holding) const override {
    return index_->Search(query, limit, filter, fixes, holding);
  }
  Result<std::vector<float>> ScoreRuns(std::string_view query, std::span<const ChunkRun> runs,
                                       const DocumentsOfChunks& documents,
                                       std::span<const SpellingFix> fixes) const override {
    return index_->ScoreRuns(query, runs, documents, fixes);
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

void SetWordsVersion(const TempFolder& folder, char version) {
  std::fstream manifest(folder.path() + "/lexical.manifest",
                        std::ios::in | std::ios::out | std::ios::binary);
  manifest.seekp(8);  // behind the magic
  manifest.put(version);
}

TEST(LexicalIndex, OneOfOlderWordsIsSearchedUntilItIsMadeAnew) {
  TempFolder folder;
  {
    auto index = *OpenLexicalIndex(folder.path());
    Put(*index, 1, "alpha");
    ASSERT_TRUE(index->Commit(1).has_value());
    EXPECT_FALSE(index->outdated());
  }
  SetWordsVersion(folder, '\1');
  {
    auto index = *OpenLexicalIndex(folder.path());
    EXPECT_TRUE(index->outdated());
    EXPECT_EQ(index->Search("alpha", 10)->size(), 1U);
    ASSERT_TRUE(index->Commit(2).has_value());
  }
  auto index = *OpenLexicalIndex(folder.path());
  EXPECT_TRUE(index->outdated()) << "nothing was made anew";
  ASSERT_TRUE(index->Clear().has_value());
  Put(*index, 1, "beta");
  EXPECT_TRUE(index->outdated());
  EXPECT_EQ(index->Search("alpha", 10)->size(), 1U);
  ASSERT_TRUE(index->Commit(3).has_value());
  EXPECT_FALSE(index->outdated());
  EXPECT_EQ(index->Search("alpha", 10)->size(), 0U);
  index = *OpenLexicalIndex(folder.path());
  EXPECT_FALSE(index->outdated());
  EXPECT_EQ(index->Search("beta", 10)->size(), 1U);
}

TEST(LexicalIndex, OneOfOtherFilesAsksForARebuild) {
  TempFolder folder;
  ASSERT_TRUE((*OpenLexicalIndex(folder.path()))->Commit(1).has_value());
  for (const char version : {'\0', '\143'}) {
    SetWordsVersion(folder, version);
    EXPECT_EQ(OpenLexicalIndex(folder.path()).error().code(), Code::kCorruption);
  }
}

// Dates count like words: what has none scores as if nobody had any.
TEST(LexicalIndex, DatesChangeNoScoreOfWordsWithoutThem) {
  TempFolder plain_folder;
  TempFolder dated_folder;
  auto plain = *OpenLexicalIndex(plain_folder.path());
  auto dated = *OpenLexicalIndex(dated_folder.path());
  Rng rng(3);
  for (std::uint64_t id = 0; id < 300; ++id) {
    const auto body = RandomText(rng, 5 + rng.Below(40));
    const bool other = id % 3 == 0;
    Put(*plain, id, body + (other ? " 99 May. 2018" : " 4 of all 2018"));
    Put(*dated, id, body + (other ? " 4 May 2018" : " 4 of all 2018"));
  }
  ASSERT_TRUE(plain->Commit(1).has_value());
  ASSERT_TRUE(dated->Commit(1).has_value());
  for (int trial = 0; trial < 20; ++trial) {
    const auto query = RandomText(rng, 1 + rng.Below(6));
    EXPECT_EQ(*plain->Search(query, 300), *dated->Search(query, 300));
  }
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

// Two chunks a document, in one index by chunk and in another as whole documents.
class LexicalRuns : public testing::Test {
 protected:
  static constexpr std::uint64_t kDocuments = 300;
  void SetUp() override {
    Rng rng(7);
    for (std::uint64_t i = 0; i < kDocuments; ++i) {
      // At most 31 words together: lengths are exact.
      const auto first = RandomText(rng, 3 + rng.Below(12));
      const auto second = RandomText(rng, 3 + rng.Below(12));
      Put(chunks_, 2 * i, first);
      Put(chunks_, 2 * i + 1, second);
      Put(documents_, i, std::string(first).append(" ").append(second));
      if (i == kDocuments / 2) ASSERT_TRUE(chunks_.Commit(1).has_value());  // two segments
    }
    ASSERT_TRUE(chunks_.Commit(2).has_value());
    ASSERT_TRUE(documents_.Commit(1).has_value());
  }
  static DocumentsOfChunks Statistics() {
    return {
        .count = kDocuments, .typical_chunks = 2, .of = [](std::uint64_t id) { return id / 2; }};
  }
  InTempFolder chunks_;
  InTempFolder documents_;
};

TEST_F(LexicalRuns, AreScoredAsTheDocumentsThatTheyAre) {
  Rng rng(8);
  std::vector<ChunkRun> runs;
  for (std::uint64_t i = kDocuments; i-- > 0;) runs.push_back({.first = 2 * i, .last = 2 * i + 1});
  for (int round = 0; round < 20; ++round) {
    const auto query = RandomText(rng, 1 + rng.Below(6));
    auto scores = chunks_.ScoreRuns(query, runs, Statistics(), {});
    auto expected = documents_.Search(query, kDocuments, {}, {}, {});
    ASSERT_TRUE(scores.has_value() && expected.has_value());
    std::vector<float> by_document(kDocuments, 0);
    for (const auto& hit : *expected) by_document[hit.id] = hit.score;
    for (std::uint64_t i = 0; i < kDocuments; ++i) {
      EXPECT_NEAR((*scores)[kDocuments - 1 - i], by_document[i], 1e-3 * (1 + by_document[i]));
    }
  }
}

TEST_F(LexicalRuns, AloneChunksScoreAsInASearch) {
  const auto query = "waaq wabq wacq";
  auto hits = chunks_.Search(query, 50, {}, {}, {});
  ASSERT_TRUE(hits.has_value());
  ASSERT_FALSE(hits->empty());
  std::vector<ChunkRun> runs;
  for (const auto& hit : *hits) runs.push_back({.first = hit.id, .last = hit.id});
  runs.push_back({.first = 5000, .last = 6000});  // nothing is there
  auto scores = chunks_.ScoreRuns(query, runs, {}, {});
  ASSERT_TRUE(scores.has_value());
  for (std::size_t i = 0; i < hits->size(); ++i) EXPECT_NEAR((*scores)[i], (*hits)[i].score, 1e-3);
  EXPECT_EQ(scores->back(), 0);
}

TEST_F(LexicalRuns, RemovedChunksCountNoMore) {
  const std::vector<ChunkRun> runs = {{.first = 10, .last = 11}};
  Put(chunks_, 10, "zzyq zzyq");
  ASSERT_TRUE(chunks_.Commit(3).has_value());
  EXPECT_GT(chunks_.ScoreRuns("zzyq", runs, Statistics(), {})->front(), 0);
  const std::uint64_t id = 10;
  ASSERT_TRUE(chunks_.Remove(std::span(&id, 1)).has_value());
  ASSERT_TRUE(chunks_.Commit(4).has_value());
  EXPECT_EQ(chunks_.ScoreRuns("zzyq", runs, Statistics(), {})->front(), 0);
}

// More postings than are counted: where each document says a word in both chunks, it is as rare as
// documents are, not as chunks are.
class LexicalRunsOfManyChunks : public testing::TestWithParam<std::uint64_t> {};

TEST_P(LexicalRunsOfManyChunks, InferFromSomeOfThem) {
  InTempFolder chunks;
  constexpr std::uint64_t kDocuments = 3000;
  const auto of_a_segment = kDocuments / GetParam();
  for (std::uint64_t i = 0; i < kDocuments; ++i) {
    const bool has = i % 3 == 0;
    Put(chunks, 2 * i, has ? "common word" : "other word");
    Put(chunks, 2 * i + 1, has ? "common text" : "other text");
    if ((i + 1) % of_a_segment == 0) ASSERT_TRUE(chunks.Commit(i).has_value());
  }
  ASSERT_EQ(chunks.Stats().segments, GetParam());
  const std::vector<ChunkRun> runs = {{.first = 0, .last = 1}};
  const DocumentsOfChunks statistics{
      .count = kDocuments, .typical_chunks = 2, .of = [](std::uint64_t id) { return id / 2; }};
  const double idf = std::log1p((2000 + 0.5) / (1000 + 0.5));
  const double expected = idf * 2.2 * 2 / (2 + 1.2);
  EXPECT_NEAR(chunks.ScoreRuns("common", runs, statistics, {})->front(), expected, 0.02 * expected);
}

INSTANTIATE_TEST_SUITE_P(Segments, LexicalRunsOfManyChunks, testing::Values(1, 6));

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
