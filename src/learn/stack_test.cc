#include "learn/stack.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "learn/linear.h"

namespace strata::learn {
namespace {

// Outcomes that follow the first score alone; the second is noise of the same size.
struct Made {
  std::vector<std::vector<double>> scores{2};
  std::vector<double> outcomes;
};
Made Make(int rows, double slope) {
  Rng rng(3);
  Made made;
  for (int i = 0; i < rows; ++i) {
    double score = rng.Gaussian();
    made.scores[0].push_back(score);
    made.scores[1].push_back(rng.Gaussian());
    made.outcomes.push_back(rng.Unit() < Sigmoid(slope * score - 0.5) ? 1 : 0);
  }
  return made;
}

constexpr double kHalves[] = {0.5, 0.5};

TEST(FitStack, ManyRowsSayWhichScoreCounts) {
  auto made = Make(20'000, 1.5);
  auto stack = FitStack(made.scores, made.outcomes, kHalves, 30);
  EXPECT_NEAR(stack.weights[0], 1.5, 0.08);
  EXPECT_NEAR(stack.weights[1], 0, 0.08);
  EXPECT_NEAR(stack.offset, -0.5, 0.06);
}

TEST(FitStack, FewRowsKeepToThePrior) {
  auto made = Make(20, 1.5);
  auto stack = FitStack(made.scores, made.outcomes, kHalves, 100);
  EXPECT_NEAR(stack.weights[0], 0.5, 0.1);
  EXPECT_NEAR(stack.weights[1], 0.5, 0.1);
}

TEST(FitStack, AScoreThatPointsTheWrongWayCountsNothing) {
  auto made = Make(5'000, -2);
  auto stack = FitStack(made.scores, made.outcomes, kHalves, 1);
  EXPECT_EQ(stack.weights[0], 0);
}

TEST(FitStack, OutcomesThatAreAllAlikeHaveAFiniteOffset) {
  std::vector<std::vector<double>> scores = {{0.5, -1, 2}};
  std::vector<double> outcomes = {1, 1, 1};
  const double prior[] = {1};
  auto stack = FitStack(scores, outcomes, prior, 10);
  EXPECT_LT(stack.offset, 50);
  EXPECT_GT(stack.offset, 0);
}

}  // namespace
}  // namespace strata::learn
