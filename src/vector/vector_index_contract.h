#pragma once
// The promises of VectorIndex as tests, for every implementation: instantiate with a maker in
// vector_index_test.cc. An approximate index says there which share of the true neighbours it
// promises.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <vector>

#include "base/rng.h"
#include "vector/kernels.h"
#include "vector/vector_index.h"

namespace strata::vector {

using MakeVectorIndex = std::function<std::unique_ptr<VectorIndex>(std::size_t dimensions)>;

struct VectorIndexCase {
  MakeVectorIndex make;
  double recall = 1;  // of the 10 nearest, on average
};

class VectorIndexContract : public testing::TestWithParam<VectorIndexCase> {
 protected:
  static std::unique_ptr<VectorIndex> Make(std::size_t dimensions) {
    return GetParam().make(dimensions);
  }

  static std::vector<float> RandomRow(Rng& rng, std::size_t dimensions) {
    std::vector<float> row(dimensions);
    for (float& value : row) value = static_cast<float>(rng.Gaussian());
    Normalize(row);
    return row;
  }

  static std::vector<std::uint64_t> Ids(const std::vector<VectorHit>& hits) {
    std::vector<std::uint64_t> ids;
    ids.reserve(hits.size());
    for (const VectorHit& hit : hits) ids.push_back(hit.id);
    return ids;
  }

