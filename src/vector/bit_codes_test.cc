#include "vector/bit_codes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "base/rng.h"
#include "vector/kernels.h"
#include "vector/kmeans.h"

namespace strata::vector {
namespace {

std::vector<float> RandomRow(Rng& rng, std::size_t size, double shift = 0) {
  std::vector<float> row(size);
  for (float& value : row) value = static_cast<float>(rng.Gaussian() + shift);
  Normalize(row);
  return row;
}

TEST(CodeKernels, GiveTheSameSumsForAnyNumberOfGroups) {
  Rng rng(1);
  const CodeKernels& portable = RunnableCodeKernels().back();
  ASSERT_EQ(portable.name, "portable");
  for (std::size_t groups = 0; groups <= 264; groups += kCodeGroupsUnit) {
    std::vector<std::uint8_t> codes(groups * kCodeGroupBytes);
    std::vector<std::uint8_t> table(groups * 16);
    for (auto& byte : codes) byte = static_cast<std::uint8_t>(rng.Below(256));
    for (auto& entry : table) entry = static_cast<std::uint8_t>(rng.Below(kCodeEntryMax + 1));
    std::vector<std::uint16_t> expected(kCodeBlockRows);
    portable.sum_block(codes.data(), table.data(), groups, expected.data());
    for (const CodeKernels& kernels : RunnableCodeKernels()) {
      std::vector<std::uint16_t> sums(kCodeBlockRows);
      kernels.sum_block(codes.data(), table.data(), groups, sums.data());
      EXPECT_EQ(sums, expected) << kernels.name << ", " << groups << " groups";
    }
  }
}

TEST(CodeKernels, DoNotOverflowAtTheirLimits) {
  const std::vector<std::uint8_t> codes(kCodeGroupsMax * kCodeGroupBytes, 0xFF);
  const std::vector<std::uint8_t> table(kCodeGroupsMax * 16, kCodeEntryMax);
  const std::vector<std::uint16_t> expected(
      kCodeBlockRows, static_cast<std::uint16_t>(kCodeGroupsMax * kCodeEntryMax));
  for (const CodeKernels& kernels : RunnableCodeKernels()) {
    std::vector<std::uint16_t> sums(kCodeBlockRows);
    kernels.sum_block(codes.data(), table.data(), kCodeGroupsMax, sums.data());
    EXPECT_EQ(sums, expected) << kernels.name;
  }
}

TEST(CodeKernels, PassTheRowsWhoseEstimateReachesTheThreshold) {
  Rng rng(2);
  std::vector<std::uint16_t> sums(kCodeBlockRows);
  std::vector<float> factors(kCodeBlockRows);
  for (std::size_t j = 0; j < kCodeBlockRows; ++j) {
    sums[j] = static_cast<std::uint16_t>(rng.Below(65536));
    factors[j] = static_cast<float>(rng.Unit());
  }
  factors[5] = std::numeric_limits<float>::quiet_NaN();
  const CodeScale scale{.bias = -3, .step = 1e-4F, .base = 0.5};
  for (const CodeKernels& kernels : RunnableCodeKernels()) {
    std::vector<float> estimates(kCodeBlockRows);
    const auto passing =
        kernels.pass_block(sums.data(), factors.data(), scale, 0.6F, estimates.data());
    EXPECT_NE(passing, 0U);
    for (std::size_t j = 0; j < kCodeBlockRows; ++j) {
      const double expected = 0.5 + factors[j] * (-3.0 + 1e-4 * sums[j]);
      if (j != 5) EXPECT_NEAR(estimates[j], expected, 1e-4) << kernels.name;
      EXPECT_EQ((passing >> j & 1U) != 0, estimates[j] >= 0.6F) << kernels.name << " row " << j;
    }
    EXPECT_EQ(passing >> 5 & 1U, 0U) << "not a number";
  }
}

TEST(Rotation, KeepsLengthsAndAnglesAndSpreadsOneDimensionOverAll) {
  Rng rng(3);
  for (std::size_t dimensions : {30U, 96U, 384U, 1000U}) {
    const Rotation rotation(dimensions, 7);
    EXPECT_EQ(rotation.size() % 32, 0U);
    const auto a = RandomRow(rng, dimensions);
    const auto b = RandomRow(rng, dimensions);
    const auto turned = rotation.Turned(a);
    EXPECT_NEAR(Dot(turned, turned), 1, 1e-4);
    EXPECT_NEAR(Dot(turned, rotation.Turned(b)), Dot(a, b), 1e-4);
    std::vector<float> axis(dimensions);
    axis[dimensions / 3] = 1;
    const auto spread = rotation.Turned(axis);
    const float largest =
        *std::ranges::max_element(spread, {}, [](float value) { return std::abs(value); });
    EXPECT_LT(std::abs(largest), 6 / std::sqrt(static_cast<float>(dimensions))) << dimensions;
  }
}

// Centres: the means of `lists` runs of the rows.
BitCodes CodesOf(const std::vector<std::vector<float>>& rows, std::size_t lists) {
  Rotation rotation(rows[0].size(), 1);
  std::vector<float> centres(lists * rotation.size());
  const std::size_t run = rows.size() / lists;
  for (std::size_t i = 0; i < lists * run; ++i) {
    const auto turned = rotation.Turned(rows[i]);
    for (std::size_t d = 0; d < turned.size(); ++d) {
      centres[i / run * turned.size() + d] += turned[d] / static_cast<float>(run);
    }
  }
  BitCodes codes(std::move(rotation), std::move(centres));
  codes.Resize(rows.size());
  for (Slot slot = 0; slot < rows.size(); ++slot) codes.Set(slot, rows[slot]);
  return codes;
}

// The paper's bound: errors of the order of 1/sqrt(dimensions), without bias.
TEST(BitCodes, EstimateDotProductsWithoutBias) {
  for (std::size_t dimensions : {100U, 384U}) {
    Rng rng(4);
    std::vector<std::vector<float>> rows;
    for (int i = 0; i < 2000; ++i) rows.push_back(RandomRow(rng, dimensions, 0.7));
    const auto codes = CodesOf(rows, 3);
    double sum = 0;
    double squares = 0;
    const auto query = RandomRow(rng, dimensions, 0.5);
    const auto hits = codes.Scan(query, rows.size(), rows.size(), {});
    ASSERT_EQ(hits.size(), rows.size());
    for (const ScoredSlot& hit : hits) {
      const double error = hit.score - Dot(query, rows[hit.slot]);
      EXPECT_NEAR(error, 0, 6 / std::sqrt(static_cast<double>(dimensions)));
      sum += error;
      squares += error * error;
    }
    EXPECT_NEAR(sum / 2000, 0, 0.01) << dimensions;
    EXPECT_LT(std::sqrt(squares / 2000), 1 / std::sqrt(static_cast<double>(dimensions)))
        << dimensions;
  }
}

TEST(BitCodes, TheNearestListsAreReadFirstUntilTheyHoldEnough) {
  std::vector<std::vector<float>> rows;
  Rng rng(6);
  for (std::size_t corner = 0; corner < 4; ++corner) {
    for (int i = 0; i < 100; ++i) {
      auto row = RandomRow(rng, 64);
      row[corner] += 6;
      Normalize(row);
      rows.push_back(std::move(row));
    }
  }
  const auto codes = CodesOf(rows, 4);
  EXPECT_EQ(codes.lists(), 4U);
  for (std::size_t corner = 0; corner < 4; ++corner) {
    const auto hits = codes.Scan(rows[corner * 100], 1000, 100, {});
    EXPECT_EQ(hits.size(), 100U);
    for (const auto& hit : hits) EXPECT_EQ(hit.slot / 100, corner);
    EXPECT_EQ(codes.Scan(rows[corner * 100], 1000, 101, {}).size(), 200U);
  }
}

TEST(BitCodes, ClearedSlotsAndThoseThatDoNotPassAreNotFound) {
  constexpr std::size_t kDimensions = 64;
  Rng rng(5);
  std::vector<std::vector<float>> rows;
  for (Slot slot = 0; slot < 150; ++slot) rows.push_back(RandomRow(rng, kDimensions));
  auto codes = CodesOf(rows, 2);
  codes.Resize(200);
  codes.Clear(17);
  codes.Clear(17);
  codes.Set(33, rows[40]);
  std::set<Slot> found;
  for (const auto& hit : codes.Scan(rows[40], 200, 200, {})) found.insert(hit.slot);
  EXPECT_EQ(found.size(), 149U);
  EXPECT_FALSE(found.contains(17));
  const auto two = codes.Scan(rows[40], 2, 200, {});
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ((std::set<Slot>{two[0].slot, two[1].slot}), (std::set<Slot>{33, 40}));
  const auto even = codes.Scan(rows[40], 1, 200, [](Slot s) { return s != 40 && s % 2 == 0; });
  ASSERT_EQ(even.size(), 1U);
  EXPECT_NE(even[0].slot, 40U);
  codes.Resize(10);
  EXPECT_EQ(codes.Scan(rows[4], 200, 200, {}).size(), 10U);
  EXPECT_EQ(codes.Scan(rows[4], 1, 200, {})[0].slot, 4U) << "its code moved with it";
  codes.Resize(40);
  EXPECT_EQ(codes.Scan(rows[4], 200, 200, {}).size(), 10U) << "what was dropped does not come back";
}

TEST(KMeans, FindsCentresOfGroupsAndTheSameForTheSameSeed) {
  Rng rng(7);
  std::vector<float> rows;
  for (int i = 0; i < 400; ++i) {
    for (int d = 0; d < 8; ++d) {
      rows.push_back(static_cast<float>((d == i % 4 ? 10 : 0) + 0.1 * rng.Gaussian()));
    }
  }
  auto centres_of = [&](std::uint64_t seed) {
    KMeans means(rows, 8, 12, seed);
    while (means.Step()) {
    }
    return means.TakeCentres();
  };
  const auto centres = centres_of(3);
  EXPECT_EQ(centres, centres_of(3));
  std::set<int> groups;
  for (std::size_t c = 0; c < 12; ++c) {
    const auto* at = centres.data() + c * 8;
    const auto group = std::max_element(at, at + 8) - at;
    EXPECT_NEAR(at[group], 10, 0.5) << "within a group, not between two";
    groups.insert(static_cast<int>(group));
  }
  EXPECT_EQ(groups, (std::set<int>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace strata::vector
