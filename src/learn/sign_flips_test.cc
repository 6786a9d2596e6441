#include "learn/sign_flips.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"

namespace strata::learn {
namespace {

TEST(SignFlips, AHandfulIsNeverCertain) {
  EXPECT_DOUBLE_EQ(SignFlipPValue({}), 1);
  EXPECT_DOUBLE_EQ(SignFlipPValue(std::vector<double>{-1}), 0.5);
  EXPECT_DOUBLE_EQ(SignFlipPValue(std::vector<double>{-1, -1}), 0.25);
  EXPECT_DOUBLE_EQ(SignFlipPValue(std::vector<double>(6, -1.0)), 1.0 / 64);
}

TEST(SignFlips, EqualRowsSayNothing) {
  EXPECT_DOUBLE_EQ(SignFlipPValue(std::vector<double>{0, 0, 0, 0}), 1);
  std::vector<double> mixed(40, 0.0);
  mixed[3] = mixed[30] = -0.5;
  EXPECT_DOUBLE_EQ(SignFlipPValue(mixed), 0.25);
}

TEST(SignFlips, SizesCountAndNotSignsAlone) {
  // Seven small gains do not outweigh three large losses.
  std::vector<double> values(7, 0.01);
  values.insert(values.end(), 3, -1.0);
  EXPECT_LT(SignFlipPValue(values), 0.2);
  for (double& v : values) v = -v;
  EXPECT_GT(SignFlipPValue(values), 0.8);
}

TEST(SignFlips, ManyPairsAreDrawnAndLossesAreSeen) {
  std::vector<double> values(60, -1.0);
  for (std::size_t i = 0; i < 20; ++i) values[i] = 1;  // 40 against 20: exact binomial 0.0067
  EXPECT_NEAR(SignFlipPValue(values), 0.0067, 0.003);
}

TEST(SignFlips, ErrAsOftenAsTheyMay) {
  Rng rng(7);
  int certain = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<double> values;
    for (int i = 0; i < 12; ++i) values.push_back(rng.Below(2) == 0 ? -1.0 : 1.0);
    certain += SignFlipPValue(values) <= 0.025 ? 1 : 0;
  }
  EXPECT_LE(certain, 20);  // 10 expected at most
}

}  // namespace
}  // namespace strata::learn
