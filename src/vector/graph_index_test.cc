#include "vector/graph_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "vector/kernels.h"

namespace strata::vector {
namespace {

using std::chrono::milliseconds;

// Options with which the graph answers whatever it can, however few rows there are.
GraphIndexOptions AlwaysGraph(std::size_t dimensions) {
  return {.dimensions = dimensions,
          .tier = {.exact_below = 1, .graph_from = 1, .random_row_cost = 0, .filter_cost = 0}};
}

void TendAll(GraphIndex& index) {
  while (index.Tend(milliseconds(1000))) {
  }
}

// Options with which one-bit codes answer from some rows on, without a graph.
GraphIndexOptions CodesFrom(std::size_t rows, std::size_t dimensions) {
  return {.dimensions = dimensions,
          .tier = {.exact_below = rows, .random_row_cost = 0, .code_cost = 0, .filter_cost = 0},
          .code_candidates = 200};
}

// Rows around some hundred centres, as texts with topics are.
class GraphIndexTest : public testing::Test {
 protected:
  static constexpr std::size_t kDimensions = 32;

  std::vector<float> Row() {
    std::vector<float> row(kDimensions);
    Rng centre(rng_.Below(100) + 1);
    for (float& value : row) {
      value = static_cast<float>(centre.Gaussian() + 0.7 * rng_.Gaussian());
    }
    Normalize(row);
    return row;
  }

  void Fill(VectorIndex& index, std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t id = first; id < first + count; ++id) {
      rows_.resize(std::max<std::size_t>(rows_.size(), id + 1));
      rows_[id] = Row();
      ASSERT_TRUE(index.Upsert(std::vector{id}, rows_[id]).has_value());
    }
  }

  void Drop(VectorIndex& index, std::uint64_t id) {
    index.Remove(std::vector{id});
    rows_[id].clear();
  }

  // Of the 10 nearest that pass, over `queries` queries; no hit may be wrong.
  double Recall(const VectorIndex& index, const IdFilter& filter = {}, int queries = 50) {
    std::size_t found = 0;
    std::size_t all = 0;
    for (int i = 0; i < queries; ++i) {
      const std::vector<float> query = Row();
      std::vector<VectorHit> truth;
      for (std::uint64_t id = 0; id < rows_.size(); ++id) {
        if (rows_[id].empty() || (filter && !filter(id))) continue;
        truth.push_back({.id = id, .score = Dot(query, rows_[id])});
      }
      std::ranges::sort(truth, std::ranges::greater(), &VectorHit::score);
      truth.resize(std::min<std::size_t>(truth.size(), 10));
      const auto hits = index.Search(query, 10, filter);
      EXPECT_TRUE(hits.has_value());
      for (const VectorHit& hit : *hits) {
        EXPECT_FALSE(rows_[hit.id].empty()) << "a removed row came back";
        EXPECT_TRUE(!filter || filter(hit.id));
      }
      for (const VectorHit& expected : truth) {
        found += std::ranges::count(*hits, expected.id, &VectorHit::id) > 0 ? 1 : 0;
      }
      all += truth.size();
    }
    return static_cast<double>(found) / static_cast<double>(all);
  }

  static std::string Saved(GraphIndex& index, std::int64_t generation = 7) {
    std::string bytes;
    const auto saved = index.Save(generation, [&](std::string_view piece) -> Result<void> {
      bytes += piece;
      return {};
    });
    EXPECT_TRUE(saved.has_value());
    return bytes;
  }

