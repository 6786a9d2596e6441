// Neighbours, bootstrap and curves.

#include <gtest/gtest.h>

#include "base/rng.h"
#include "learn/bootstrap.h"
#include "learn/neighbours.h"
#include "learn/quality_curve.h"

namespace strata::learn {
namespace {

float PlainDot(const float* a, const float* b, std::size_t size) {
  float sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

TEST(Neighbours, AreTheMostSimilarBestFirstWithoutTheRowItself) {
  NeighbourIndex index({1, 0, 0, 1, 0.6F, 0.8F, 0.8F, 0.6F}, 2, PlainDot);
  std::vector<float> query = {1, 0};
  auto found = index.Nearest(query, 2);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].row, 0U);
  EXPECT_EQ(found[1].row, 3U);
  auto others = index.Nearest(query, 9, 0);
  ASSERT_EQ(others.size(), 3U);
  EXPECT_EQ(others[0].row, 3U);
  EXPECT_EQ(others[2].row, 1U);
  EXPECT_NEAR(MeanDistance(found), 0.1, 1e-6);
  EXPECT_EQ(NeighbourIndex().Nearest(query, 3).size(), 0U);
}

TEST(Unfamiliarity, IsTheShareOfSmallerDistances) {
  Unfamiliarity u({0.4, 0.1, 0.2, 0.3});
  EXPECT_EQ(u.Of(0.05), 0);
  EXPECT_EQ(u.Of(0.25), 0.5);
  EXPECT_EQ(u.Of(0.9), 1);
  EXPECT_EQ(Unfamiliarity().Of(0.0), 1);
  std::vector<double> many;
  Rng rng(1);
  for (int i = 0; i < 5000; ++i) many.push_back(rng.Unit());
  EXPECT_NEAR(Unfamiliarity(many).Of(0.95), 0.95, 0.02);
}

TEST(Unfamiliarity, OfEitherSideIsFarFromBothEnds) {
  std::vector<double> many;
  for (int i = 0; i < 100; ++i) many.push_back(i);
  Unfamiliarity u(many);
  EXPECT_EQ(u.OfEitherSide(50), 0);
  EXPECT_NEAR(u.OfEitherSide(0), 0.96, 0.005);
  EXPECT_NEAR(u.OfEitherSide(99), 0.96, 0.005);
  EXPECT_NEAR(u.OfEitherSide(-5), 0.98, 0.005) << "never quite 1: a hundred rows do not show it";
  EXPECT_NEAR(u.OfEitherSide(500), 0.98, 0.005);
  EXPECT_EQ(Unfamiliarity({7, 7, 7}).OfEitherSide(7), 0) << "all alike";
  EXPECT_EQ(Unfamiliarity().OfEitherSide(1), 0);
}

TEST(PairedRatio, CoversTheTruthAboutAsOftenAsItSays) {
  Rng rng(23);
  int covered = 0;
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> a, b;
    for (int i = 0; i < 200; ++i) {
      b.push_back(rng.Unit() < 0.8 ? 1 : 0);
      a.push_back(b.back() > 0 ? (rng.Unit() < 0.9 ? 1 : 0) : 0);
    }
    auto interval =
        PairedRatio(a, b, {.resamples = 300, .seed = static_cast<std::uint64_t>(trial)});
    covered += interval.low <= 0.9 && 0.9 <= interval.high ? 1 : 0;
  }
  EXPECT_GT(covered, 180);
}

TEST(PairCurve, PerfectRandomAndReversedNeeds) {
  std::vector<double> strong = {1, 1, 1, 1}, cheap = {0, 1, 0, 1};
  std::vector<double> perfect = {1, 0, 1, 0}, reversed = {0, 1, 0, 1};
  auto good = DrawPairCurve(perfect, strong, cheap);
  EXPECT_DOUBLE_EQ(good.average, 0.75);
  EXPECT_DOUBLE_EQ(good.ShareNeededFor(0.5), 0.25);
  EXPECT_DOUBLE_EQ(good.ShareNeededFor(0.8), 0.5);
  EXPECT_DOUBLE_EQ(DrawPairCurve(reversed, strong, cheap).average, 0.25);
  Rng rng(2);
  std::vector<double> need, s, c;
  for (int i = 0; i < 20000; ++i) {
    need.push_back(rng.Unit());
    s.push_back(rng.Unit() < 0.9 ? 1 : 0);
    c.push_back(rng.Unit() < 0.6 ? 1 : 0);
  }
  EXPECT_NEAR(DrawPairCurve(need, s, c).average, 0.5, 0.02);
}

TEST(QualityHull, LeavesOutWhatMixingBeats) {
  auto hull = QualityHull({{1, 0.5}, {2, 0.55}, {3, 0.9}, {4, 0.8}, {1, 0.4}});
  ASSERT_EQ(hull.size(), 2U);
  EXPECT_EQ(hull[0].cost, 1);
  EXPECT_EQ(hull[1].cost, 3);
  EXPECT_DOUBLE_EQ(QualityAt(hull, 2), 0.7);
  EXPECT_DOUBLE_EQ(QualityAt(hull, 9), 0.9);
  EXPECT_DOUBLE_EQ(QualityAt(hull, 0.5), 0);
}

TEST(AverageQuality, IsTheAreaOverTheRange) {
  auto hull = QualityHull({{1, 0.5}, {3, 0.9}});
  EXPECT_DOUBLE_EQ(AverageQuality(hull, 1, 3), 0.7);
  EXPECT_DOUBLE_EQ(AverageQuality(hull, 1, 5), 0.8);
  EXPECT_DOUBLE_EQ(AverageQuality(hull, 3, 3), 0.9);
  EXPECT_DOUBLE_EQ(AverageQuality({}, 1, 2), 0);
}

}  // namespace
}  // namespace strata::learn
