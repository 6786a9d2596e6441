#include "vector/pca.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace strata::vector {
namespace {

TEST(SolveSymmetric, EveryVectorSatisfiesTheEigenEquation) {
  constexpr int kN = 40;
  Rng rng(7);
  std::vector<double> matrix(kN * kN);
  for (int i = 0; i < kN; ++i) {
    for (int j = 0; j <= i; ++j) matrix[i * kN + j] = matrix[j * kN + i] = rng.Gaussian();
  }
  auto eigen = SolveSymmetric(matrix, kN);
  for (int v = 0; v < kN; ++v) {
    const double* x = eigen.vectors.data() + v * kN;
    double length = 0;
    for (int i = 0; i < kN; ++i) {
      double row = 0;
      for (int j = 0; j < kN; ++j) row += matrix[i * kN + j] * x[j];
      EXPECT_NEAR(row, eigen.values[v] * x[i], 1e-10);
      length += x[i] * x[i];
    }
    EXPECT_NEAR(length, 1, 1e-12);
    if (v > 0) EXPECT_LE(eigen.values[v - 1], eigen.values[v]);
  }
}

TEST(SolveSymmetric, DiagonalAndSingleCellMatricesAreTheirOwnSolution) {
  auto eigen = SolveSymmetric({3, 0, 0, 0, 1, 0, 0, 0, 2}, 3);
  EXPECT_EQ(eigen.values, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(SolveSymmetric({5}, 1).values, std::vector<double>{5});
}

TEST(FindPrincipalComponents, FindsTheAxisAlongWhichThePointsLie) {
  Rng rng(3);
  std::vector<float> rows;
  for (int i = 0; i < 2000; ++i) {
    auto along = static_cast<float>(rng.Gaussian() * 10);
    auto across = static_cast<float>(rng.Gaussian());
    rows.insert(rows.end(), {5 + 0.6F * along - 0.8F * across, 7 + 0.8F * along + 0.6F * across});
  }
  auto found = FindPrincipalComponents(rows, 2);
  EXPECT_NEAR(found.mean[0], 5, 0.5);
  EXPECT_NEAR(found.axes[0], 0.6, 0.02);
  EXPECT_NEAR(found.axes[1], 0.8, 0.02);
  EXPECT_NEAR(found.values[0], 100, 10);
  EXPECT_NEAR(found.values[1], 1, 0.1);
}

}  // namespace
}  // namespace strata::vector
