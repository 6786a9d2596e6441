#pragma once
// y = a × x^b through measured points, to say how something grows.

#include <cmath>
#include <span>
#include <utility>

namespace strata::bench {

struct Power {
  double factor = 0;
  double exponent = 0;
  double At(double x) const { return factor * std::pow(x, exponent); }
};

// By least squares of the logarithms; at least two different x, all values above 0.
inline Power FitPower(std::span<const std::pair<double, double>> points) {
  double x = 0;
  double y = 0;
  double xx = 0;
  double xy = 0;
  for (const auto& [at, value] : points) {
    const double u = std::log(at);
    const double v = std::log(value);
    x += u;
    y += v;
    xx += u * u;
    xy += u * v;
  }
  const auto n = static_cast<double>(points.size());
  const double exponent = (n * xy - x * y) / (n * xx - x * x);
  return {.factor = std::exp((y - exponent * x) / n), .exponent = exponent};
}

}  // namespace strata::bench