  Rng rng_{42};
  std::vector<std::vector<float>> rows_;  // by id; empty: removed
};

TEST_F(GraphIndexTest, NewRowsAreFoundBeforeTheyAreLinked) {
  GraphIndex index(AlwaysGraph(kDimensions));
  Fill(index, 0, 2000);
  TendAll(index);
  EXPECT_EQ(index.graph_stats().linked, 2000U);
  Fill(index, 2000, 500);
  EXPECT_EQ(index.graph_stats().unlinked, 500U);
  EXPECT_GE(Recall(index), 0.98);
  TendAll(index);
  EXPECT_EQ(index.graph_stats().unlinked, 0U);
  EXPECT_GE(Recall(index), 0.98);
}

TEST_F(GraphIndexTest, RemovedRowsNeverComeBackAndTheirPlacesAreUsedAgain) {
  GraphIndex index(AlwaysGraph(kDimensions));
  Fill(index, 0, 3000);
  TendAll(index);
  for (std::uint64_t id = 0; id < 3000; id += 5) Drop(index, id);
  EXPECT_EQ(index.graph_stats().buried, 600U);
  EXPECT_GE(Recall(index), 0.98);
  TendAll(index);  // 20 % is a repair
  EXPECT_EQ(index.graph_stats().buried, 0U);
  EXPECT_GE(Recall(index), 0.98);
  const std::size_t memory = index.Stats().memory_bytes;
  Fill(index, 3000, 600);
  TendAll(index);
  EXPECT_LT(index.Stats().memory_bytes, memory + 100'000);
  EXPECT_GE(Recall(index), 0.98);
  for (std::uint64_t id = 1; id < 3000; id += 2) {
    if (id % 5 != 0) Drop(index, id);
  }
  TendAll(index);  // 40 % is a new graph
  EXPECT_GE(Recall(index), 0.98);
}

TEST_F(GraphIndexTest, FiltersOfEverySelectivityFindTheirRows) {
  GraphIndex index(AlwaysGraph(kDimensions));
  Fill(index, 0, 8000);
  TendAll(index);
  for (std::uint64_t every : {2U, 4U, 10U, 50U, 100U, 1000U}) {
    EXPECT_GE(Recall(
                  index, [=](std::uint64_t id) { return id % every == 1; }, 20),
              0.97)
        << "1 of " << every;
  }
  EXPECT_EQ(index.Search(rows_[3], 10, [](std::uint64_t) { return false; })->size(), 0U);
}

// The filter lets through what is far away from the query only.
TEST_F(GraphIndexTest, AFilterThatPassesOnlyDistantRowsStillFindsThem) {
  GraphIndex index(AlwaysGraph(kDimensions));
  Fill(index, 0, 4000);
  TendAll(index);
  const std::vector<float> query = Row();
  std::vector<VectorHit> order;
  for (std::uint64_t id = 0; id < 4000; ++id) {
    order.push_back({.id = id, .score = Dot(query, rows_[id])});
  }
  std::ranges::sort(order, std::ranges::less(), &VectorHit::score);
  std::set<std::uint64_t> distant;
  for (std::size_t i = 0; i < 200; ++i) distant.insert(order[i].id);
  const auto hits = index.Search(query, 10, [&](auto id) { return distant.contains(id); });
  ASSERT_EQ(hits->size(), 10U);
  for (const VectorHit& hit : *hits) EXPECT_TRUE(distant.contains(hit.id));
}

TEST_F(GraphIndexTest, TheSameSeedMakesTheSameGraph) {
  GraphIndex first(AlwaysGraph(kDimensions));
  GraphIndex second(AlwaysGraph(kDimensions));
  Fill(first, 0, 1500);
  for (std::uint64_t id = 0; id < 1500; ++id) {
    ASSERT_TRUE(second.Upsert(std::vector{id}, rows_[id]).has_value());
  }
  TendAll(first);
  TendAll(second);
  EXPECT_EQ(Saved(first), Saved(second));
}

TEST_F(GraphIndexTest, AGraphIsBuiltAndDroppedByTheNumberOfRowsAndByMemory) {
  GraphIndexOptions options{.dimensions = kDimensions,
                            .tier = {.exact_below = 1000, .graph_from = 1000}};
  GraphIndex index(options);
  Fill(index, 0, 999);
  TendAll(index);
  EXPECT_EQ(index.graph_stats().linked, 0U);
  Fill(index, 999, 1);
  TendAll(index);
  EXPECT_EQ(index.graph_stats().linked, 1000U);
  for (std::uint64_t id = 0; id < 400; ++id) Drop(index, id);
  TendAll(index);
  EXPECT_GT(index.graph_stats().linked, 0U);
  for (std::uint64_t id = 400; id < 600; ++id) Drop(index, id);
  TendAll(index);
  EXPECT_EQ(index.graph_stats().linked, 0U);
  EXPECT_EQ(Recall(index), 1.0);
  options.tier.memory_bytes_max = 100'000;
  GraphIndex small(options);
  Fill(small, 0, 2000);
  TendAll(small);
  EXPECT_EQ(small.graph_stats().linked, 0U);
}

TEST_F(GraphIndexTest, ASavedGraphIsTakenUpAgainWithWhatChangedSince) {
  GraphIndex before(AlwaysGraph(kDimensions));
  Fill(before, 0, 2000);
  ASSERT_TRUE(before
                  .Upsert(std::vector<std::uint64_t>{2000, 2001},
                          [&] {
                            std::vector<float> twice = rows_[5];
                            twice.insert(twice.end(), rows_[5].begin(), rows_[5].end());
                            return twice;
                          }())
                  .has_value());
  rows_.push_back(rows_[5]);
  rows_.push_back(rows_[5]);
  TendAll(before);
  const std::string bytes = Saved(before);
  EXPECT_EQ(before.graph_stats().unsaved, 0U);
  const auto file = GraphFile::Parse(bytes);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->header().generation, 7);

  GraphIndex after(AlwaysGraph(kDimensions));
  for (std::uint64_t id = 2002; id-- > 0;) {  // other slots than before
    if (id % 20 == 3) rows_[id].clear();      // removed since then
    if (id % 20 == 4) rows_[id] = Row();      // replaced
    if (!rows_[id].empty()) {
      ASSERT_TRUE(after.Upsert(std::vector{id}, rows_[id]).has_value());
    }
  }
  ASSERT_TRUE(after.Load(*file).has_value());
  EXPECT_GT(after.graph_stats().linked, 1700U);
  EXPECT_LT(after.graph_stats().unlinked, 200U);
  EXPECT_GE(Recall(after), 0.97);
  TendAll(after);
  EXPECT_EQ(after.graph_stats().unlinked, 0U);
  EXPECT_GE(Recall(after), 0.97);
  EXPECT_EQ(after.Load(*file).error().code(), Code::kConflict) << "there is a graph already";
}

TEST_F(GraphIndexTest, AFileOfOtherRowsOrOptionsIsRefused) {
  GraphIndex index(AlwaysGraph(kDimensions));
  Fill(index, 0, 300);
  TendAll(index);
  const std::string bytes = Saved(index);
  const auto file = GraphFile::Parse(bytes);
  GraphIndex other(AlwaysGraph(kDimensions));
  Fill(other, 0, 300);
  EXPECT_EQ(other.Load(*file).error().code(), Code::kConflict);
  EXPECT_EQ(other.graph_stats().linked, 0U);
  GraphIndexOptions options = AlwaysGraph(kDimensions);
  options.links = 8;
  GraphIndex narrower(options);
  EXPECT_EQ(narrower.Load(*file).error().code(), Code::kInvalidArgument);
}

TEST_F(GraphIndexTest, AFileThatWasChangedAnywhereIsRefused) {
  GraphIndex index(AlwaysGraph(kDimensions));
  Fill(index, 0, 60);
  TendAll(index);
  const std::string bytes = Saved(index);
  for (std::size_t at = 0; at < bytes.size(); at += 7) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    EXPECT_EQ(GraphFile::Parse(changed).error().code(), Code::kCorruption) << "byte " << at;
    EXPECT_FALSE(GraphFile::Parse(bytes.substr(0, at)).has_value());
  }
}

