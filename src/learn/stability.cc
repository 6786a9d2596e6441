#include "learn/stability.h"

#include <cmath>
#include <numeric>

#include "base/check.h"

namespace strata::learn {
namespace {

constexpr double kTrifle = 0.1;

// The 99 % quantile, to a percent: Wilson, Hilferty 1931.
double ChiSquare99(double degrees) {
  constexpr double kZ99 = 2.326348;
  double c = 2 / (9 * degrees);
  return degrees * std::pow(1 - c + kZ99 * std::sqrt(c), 3);
}

}  // namespace

Stability StabilityOf(std::span<const double> before, std::span<const double> after) {
  STRATA_CHECK(before.size() == after.size(), "the same bins on both sides");
  double n = std::accumulate(before.begin(), before.end(), 0.0);
  double m = std::accumulate(after.begin(), after.end(), 0.0);
  Stability out;
  if (n <= 0 || m <= 0 || before.size() < 2) return out;
  constexpr double kHalf = 0.5;
  auto bins = static_cast<double>(before.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    double p = (before[i] + kHalf) / (n + kHalf * bins);
    double q = (after[i] + kHalf) / (m + kHalf * bins);
    out.index += (q - p) * std::log(q / p);
  }
  out.shifted = out.index >= kTrifle && out.index / (1 / n + 1 / m) > ChiSquare99(bins - 1);
  return out;
}

}  // namespace strata::learn
