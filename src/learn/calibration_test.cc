#include "learn/calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "learn/linear.h"

namespace strata::learn {
namespace {

struct Sample {
  std::vector<double> scores, truth, outcomes;
};

// Scores that are off by a slope and an offset.
Sample Draw(std::size_t n, std::uint64_t seed) {
  Rng rng(seed);
  Sample s;
  for (std::size_t i = 0; i < n; ++i) {
    double score = 3 * rng.Gaussian();
    s.scores.push_back(score);
    s.truth.push_back(Sigmoid(0.4 * score + 1));
    s.outcomes.push_back(rng.Unit() < s.truth.back() ? 1 : 0);
  }
  return s;
}

TEST(Platt, PredictionsMeanWhatTheySayOnOtherRows) {
  auto fit = Draw(3000, 1);
  auto scale = FitPlatt(fit.scores, fit.outcomes);
  EXPECT_NEAR(scale.slope, 0.4, 0.05);
  EXPECT_NEAR(scale.offset, 1, 0.15);
  auto other = Draw(5000, 2);
  double off = 0;
  for (std::size_t i = 0; i < other.scores.size(); ++i) {
    off += std::abs(scale.Probability(other.scores[i]) - other.truth[i]);
  }
  EXPECT_LT(off / static_cast<double>(other.scores.size()), 0.03);
}

TEST(Platt, AScoreThatPointsTheWrongWayBecomesTheMean) {
  std::vector<double> scores = {1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<double> outcomes = {1, 1, 1, 1, 0, 0, 1, 0};
  auto scale = FitPlatt(scores, outcomes);
  EXPECT_EQ(scale.slope, 0);
  EXPECT_NEAR(scale.Probability(100), (5 + 1.0) / 10, 1e-9);
}

TEST(Platt, FewLabelsNeverMakeItCertain) {
  std::vector<double> scores = {5, 6};
  std::vector<double> outcomes = {1, 1};
  EXPECT_LT(FitPlatt(scores, outcomes).Probability(1000), 1);
}

TEST(Bands, CoverTheTrueProbability) {
  auto s = Draw(4000, 7);
  auto bands = FitBands(s.truth, s.outcomes, 100, 1.645);
  std::size_t inside = 0;
  for (double p : s.truth) {
    auto interval = bands.At(p);
    inside += p >= interval.low - 0.02 && p <= interval.high + 0.02 ? 1 : 0;
    ASSERT_LE(interval.low, interval.high);
  }
  EXPECT_GT(static_cast<double>(inside), 0.9 * 4000);
  EXPECT_EQ(Bands().At(0.5).low, 0);
  EXPECT_EQ(Bands().At(0.5).high, 1);
}

TEST(Bands, AreMonotone) {
  auto s = Draw(300, 9);
  auto bands = FitBands(s.truth, s.outcomes, 20, 1.645);
  EXPECT_TRUE(std::ranges::is_sorted(bands.low));
  EXPECT_TRUE(std::ranges::is_sorted(bands.high));
}

}  // namespace
}  // namespace strata::learn
