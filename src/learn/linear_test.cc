#include "learn/linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/rng.h"

namespace strata::learn {
namespace {

std::vector<std::uint32_t> AllRows(std::size_t n) {
  std::vector<std::uint32_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

TEST(FitLinear, RidgeEqualsTheClosedFormOfOneFeature) {
  Design design(0, 1);
  std::vector<float> x = {1, 2, 3, 4};
  std::vector<double> y = {2, 3, 5, 9};
  for (float v : x) design.Append({}, std::span(&v, 1));
  auto model =
      FitLinear(design, AllRows(4), y,
                {.loss = Loss::kSquared, .l2 = 2, .iterations_max = 200, .tolerance = 1e-10});
  // Centred: Σ xc·yc / (Σ xc² + l2) = 11.5 / (5 + 2).
  EXPECT_NEAR(model.dense[0], 11.5 / 7, 1e-5);
  EXPECT_NEAR(model.intercept, 4.75 - 2.5 * 11.5 / 7, 1e-5);
}

TEST(FitLinear, LogisticRecoversTheWeightsThatMadeTheLabels) {
  Rng rng(3);
  Design design(100, 2);
  std::vector<double> labels;
  for (int i = 0; i < 20000; ++i) {
    std::vector<float> dense = {static_cast<float>(rng.Gaussian()),
                                static_cast<float>(rng.Gaussian())};
    SparseEntry word{.index = static_cast<std::uint32_t>(rng.Below(4) * 7), .value = 1};
    double logit = 0.5 + 1.5 * static_cast<double>(dense[0]) + (word.index == 7 ? 2 : 0);
    design.Append(std::span(&word, 1), dense);
    labels.push_back(rng.Unit() < Sigmoid(logit) ? 1 : 0);
  }
  auto model = FitLinear(design, AllRows(labels.size()), labels, {.l2 = 0.1});
  EXPECT_NEAR(model.dense[0], 1.5, 0.1);
  EXPECT_NEAR(model.dense[1], 0, 0.1);
  EXPECT_NEAR(model.sparse[7] - model.sparse[0], 2, 0.2);
  EXPECT_EQ(model.sparse[1], 0);
}

TEST(FitLinear, TheGradientIsZeroAtTheResult) {
  Rng rng(5);
  Design design(50, 3);
  std::vector<double> targets;
  for (int i = 0; i < 300; ++i) {
    std::vector<float> dense(3);
    for (auto& v : dense) v = static_cast<float>(rng.Gaussian());
    std::vector<SparseEntry> words = {{static_cast<std::uint32_t>(rng.Below(50)), 0.7F}};
    design.Append(words, dense);
    targets.push_back(rng.Unit());  // soft labels are fine
  }
  const auto rows = AllRows(300);
  auto model =
      FitLinear(design, rows, targets, {.l2 = 1.5, .iterations_max = 300, .tolerance = 1e-8});
  double intercept = 0;
  std::vector<double> dense(3, 0);
  for (auto row : rows) {
    double slope = Sigmoid(model.Score(design.Sparse(row), design.Dense(row))) - targets[row];
    intercept += slope;
    for (std::size_t k = 0; k < 3; ++k)
      dense[k] += slope * static_cast<double>(design.Dense(row)[k]);
  }
  EXPECT_NEAR(intercept, 0, 1e-3);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_NEAR(dense[k] + 1.5 * static_cast<double>(model.dense[k]), 0, 1e-3);
  }
}

TEST(FitLinear, EqualLabelsAndExtremeValuesStayFinite) {
  Design design(0, 1);
  for (float v : {1e6F, -1e6F, 0.0F}) design.Append({}, std::span(&v, 1));
  std::vector<double> ones = {1, 1, 1};
  auto model = FitLinear(design, AllRows(3), ones, {});
  EXPECT_TRUE(std::isfinite(model.intercept));
  EXPECT_TRUE(std::isfinite(model.dense[0]));
  EXPECT_GT(Sigmoid(model.Score({}, design.Dense(2))), 0.5);
}

}  // namespace
}  // namespace strata::learn
