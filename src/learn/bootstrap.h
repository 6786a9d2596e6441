#pragma once
// Intervals by resampling rows, the same rows for both sides of a comparison.

#include <cstdint>
#include <span>

namespace strata::learn {

struct Interval {
  double estimate = 0;
  double low = 0;
  double high = 0;
};

// Σ a / Σ b over rows that were measured together, with its percentile interval (Efron 1979) at
// `level`. Deterministic for a seed. 1 when Σ b is 0.
struct BootstrapOptions {
  int resamples = 1000;
  double level = 0.95;
  std::uint64_t seed = 1;
};
Interval PairedRatio(std::span<const double> a, std::span<const double> b,
                     const BootstrapOptions& options = {});

}  // namespace strata::learn
