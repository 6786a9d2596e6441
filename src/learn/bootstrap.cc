#include "learn/bootstrap.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/rng.h"

namespace strata::learn {

Interval PairedRatio(std::span<const double> a, std::span<const double> b,
                     const BootstrapOptions& options) {
  STRATA_CHECK(a.size() == b.size(), "rows measured together");
  auto ratio = [](double x, double y) { return y != 0 ? x / y : 1.0; };
  double a_sum = 0, b_sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    a_sum += a[i];
    b_sum += b[i];
  }
  Interval out{.estimate = ratio(a_sum, b_sum)};
  out.low = out.high = out.estimate;
  if (a.empty() || options.resamples < 1) return out;
  Rng rng(options.seed);
  std::vector<double> ratios;
  for (int r = 0; r < options.resamples; ++r) {
    double x = 0, y = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      auto k = rng.Below(a.size());
      x += a[k];
      y += b[k];
    }
    ratios.push_back(ratio(x, y));
  }
  std::ranges::sort(ratios);
  auto at = [&](double q) {
    return ratios[static_cast<std::size_t>(q * static_cast<double>(ratios.size() - 1))];
  };
  out.low = at((1 - options.level) / 2);
  out.high = at((1 + options.level) / 2);
  return out;
}

}  // namespace strata::learn