TEST_F(GraphIndexTest, CodesFollowEveryChangeAndAreMadeAnewWhenRowsDouble) {
  GraphIndex index(CodesFrom(500, kDimensions));
  Fill(index, 0, 499);
  TendAll(index);
  EXPECT_FALSE(index.graph_stats().coded);
  Fill(index, 499, 201);
  EXPECT_EQ(Recall(index), 1.0) << "a scan until they are there";
  TendAll(index);
  EXPECT_TRUE(index.graph_stats().coded);
  EXPECT_EQ(index.graph_stats().linked, 0U);
  EXPECT_GE(Recall(index), 0.97);
  Fill(index, 700, 300);
  for (std::uint64_t id = 0; id < 1000; id += 3) Drop(index, id);
  for (std::uint64_t id = 1; id < 1000; id += 30) Fill(index, id, 1);  // replaced
  EXPECT_GE(Recall(index), 0.97) << "without Tend";
  for (std::uint64_t every : {2U, 10U, 100U}) {
    EXPECT_GE(Recall(
                  index, [=](std::uint64_t id) { return id % every == 1; }, 20),
              0.97)
        << "1 of " << every;
  }
  Fill(index, 1000, 1500);
  TendAll(index);
  EXPECT_GE(Recall(index), 0.97);
  EXPECT_EQ(index.Search(rows_[1001], 1)->front().id, 1001U);
  for (std::uint64_t id = 0; id < 2300; ++id) {
    if (!rows_[id].empty()) Drop(index, id);
  }
  TendAll(index);
  EXPECT_FALSE(index.graph_stats().coded);
  EXPECT_EQ(Recall(index), 1.0);
}

TEST_F(GraphIndexTest, CodesThatWouldNotFitAreNotMade) {
  GraphIndexOptions options = CodesFrom(100, kDimensions);
  options.tier.memory_bytes_max = 10'000;
  GraphIndex index(options);
  Fill(index, 0, 500);
  TendAll(index);
  EXPECT_FALSE(index.graph_stats().coded);
  EXPECT_EQ(Recall(index), 1.0);
}

class GraphIndexBesideTest : public GraphIndexTest,
                             public testing::WithParamInterface<GraphIndexOptions> {};
INSTANTIATE_TEST_SUITE_P(Graph, GraphIndexBesideTest, testing::Values(AlwaysGraph(32)));
INSTANTIATE_TEST_SUITE_P(Codes, GraphIndexBesideTest, testing::Values(CodesFrom(100, 32)));

TEST_P(GraphIndexBesideTest, SearchesRunBesideChangesAndTending) {
  GraphIndex index(GetParam());
  Fill(index, 0, 500);
  std::atomic<bool> done = false;
  const std::vector<float> query = rows_[1];
  auto read = [&] {
    while (!done) {
      const auto hits = index.Search(query, 10);
      EXPECT_TRUE(hits.has_value());
      EXPECT_EQ(hits->front().id, 1U) << "a row that stays is always found";
    }
  };
  std::thread reader(read);
  std::thread filtered([&] {
    while (!done) {
      const auto hits = index.Search(query, 5, [](std::uint64_t id) { return id % 3 != 2; });
      EXPECT_EQ(hits->front().id, 1U);
    }
  });
  std::thread tender([&] {
    while (!done) index.Tend(milliseconds(5));
  });
  for (std::uint64_t id = 500; id < 1500; ++id) {
    Fill(index, id, 1);
    if (id % 2 == 0) Drop(index, id - 400);
  }
  done = true;
  reader.join();
  filtered.join();
  tender.join();
  TendAll(index);
  EXPECT_EQ(index.Stats().rows, 1000U);
}

}  // namespace
}  // namespace strata::vector
