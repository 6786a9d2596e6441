// The stability index: silent while nothing changes, also on few samples, and loud when it does.

#include "learn/stability.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"

namespace strata::learn {
namespace {

std::vector<double> Draw(Rng& rng, std::size_t count, double first) {
  std::vector<double> bins(5);
  for (std::size_t i = 0; i < count; ++i) {
    ++bins[rng.Unit() < first ? 0 : 1 + rng.Below(4)];
  }
  return bins;
}

TEST(Stability, OfTheSamePopulationIsSeldomDoubted) {
  for (std::size_t count : {30U, 100U, 2000U}) {
    Rng rng(count);
    int alarms = 0;
    for (int draw = 0; draw < 500; ++draw) {
      alarms += StabilityOf(Draw(rng, count, 0.2), Draw(rng, count, 0.2)).shifted ? 1 : 0;
    }
    EXPECT_LE(alarms, 15) << count;
  }
}

TEST(Stability, OfAnotherPopulationIsSeen) {
  Rng rng(7);
  int seen = 0;
  for (int draw = 0; draw < 100; ++draw) {
    seen += StabilityOf(Draw(rng, 300, 0.2), Draw(rng, 300, 0.5)).shifted ? 1 : 0;
  }
  EXPECT_GE(seen, 99);
}

TEST(Stability, IsTheIndexOfTheTextbook) {
  std::vector<double> before{500'000, 500'000}, after{600'000, 400'000};
  // (0.6 − 0.5) · ln(0.6 / 0.5) + (0.4 − 0.5) · ln(0.4 / 0.5)
  EXPECT_NEAR(StabilityOf(before, after).index, 0.040547, 1e-5);
  EXPECT_FALSE(StabilityOf(before, after).shifted) << "beyond doubt, but a trifle";
}

TEST(Stability, WithoutCountsSaysNothing) {
  std::vector<double> none{0, 0}, some{3, 4};
  EXPECT_EQ(StabilityOf(none, some).index, 0);
  EXPECT_EQ(StabilityOf(some, none).index, 0);
}

}  // namespace
}  // namespace strata::learn
