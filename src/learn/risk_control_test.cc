#include "learn/risk_control.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"

namespace strata::learn {
namespace {

// A cheap model that fails more where the need is larger; `noise` blurs the score.
std::vector<PairOutcome> Draw(std::size_t n, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<PairOutcome> rows;
  for (std::size_t i = 0; i < n; ++i) {
    double hard = rng.Unit();
    rows.push_back({.need = hard + 0.3 * rng.Gaussian(),
                    .strong = rng.Unit() < 0.95 - 0.2 * hard ? 1.0 : 0.0,
                    .cheap = rng.Unit() < 0.95 - 0.6 * hard ? 1.0 : 0.0});
  }
  return rows;
}

TEST(BettingPValue, RejectsATrueHypothesisAtMostAsOftenAsItsLevel) {
  Rng rng(17);
  int rejected = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    std::vector<double> values;
    for (int i = 0; i < 200; ++i) values.push_back(rng.Unit() < 0.3 ? 1 : 0.2);
    rejected += BettingPValue(values, 0.3 + 0.7 * 0.2) <= 0.05 ? 1 : 0;
  }
  EXPECT_LE(rejected, 100 + 3 * 10);  // 5 % of 2,000, and three standard deviations
}

TEST(BettingPValue, FindsADifferenceAndKnowsItsEdges) {
  std::vector<double> good(300, 0.6);
  EXPECT_LT(BettingPValue(good, 0.5), 1e-3);
  EXPECT_EQ(BettingPValue(good, 0.7), 1);
  EXPECT_EQ(BettingPValue({}, 0.5), 1);
  std::vector<double> zeros(50, 0.0);
  EXPECT_EQ(BettingPValue(zeros, 0.5), 1);
}

// The promise of the issue: over 200 draws of labelled rows the threshold holds on the population
// in at least 95 %, and does not buy that by moving nothing.
TEST(CertifyPair, HoldsInNinetyFivePercentOfSplitsAndStillSaves) {
  const auto population = Draw(100'000, 1);
  const Guarantee guarantee{.tolerance = 0.05, .confidence = 0.95};
  std::vector<double> needs;
  for (const auto& row : population) needs.push_back(row.need);
  std::ranges::sort(needs);
  double best = 0;
  for (std::size_t percent = 1; percent <= 100; ++percent) {
    auto report = Measure(population, needs[needs.size() * percent / 100 - 1]);
    if (report.ratio >= 0.95) best = std::max(best, report.share_moved);
  }
  int held = 0;
  double moved = 0;
  for (std::uint64_t split = 0; split < 200; ++split) {
    Rng rng(split + 1000);
    std::vector<PairOutcome> rows;
    for (int i = 0; i < 1500; ++i) rows.push_back(population[rng.Below(population.size())]);
    auto found = CertifyPair(rows, guarantee);
    PairReport report;
    if (found.threshold) report = Measure(population, *found.threshold);
    held += report.ratio >= 0.95 ? 1 : 0;
    moved += report.share_moved / 200;
  }
  EXPECT_GE(held, 190);
  EXPECT_GT(moved, 0.6 * best);
}

TEST(CertifyPair, TooFewRowsMoveNothingAndSayHowManyItTakes) {
  auto found = CertifyPair(Draw(40, 3), {.tolerance = 0.03, .confidence = 0.95});
  EXPECT_FALSE(found.threshold.has_value());
  EXPECT_EQ(found.share_moved, 0);
  auto more = CertifyPair(Draw(200, 4), {.tolerance = 0.01, .confidence = 0.95});
  ASSERT_FALSE(more.threshold.has_value());
  if (more.rows_for_a_fifth) EXPECT_GT(*more.rows_for_a_fifth, 200U);
  EXPECT_FALSE(CertifyPair({}, {}).threshold.has_value());
}

TEST(CertifyPair, SortedFilesAreCertifiedLikeShuffledOnes) {
  // A cheap model that is perfect on the first half and useless on the second: in file order the
  // bets would be won before the bad half comes.
  std::vector<PairOutcome> rows;
  for (int i = 0; i < 2000; ++i) {
    rows.push_back({.need = 0, .strong = 1, .cheap = i < 1000 ? 1.0 : 0.0});
  }
  EXPECT_EQ(CertifyPair(rows, {.tolerance = 0.03}).share_moved, 0);
}

TEST(CertifyPair, ACheapModelThatIsAsGoodTakesEverything) {
  std::vector<PairOutcome> rows(500, PairOutcome{.need = 0, .strong = 1, .cheap = 1});
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].need = static_cast<double>(i);
  auto found = CertifyPair(rows, {.tolerance = 0.03});
  ASSERT_TRUE(found.threshold.has_value());
  EXPECT_EQ(found.share_moved, 1);
  EXPECT_EQ(found.rows_for_a_fifth, 0U);
}

TEST(RowsToCertify, RowsThatAreAllAlikeNeedAsManyAsTheBetsDo) {
  const Guarantee guarantee{.tolerance = 0.01, .confidence = 0.99};
  const std::vector<PolicyOutcome> alike(20, {.policy = 1, .strong = 1});
  const auto rows = RowsToCertify(alike, guarantee);
  ASSERT_TRUE(rows.has_value());
  auto certified = [&](std::size_t n) {
    return CertifySequence(n, 1, guarantee, [](std::size_t, std::size_t) {
      return PolicyOutcome{.policy = 1, .strong = 1};
    });
  };
  EXPECT_EQ(certified(*rows / 2), 0U);
  EXPECT_EQ(certified(3 * *rows), 1U);
}

}  // namespace
}  // namespace strata::learn
