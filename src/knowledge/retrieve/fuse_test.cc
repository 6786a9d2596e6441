#include "knowledge/retrieve/fuse.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

TEST(Fuse, BlendsNormalisedScoresOfBothLegs) {
  const std::vector<LegHit> lexical = {{.row = 1, .score = 20}, {.row = 2, .score = 10}};
  const std::vector<LegHit> dense = {{.row = 2, .score = 0.9}, {.row = 3, .score = 0.5}};
  const auto fused = Fuse(lexical, dense, 0.5);
  ASSERT_EQ(fused.size(), 3U);
  EXPECT_EQ(fused[0].row, 2U);
  EXPECT_DOUBLE_EQ(fused[0].score, 0.5 * 0.5 + 0.5 * 1);
  EXPECT_EQ(fused[1].row, 1U);
  EXPECT_DOUBLE_EQ(fused[1].score, 0.5);
  EXPECT_FALSE(fused[1].dense.has_value());
  EXPECT_EQ(fused[2].row, 3U);
  EXPECT_FALSE(fused[2].lexical.has_value());
}

TEST(Fuse, TiesGoByRow) {
  const std::vector<LegHit> lexical = {{.row = 9, .score = 1}};
  const std::vector<LegHit> dense = {{.row = 4, .score = 0.7}};
  const auto fused = Fuse(lexical, dense, 0.5);
  ASSERT_EQ(fused.size(), 2U);
  EXPECT_EQ(fused[0].row, 4U);
}

TEST(Fuse, EmptyLegsGiveNothing) {
  EXPECT_TRUE(Fuse({}, {}, 0.5).empty());
  EXPECT_TRUE(OneLeg({}, true).empty());
}

TEST(Fuse, OneLegKeepsItsOrder) {
  const auto hits = OneLeg({{.row = 5, .score = 0.8}, {.row = 1, .score = 0.2}}, true);
  ASSERT_EQ(hits.size(), 2U);
  EXPECT_EQ(hits[0].row, 5U);
  EXPECT_DOUBLE_EQ(hits[0].score, 1);
  EXPECT_DOUBLE_EQ(hits[1].score, 0);
}

}  // namespace
}  // namespace strata::knowledge