  static void Add(VectorIndex& index, std::uint64_t id, std::vector<float> row) {
    EXPECT_TRUE(index.Upsert(std::vector{id}, row).has_value());
  }
};

TEST_P(VectorIndexContract, ReturnsTheNearestFirstWithTheirDotProducts) {
  auto index = Make(2);
  Add(*index, 7, {1, 0});
  Add(*index, 3, {0, 1});
  Add(*index, 9, {0.6F, 0.8F});
  auto hits = index->Search(std::vector{0.0F, 1.0F}, 2);
  ASSERT_TRUE(hits.has_value());
  ASSERT_EQ(hits->size(), 2U);
  EXPECT_EQ((*hits)[0].id, 3U);
  EXPECT_NEAR((*hits)[0].score, 1.0, 1e-3);
  EXPECT_EQ((*hits)[1].id, 9U);
  EXPECT_NEAR((*hits)[1].score, 0.8, 1e-3);
}

TEST_P(VectorIndexContract, GivesRowsBackAndZerosForUnknownOnes) {
  auto index = Make(2);
  Add(*index, 7, {1, 0});
  Add(*index, 3, {0.6F, -0.8F});
  index->Remove(std::vector<std::uint64_t>{7});
  const auto rows = index->Rows(std::vector<std::uint64_t>{3, 7});
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_NEAR(rows[0], 0.6, 1e-3);
  EXPECT_NEAR(rows[1], -0.8, 1e-3);
  EXPECT_EQ(rows[2], 0);
  EXPECT_EQ(rows[3], 0);
}

TEST_P(VectorIndexContract, SaysHowScoresAreSpread) {
  auto index = Make(2);
  Add(*index, 1, {1, 0});
  Add(*index, 2, {0.8F, 0.6F});
  Add(*index, 3, {0.6F, 0.8F});
  Add(*index, 4, {0, 1});
  index->Remove(std::vector<std::uint64_t>{4});
  const std::vector<float> query = {1, 0};
  const auto all = index->Spread(query, 100);
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(all->rows, 3U);
  EXPECT_NEAR(all->mean, 0.8, 0.01);
  EXPECT_NEAR(all->deviation, 0.1633, 0.01);
  const auto some = index->Spread(query, 100, [](std::uint64_t id) { return id != 1; });
  ASSERT_TRUE(some.has_value());
  EXPECT_EQ(some->rows, 2U);
  EXPECT_NEAR(some->mean, 0.7, 0.01);
  const auto fewer = index->Spread(query, 2);
  ASSERT_TRUE(fewer.has_value());
  EXPECT_LE(fewer->rows, 2U);
  EXPECT_FALSE(index->Spread(std::vector{1.0F}, 100).has_value());
}

TEST_P(VectorIndexContract, AnEmptyIndexFindsNothing) {
  auto index = Make(3);
  auto hits = index->Search(std::vector{1.0F, 0.0F, 0.0F}, 5);
  ASSERT_TRUE(hits.has_value());
  EXPECT_TRUE(hits->empty());
}

TEST_P(VectorIndexContract, LimitZeroFindsNothingAndLargeLimitsFindAll) {
  auto index = Make(2);
  Add(*index, 1, {1, 0});
  Add(*index, 2, {0, 1});
  EXPECT_TRUE(index->Search(std::vector{1.0F, 0.0F}, 0)->empty());
  EXPECT_EQ(index->Search(std::vector{1.0F, 0.0F}, 1'000'000)->size(), 2U);
}

TEST_P(VectorIndexContract, EqualScoresComeInTheOrderOfTheirIds) {
  auto index = Make(2);
  for (std::uint64_t id : {50U, 10U, 40U, 20U, 30U}) Add(*index, id, {1, 0});
  auto hits = index->Search(std::vector{1.0F, 0.0F}, 3);
  EXPECT_EQ(Ids(*hits), (std::vector<std::uint64_t>{10, 20, 30}));
}

TEST_P(VectorIndexContract, UpsertReplacesARowWithTheSameId) {
  auto index = Make(2);
  Add(*index, 1, {1, 0});
  Add(*index, 2, {0.8F, 0.6F});
  Add(*index, 1, {0, 1});
  auto hits = index->Search(std::vector{1.0F, 0.0F}, 2);
  EXPECT_EQ(Ids(*hits), (std::vector<std::uint64_t>{2, 1}));
  EXPECT_EQ(index->Stats().rows, 2U);
}

TEST_P(VectorIndexContract, RemovedRowsAreNotFoundAndUnknownOnesAreIgnored) {
  auto index = Make(2);
  Add(*index, 1, {1, 0});
  Add(*index, 2, {0.8F, 0.6F});
  Add(*index, 3, {0, 1});
  index->Remove(std::vector<std::uint64_t>{1, 99});
  auto hits = index->Search(std::vector{1.0F, 0.0F}, 5);
  EXPECT_EQ(Ids(*hits), (std::vector<std::uint64_t>{2, 3}));
  Add(*index, 1, {1, 0});
  EXPECT_EQ(Ids(*index->Search(std::vector{1.0F, 0.0F}, 1)), (std::vector<std::uint64_t>{1}));
}

TEST_P(VectorIndexContract, OnlyRowsThatPassTheFilterAreReturned) {
  auto index = Make(8);
  Rng rng(4);
  for (std::uint64_t id = 0; id < 500; ++id) Add(*index, id, RandomRow(rng, 8));
  auto hits = index->Search(RandomRow(rng, 8), 20, [](std::uint64_t id) { return id % 50 == 3; });
  ASSERT_TRUE(hits.has_value());
  EXPECT_EQ(hits->size(), 10U);
  for (const VectorHit& hit : *hits) EXPECT_EQ(hit.id % 50, 3U);
}

TEST_P(VectorIndexContract, RefusesRowsAndQueriesOfTheWrongSizeOrNotFinite) {
  auto index = Make(2);
  std::vector<std::uint64_t> one = {1};
  EXPECT_EQ(index->Upsert(one, std::vector{1.0F}).error().code(), Code::kInvalidArgument);
  std::vector<float> bad = {1.0F, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_EQ(index->Upsert(one, bad).error().field(), "rows");
  EXPECT_EQ(index->Stats().rows, 0U);
  EXPECT_EQ(index->Search(std::vector{1.0F}, 1).error().code(), Code::kInvalidArgument);
  EXPECT_EQ(index->Search(bad, 1).error().field(), "query");
}

TEST_P(VectorIndexContract, ZeroAndTinyRowsAreRowsLikeOthers) {
  auto index = Make(2);
  Add(*index, 1, {0, 0});
  Add(*index, 2, {1e-38F, 0});
  Add(*index, 3, {1, 0});
  auto hits = index->Search(std::vector{1.0F, 0.0F}, 3);
  ASSERT_EQ(hits->size(), 3U);
  EXPECT_EQ((*hits)[0].id, 3U);
  EXPECT_EQ(index->Search(std::vector{0.0F, 0.0F}, 3)->size(), 3U);
}

TEST_P(VectorIndexContract, FindsTheTrueNeighboursAmongManyAlsoAfterChanges) {
  constexpr std::size_t kDimensions = 40;  // not a multiple of any register
  auto index = Make(kDimensions);
  Rng rng(11);
  std::vector<std::vector<float>> rows(3000);
  for (std::uint64_t id = 0; id < rows.size(); ++id) {
    rows[id] = RandomRow(rng, kDimensions);
    Add(*index, id, rows[id]);
  }
  for (std::uint64_t id = 0; id < rows.size(); id += 3) {
    index->Remove(std::vector{id});
    rows[id].clear();
  }
  std::size_t found = 0;
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<float> query = RandomRow(rng, kDimensions);
    std::vector<VectorHit> truth;
    for (std::uint64_t id = 0; id < rows.size(); ++id) {
      if (!rows[id].empty()) truth.push_back({.id = id, .score = Dot(query, rows[id])});
    }
    std::ranges::sort(truth, std::ranges::greater(), &VectorHit::score);
    auto ids = Ids(*index->Search(query, 10));
    std::set<std::uint64_t> got(ids.begin(), ids.end());
    for (std::size_t i = 0; i < 10; ++i) found += got.count(truth[i].id);
  }
  EXPECT_GE(static_cast<double>(found), 200 * GetParam().recall);
}

// Texts that occur again and again must neither hide each other nor what is beside them.
TEST_P(VectorIndexContract, FindsRowsBesideManyEqualOnes) {
  constexpr std::size_t kDimensions = 24;
  auto index = Make(kDimensions);
  Rng rng(5);
  const std::vector<float> common = RandomRow(rng, kDimensions);
  for (std::uint64_t id = 0; id < 400; ++id) {
    Add(*index, 2 * id, common);
    Add(*index, 2 * id + 1, RandomRow(rng, kDimensions));
  }
  const std::vector<float> other = RandomRow(rng, kDimensions);
  Add(*index, 1'000, other);
  EXPECT_EQ(index->Search(other, 1)->front().id, 1'000U);
  const auto equal = index->Search(common, 400);
  ASSERT_EQ(equal->size(), 400U);
  for (std::uint64_t i = 0; i < 400; ++i) EXPECT_EQ((*equal)[i].id, 2 * i);
  for (std::uint64_t id = 0; id < 399; ++id) index->Remove(std::vector<std::uint64_t>{2 * id});
  EXPECT_EQ(index->Search(common, 1)->front().id, 798U);
}

}  // namespace strata::vector
