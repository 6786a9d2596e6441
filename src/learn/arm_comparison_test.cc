#include "learn/arm_comparison.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"

namespace strata::learn {
namespace {

std::vector<double> Draw(Rng& rng, std::size_t n, double share) {
  std::vector<double> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(rng.Unit() < share ? 1 : 0);
  return out;
}

// Looks after every twenty units of each arm; whether any look decides.
bool EverDecides(Rng& rng, std::size_t n, double share_a, double share_b) {
  auto a = Draw(rng, n, share_a);
  auto b = Draw(rng, n, share_b);
  for (std::size_t seen = 20; seen <= n; seen += 20) {
    if (CompareArms(std::span(a).first(seen), std::span(b).first(seen)).decided) return true;
  }
  return false;
}

TEST(ArmComparison, LookingFiftyTimesErrsInFivePercentAtMost) {
  Rng rng(7);
  int wrong = 0;
  for (int i = 0; i < 400; ++i) wrong += EverDecides(rng, 1000, 0.7, 0.7) ? 1 : 0;
  EXPECT_LE(wrong, 20);
}

TEST(ArmComparison, FindsARealDifference) {
  Rng rng(8);
  int found = 0;
  for (int i = 0; i < 50; ++i) found += EverDecides(rng, 1000, 0.6, 0.75) ? 1 : 0;
  EXPECT_GE(found, 48);
}

TEST(ArmComparison, TheIntervalHoldsTheTruthAtEveryLook) {
  Rng rng(9);
  int missed = 0;
  for (int i = 0; i < 200; ++i) {
    auto a = Draw(rng, 600, 0.5);
    auto b = Draw(rng, 600, 0.6);
    bool out = false;
    for (std::size_t seen = 30; seen <= 600; seen += 30) {
      auto c = CompareArms(std::span(a).first(seen), std::span(b).first(seen));
      out = out || c.low > 0.1 || c.high < 0.1;
    }
    missed += out ? 1 : 0;
  }
  EXPECT_LE(missed, 10);
}

TEST(ArmComparison, FewUnitsAndEqualOnesDecideNothing) {
  std::vector<double> ones(29, 1.0), zeros(29, 0.0);
  auto few = CompareArms(zeros, ones);
  EXPECT_FALSE(few.decided);
  EXPECT_EQ(few.p, 1);
  EXPECT_NEAR(few.difference, 1, 1e-9);
  std::vector<double> same(500, 1.0);
  EXPECT_FALSE(CompareArms(same, same).decided);
  EXPECT_FALSE(CompareArms({}, {}).decided);
  ones.push_back(1);
  zeros.push_back(0);
  EXPECT_TRUE(CompareArms(zeros, ones).decided);
}

}  // namespace
}  // namespace strata::learn
