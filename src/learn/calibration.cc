#include "learn/calibration.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "learn/linear.h"

namespace strata::learn {
namespace {

std::vector<std::uint32_t> OrderOf(std::span<const double> scores) {
  std::vector<std::uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return std::pair(scores[i], i); });
  return order;
}

}  // namespace

Bands::Interval WilsonInterval(double mean, double n, double z) {
  double z2 = z * z;
  double centre = (mean + z2 / (2 * n)) / (1 + z2 / n);
  double half = z * std::sqrt(mean * (1 - mean) / n + z2 / (4 * n * n)) / (1 + z2 / n);
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

double PlattScale::Probability(double score) const { return Sigmoid(slope * score + offset); }

PlattScale FitPlatt(std::span<const double> scores, std::span<const double> outcomes) {
  STRATA_CHECK(scores.size() == outcomes.size() && !scores.empty(), "one outcome a score");
  const auto n = static_cast<double>(scores.size());
  double mean = std::accumulate(outcomes.begin(), outcomes.end(), 0.0) / n;
  double shrink = n / (n + 2);
  double base = shrink * mean + (1 - shrink) * 0.5;
  PlattScale fit{.slope = 0, .offset = Logit(base)};
  for (int iteration = 0; iteration < 50; ++iteration) {
    double ga = 0, gb = 0, haa = 1e-3, hab = 0, hbb = 1e-3;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      double target = shrink * outcomes[i] + (1 - shrink) * 0.5;
      double p = fit.Probability(scores[i]);
      double w = std::max(p * (1 - p), 1e-9);
      ga += (p - target) * scores[i];
      gb += p - target;
      haa += w * scores[i] * scores[i];
      hab += w * scores[i];
      hbb += w;
    }
    double det = haa * hbb - hab * hab;
    if (!(det > 0)) break;
    double da = std::clamp((hbb * ga - hab * gb) / det, -1.0, 1.0);
    double db = std::clamp((haa * gb - hab * ga) / det, -2.0, 2.0);
    fit.slope -= da;
    fit.offset -= db;
    if (std::abs(da) + std::abs(db) < 1e-9) break;
  }
  if (!(fit.slope > 0) || !std::isfinite(fit.offset)) return {.slope = 0, .offset = Logit(base)};
  return fit;
}

Bands::Interval Bands::At(double probability) const {
  if (upto.empty()) return {};
  auto found = std::ranges::lower_bound(upto, probability);
  auto i = std::min(static_cast<std::size_t>(found - upto.begin()), upto.size() - 1);
  return {low[i], high[i]};
}

Bands FitBands(std::span<const double> probabilities, std::span<const double> outcomes,
               std::size_t group_min, double z) {
  STRATA_CHECK(probabilities.size() == outcomes.size(), "one outcome a prediction");
  Bands bands;
  const std::size_t n = probabilities.size();
  if (n == 0) return bands;
  std::size_t groups = std::clamp<std::size_t>(n / std::max<std::size_t>(group_min, 1), 1, 20);
  auto order = OrderOf(probabilities);
  for (std::size_t g = 0; g < groups; ++g) {
    std::size_t from = n * g / groups;
    std::size_t to = n * (g + 1) / groups;
    double sum = 0;
    for (std::size_t k = from; k < to; ++k) sum += outcomes[order[k]];
    auto size = static_cast<double>(to - from);
    auto interval = WilsonInterval(std::clamp(sum / size, 0.0, 1.0), size, z);
    bands.upto.push_back(probabilities[order[to - 1]]);
    bands.low.push_back(interval.low);
    bands.high.push_back(interval.high);
  }
  // Monotone by running extremes towards caution: the lower edge never falls, the upper never does.
  for (std::size_t g = groups - 1; g-- > 0;)
    bands.low[g] = std::min(bands.low[g], bands.low[g + 1]);
  for (std::size_t g = 1; g < groups; ++g)
    bands.high[g] = std::max(bands.high[g], bands.high[g - 1]);
  return bands;
}

}  // namespace strata::learn
