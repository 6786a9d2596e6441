#include "knowledge/lexical/snapshot_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "knowledge/lexical/index_buffer.h"
#include "knowledge/lexical/segment_merge.h"

namespace strata::knowledge::lexical {
namespace {

std::string Word(std::size_t number) { return "w" + std::to_string(number) + "x"; }

// Documents of random words with a skewed distribution, kept as plain counts beside their segments.
class Corpus {
 public:
  Corpus(std::uint64_t seed, std::size_t vocabulary) : rng_(seed), vocabulary_(vocabulary) {}

  std::size_t RandomWord() {
    double unit = rng_.Unit();
    return static_cast<std::size_t>(static_cast<double>(vocabulary_) * unit * unit * unit);
  }

  void AddSegment(std::size_t documents, std::uint64_t id_step) {
    IndexBuffer buffer(2);
    for (std::size_t i = 0; i < documents; ++i) {
      std::map<std::string, int> counts;
      std::string text;
      std::size_t length = 1 + rng_.Below(12) * rng_.Below(12);
      for (std::size_t word = 0; word < length; ++word) {
        std::string made = Word(RandomWord());
        counts[made] += 1;
        text += made + " ";
      }
      next_id_ += 1 + rng_.Below(id_step);
      std::uint64_t id = next_id_ ^ (snapshot_.segments.size() << 20);  // ids of segments mingle
      buffer.Put({.id = id, .title = {}, .body = text});
      documents_[id] = std::move(counts);
    }
    auto bytes = std::make_shared<std::string>(buffer.MakeSegment());
    auto segment = Segment::Open(*bytes, bytes);
    ASSERT_TRUE(segment.has_value()) << segment.error().message();
    snapshot_.segments.push_back(
        {.number = snapshot_.segments.size(), .segment = *segment, .deleted = nullptr});
  }

  void DeleteSome(std::uint64_t one_in) {
    for (LiveSegment& live : snapshot_.segments) {
      auto deleted = std::make_shared<Tombstones>(live.segment->documents());
      for (std::uint32_t i = 0; i < live.segment->documents(); ++i) {
        if (rng_.Below(one_in) == 0) deleted->Add(i);
      }
      live.deleted = std::move(deleted);
    }
  }

  std::map<std::string, std::uint32_t> RandomQuery(std::size_t words) {
    std::map<std::string, std::uint32_t> query;
    for (std::size_t i = 0; i < words; ++i) query[Word(RandomWord())] += 1;
    return query;
  }

  // BM25 from its definition, in doubles.
  double Score(std::uint64_t id, const std::map<std::string, std::uint32_t>& query) const {
    double total = 0;
    for (const auto& [other, counts] : documents_) total += Length(counts);
    double average = total / static_cast<double>(documents_.size());
    const auto& counts = documents_.at(id);
    double score = 0;
    for (const auto& [word, repeats] : query) {
      auto found = counts.find(word);
      if (found == counts.end()) continue;
      double frequency = 0;
      for (const auto& [other, words] : documents_) frequency += words.contains(word) ? 1 : 0;
      auto documents = static_cast<double>(documents_.size());
      double idf = std::log(1 + (documents - frequency + 0.5) / (frequency + 0.5));
      double tf = found->second;
      double norm = 1.2 * (1 - 0.75 + 0.75 * Length(counts) / average);
      score += repeats * idf * tf * 2.2 / (tf + norm);
    }
    return score;
  }

  const Snapshot& snapshot() const { return snapshot_; }
  Rng& rng() { return rng_; }

 private:
  static double Length(const std::map<std::string, int>& counts) {
    std::uint64_t length = 0;
    for (const auto& [word, count] : counts) length += static_cast<std::uint64_t>(count);
    return DecodeLength(EncodeLength(length));
  }

