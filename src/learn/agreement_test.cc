// Agreement of two judges: by hand, by chance, and where nothing varies.

#include "learn/agreement.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"

namespace strata::learn {
namespace {

TEST(Agreement, IsThatOfTheTextbookExample) {
  // Cohen 1960's form: 20 both yes, 15 both no, 5 and 10 mixed of 50: share 0.7, kappa 0.4.
  std::vector<double> a, b;
  auto add = [&](int times, double x, double y) {
    a.insert(a.end(), static_cast<std::size_t>(times), x);
    b.insert(b.end(), static_cast<std::size_t>(times), y);
  };
  add(20, 1, 1);
  add(5, 1, 0);
  add(10, 0, 1);
  add(15, 0, 0);
  auto agreement = AgreementOf(a, b);
  EXPECT_EQ(agreement.n, 50);
  EXPECT_DOUBLE_EQ(agreement.share.estimate, 0.7);
  EXPECT_NEAR(agreement.kappa.estimate, 0.4, 1e-12);
  EXPECT_LT(agreement.kappa.low, 0.4);
  EXPECT_GT(agreement.kappa.high, 0.4);
  EXPECT_NEAR(agreement.share.low, 0.562, 0.002);
  EXPECT_NEAR(agreement.share.high, 0.809, 0.002);
}

TEST(Agreement, OfJudgesThatGuessIsNothing) {
  Rng rng(3);
  std::vector<double> a, b;
  for (int i = 0; i < 4000; ++i) {
    a.push_back(rng.Unit() < 0.9 ? 1 : 0);
    b.push_back(rng.Unit() < 0.9 ? 1 : 0);
  }
  auto agreement = AgreementOf(a, b);
  EXPECT_GT(agreement.share.estimate, 0.8) << "both nearly always say yes";
  EXPECT_NEAR(agreement.kappa.estimate, 0, 0.05);
}

TEST(Agreement, OfAJudgeThatNeverVariesSaysNothing) {
  std::vector<double> always{1, 1, 1}, person{1, 0, 1};
  EXPECT_EQ(AgreementOf(always, person).kappa.estimate, 0);
  EXPECT_EQ(AgreementOf(always, always).kappa.estimate, 0);
  EXPECT_EQ(AgreementOf({}, {}).n, 0);
}

}  // namespace
}  // namespace strata::learn
