#include "vector/exact_index.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/rng.h"
#include "vector/kernels.h"

namespace strata::vector {
namespace {

std::unique_ptr<VectorIndex> Make(std::size_t dimensions) {
  return MakeExactIndex({.dimensions = dimensions});
}

std::vector<float> UnitRow(Rng& rng, std::size_t dimensions) {
  std::vector<float> row(dimensions);
  for (float& value : row) value = static_cast<float>(rng.Gaussian());
  Normalize(row);
  return row;
}

TEST(ExactIndex, ScoresDifferFromFloatByLessThanOneInTenThousand) {
  constexpr std::size_t kDimensions = 384;
  auto index = Make(kDimensions);
  Rng rng(1);
  std::vector<std::vector<float>> rows;
  for (std::uint64_t id = 0; id < 300; ++id) {
    rows.push_back(UnitRow(rng, kDimensions));
    ASSERT_TRUE(index->Upsert(std::vector{id}, rows.back()).has_value());
  }
  for (int trial = 0; trial < 10; ++trial) {
    std::vector<float> query = UnitRow(rng, kDimensions);
    auto hits = index->Search(query, rows.size());
    ASSERT_EQ(hits->size(), rows.size());
    for (const VectorHit& hit : *hits) EXPECT_NEAR(hit.score, Dot(query, rows[hit.id]), 1e-4);
  }
}

TEST(ExactIndex, TheOrderOfInsertionDoesNotChangeTheAnswer) {
  Rng rng(2);
  std::vector<std::vector<float>> rows;
  for (int i = 0; i < 400; ++i) rows.push_back(UnitRow(rng, 16));
  auto forward = Make(16);
  auto backward = Make(16);
  for (std::uint64_t id = 0; id < rows.size(); ++id) {
    ASSERT_TRUE(forward->Upsert(std::vector{id}, rows[id]).has_value());
    std::uint64_t other = rows.size() - 1 - id;
    ASSERT_TRUE(backward->Upsert(std::vector{other}, rows[other]).has_value());
  }
  std::vector<float> query = UnitRow(rng, 16);
  EXPECT_EQ(*forward->Search(query, 10), *backward->Search(query, 10));
}

TEST(ExactIndex, UsesTwoBytesADimensionAndLittleMore) {
  auto index = Make(384);
  std::vector<std::uint64_t> ids(4096);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = i;
  ASSERT_TRUE(index->Upsert(ids, std::vector<float>(ids.size() * 384, 0.05F)).has_value());
  EXPECT_LT(index->Stats().memory_bytes, ids.size() * (2 * 384 + 100));
  index->Remove(ids);
  EXPECT_EQ(index->Stats().rows, 0U);
  EXPECT_LT(index->Stats().memory_bytes, std::size_t{2} << 20);
}

TEST(ExactIndex, SearchesRunBesideChanges) {
  auto index = Make(32);
  Rng rng(3);
  std::vector<float> query = UnitRow(rng, 32);
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) EXPECT_TRUE(index->Search(query, 10).has_value());
  });
  for (std::uint64_t id = 0; id < 3000; ++id) {
    EXPECT_TRUE(index->Upsert(std::vector{id}, UnitRow(rng, 32)).has_value());
    if (id % 2 == 1) index->Remove(std::vector{id / 2});
  }
  done = true;
  reader.join();
  EXPECT_EQ(index->Stats().rows, 1500U);
}

}  // namespace
}  // namespace strata::vector