  Rng rng_;
  const std::size_t vocabulary_;
  std::uint64_t next_id_ = 0;
  Snapshot snapshot_;
  std::map<std::uint64_t, std::map<std::string, int>> documents_;
};

struct Shape {
  const char* name;
  std::size_t vocabulary;
  std::vector<std::size_t> segments;
  bool deleted;
};

class SearchOfShape : public testing::TestWithParam<Shape> {};

TEST_P(SearchOfShape, PrunedSearchEqualsScoringEveryDocumentTiesIncluded) {
  const Shape& shape = GetParam();
  Corpus corpus(17, shape.vocabulary);
  for (std::size_t documents : shape.segments) corpus.AddSegment(documents, 3);
  if (shape.deleted) corpus.DeleteSome(4);
  for (int trial = 0; trial < 120; ++trial) {
    auto query = corpus.RandomQuery(1 + corpus.rng().Below(14));
    std::size_t limit = trial % 3 == 0 ? 1 : (trial % 3 == 1 ? 10 : 200);
    LexicalFilter filter;
    if (trial % 4 == 0) filter = [](std::uint64_t id) { return id % 3 != 0; };
    auto pruned = SearchSnapshot(corpus.snapshot(), query, {}, limit, filter);
    auto full = SearchSnapshot(corpus.snapshot(), query, {}, limit, filter, Pruning::kNone);
    ASSERT_TRUE(pruned.has_value() && full.has_value());
    ASSERT_EQ(*pruned, *full) << "trial " << trial;
  }
}

INSTANTIATE_TEST_SUITE_P(All, SearchOfShape,
                         testing::Values(Shape{"OneSmallSegment", 50, {60}, false},
                                         Shape{"ManyTies", 4, {3000}, false},
                                         Shape{"LongLists", 300, {9000}, false},
                                         Shape{"ManyWindows", 5000, {30'000, 9000}, true},
                                         Shape{"SeveralSegments", 400, {4000, 1, 700, 2500}, false},
                                         Shape{"WithDeleted", 200, {3000, 900}, true}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(SearchOfShape, NeededWordsLeaveOutWhatLacksOneOfThem) {
  const Shape& shape = GetParam();
  Corpus corpus(23, shape.vocabulary);
  for (std::size_t documents : shape.segments) corpus.AddSegment(documents, 3);
  if (shape.deleted) corpus.DeleteSome(4);
  std::size_t found = 0;
  for (int trial = 0; trial < 60; ++trial) {
    auto query = corpus.RandomQuery(1 + corpus.rng().Below(8));
    WordRoles roles;
    for (const auto& [word, repeats] : query) {
      if (roles.needed.size() < 1 + static_cast<std::size_t>(trial) % 3) roles.needed.insert(word);
    }
    LexicalFilter filter;
    if (trial % 4 == 0) filter = [](std::uint64_t id) { return id % 3 != 0; };
    const std::size_t limit = trial % 2 == 0 ? 10 : 100'000;
    const auto ours =
        SearchSnapshot(corpus.snapshot(), query, {}, limit, filter, Pruning::kMaxScore, roles);
    auto expected = *SearchSnapshot(corpus.snapshot(), query, {}, 100'000, filter, Pruning::kNone);
    for (const auto& word : roles.needed) {
      std::set<std::uint64_t> having;
      for (const auto& hit : *SearchSnapshot(corpus.snapshot(), {{word, 1}}, {}, 100'000, {})) {
        having.insert(hit.id);
      }
      std::erase_if(expected, [&](const auto& hit) { return !having.contains(hit.id); });
    }
    expected.resize(std::min(expected.size(), limit));
    ASSERT_TRUE(ours.has_value());
    ASSERT_EQ(*ours, expected) << "trial " << trial;
    found += expected.size();
  }
  EXPECT_GT(found, 0U);
}

TEST(SnapshotSearch, ScoresAreBm25AsDefined) {
  Corpus corpus(5, 60);
  corpus.AddSegment(150, 2);
  corpus.AddSegment(90, 2);
  for (int trial = 0; trial < 10; ++trial) {
    auto query = corpus.RandomQuery(5);
    auto hits = SearchSnapshot(corpus.snapshot(), query, {}, 20, {});
    ASSERT_TRUE(hits.has_value());
    for (const LexicalHit& hit : *hits) EXPECT_NEAR(hit.score, corpus.Score(hit.id, query), 1e-3);
  }
}

TEST(SegmentMerge, MergedSegmentsAnswerLikeOneMadeAtOnceWithoutTheDeleted) {
  Corpus corpus(6, 200);
  corpus.AddSegment(900, 3);
  corpus.AddSegment(40, 3);
  corpus.AddSegment(500, 3);
  corpus.DeleteSome(3);
  auto merged = MergeSegments(corpus.snapshot().segments);
  ASSERT_TRUE(merged.has_value());
  auto bytes = std::make_shared<std::string>(*merged);
  auto segment = Segment::Open(*bytes, bytes);
  ASSERT_TRUE(segment.has_value());
  Snapshot one;
  one.segments.push_back({.number = 1, .segment = *segment, .deleted = nullptr});
  std::uint32_t live = 0;
  for (const LiveSegment& part : corpus.snapshot().segments) live += part.live_count();
  EXPECT_EQ((*segment)->documents(), live);
  for (int trial = 0; trial < 30; ++trial) {
    auto query = corpus.RandomQuery(3);
    auto before = SearchSnapshot(corpus.snapshot(), query, {}, 5000, {});
    auto after = SearchSnapshot(one, query, {}, 5000, {});
    std::vector<std::uint64_t> ids_before;
    std::vector<std::uint64_t> ids_after;
    for (const LexicalHit& hit : *before) ids_before.push_back(hit.id);
    for (const LexicalHit& hit : *after) ids_after.push_back(hit.id);
    std::ranges::sort(ids_before);
    std::ranges::sort(ids_after);
    ASSERT_EQ(ids_before, ids_after);
  }
}

TEST(Segment, FindsThePlaceOfAnIdWithAndWithoutGaps) {
  Rng rng(12);
  for (const std::uint64_t gap : {1, 2, 50}) {
    IndexBuffer buffer(2);
    std::vector<std::uint64_t> ids;
    for (std::uint64_t id = 10; ids.size() < 300; id += 1 + rng.Below(gap)) {
      ids.push_back(id);
      buffer.Put({.id = id, .title = {}, .body = "word"});
    }
    const std::string bytes = buffer.MakeSegment();
    auto segment = Segment::Open(bytes, nullptr);
    ASSERT_TRUE(segment.has_value());
    for (std::uint64_t id = 0; id < ids.back() + 400; ++id) {
      const auto expected = std::ranges::lower_bound(ids, id) - ids.begin();
      ASSERT_EQ((*segment)->LowerBound(id), expected) << id;
      const auto found = (*segment)->FindDocument(id);
      ASSERT_EQ(found.has_value(), std::ranges::binary_search(ids, id)) << id;
    }
  }
}

TEST(Segment, DamagedBytesWithoutChecksumsNeverCrash) {
  IndexBuffer buffer(2);
  Rng rng(8);
  for (std::uint64_t id = 0; id < 400; ++id) {
    std::string text;
    for (int i = 0; i < 20; ++i) text += Word(rng.Below(60)) + " ";
    buffer.Put({.id = id * 3, .title = "title", .body = text});
  }
  const std::string good = buffer.MakeSegment();
  for (int trial = 0; trial < 1500; ++trial) {
    std::string bad = good;
    for (std::uint64_t i = 0; i <= rng.Below(6); ++i) {
      bad[rng.Below(bad.size())] = static_cast<char>(rng.Below(256));
    }
    if (trial % 5 == 0) bad.resize(rng.Below(bad.size()));
    auto segment = Segment::Open(bad, nullptr, Checksums::kIgnore);
    if (!segment) {
      EXPECT_EQ(segment.error().code(), Code::kCorruption);
      continue;
    }
    Snapshot snapshot;
    snapshot.segments.push_back({.number = 1, .segment = *segment, .deleted = nullptr});
    auto hits = SearchSnapshot(snapshot, {{"titl", 1}, {Word(3), 1}, {Word(30), 2}}, {}, 10, {});
    if (!hits) EXPECT_EQ(hits.error().code(), Code::kCorruption);
    auto merged = MergeSegments(snapshot.segments);
    if (!merged) EXPECT_EQ(merged.error().code(), Code::kCorruption);
  }
}

}  // namespace
}  // namespace strata::knowledge::lexical
