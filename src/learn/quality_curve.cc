#include "learn/quality_curve.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace strata::learn {

double PairCurve::ShareNeededFor(double level) const {
  for (std::size_t i = 0; i < recovered.size(); ++i) {
    if (recovered[i] >= level) {
      return static_cast<double>(i) /
             static_cast<double>(std::max<std::size_t>(recovered.size() - 1, 1));
    }
  }
  return 1;
}

PairCurve DrawPairCurve(std::span<const double> need, std::span<const double> strong,
                        std::span<const double> cheap) {
  STRATA_CHECK(need.size() == strong.size() && need.size() == cheap.size(), "one need a row");
  const std::size_t n = need.size();
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return std::pair(-need[i], i); });
  double gap = 0;
  for (std::size_t i = 0; i < n; ++i) gap += strong[i] - cheap[i];
  PairCurve curve;
  curve.recovered.assign(n + 1, 0.0);
  if (n == 0 || std::abs(gap) < 1e-12) return curve;
  double won = 0;
  double area = 0;
  for (std::size_t k = 0; k < n; ++k) {
    double before = won / gap;
    won += strong[order[k]] - cheap[order[k]];
    curve.recovered[k + 1] = won / gap;
    area += (before + won / gap) / 2;
  }
  curve.average = area / static_cast<double>(n);
  return curve;
}

std::vector<CostQuality> QualityHull(std::vector<CostQuality> points) {
  std::ranges::sort(points, [](const CostQuality& a, const CostQuality& b) {
    return a.cost != b.cost ? a.cost < b.cost : a.quality > b.quality;
  });
  std::vector<CostQuality> hull;
  for (const auto& p : points) {
    // Dearer and not better: never worth it.
    if (!hull.empty() && p.quality <= hull.back().quality) continue;
    while (hull.size() >= 2) {
      const auto& a = hull[hull.size() - 2];
      const auto& b = hull.back();
      double left = (b.quality - a.quality) * (p.cost - a.cost);
      double right = (p.quality - a.quality) * (b.cost - a.cost);
      if (left > right) break;
      hull.pop_back();
    }
    hull.push_back(p);
  }
  return hull;
}

double QualityAt(std::span<const CostQuality> hull, double cost) {
  if (hull.empty() || cost < hull.front().cost) return 0;
  for (std::size_t i = 1; i < hull.size(); ++i) {
    if (cost > hull[i].cost) continue;
    double share = (cost - hull[i - 1].cost) / (hull[i].cost - hull[i - 1].cost);
    return hull[i - 1].quality + share * (hull[i].quality - hull[i - 1].quality);
  }
  return hull.back().quality;
}

double AverageQuality(std::span<const CostQuality> hull, double cost_low, double cost_high) {
  if (!(cost_high > cost_low)) return QualityAt(hull, cost_low);
  // Corners between the limits; the hull is linear in between.
  std::vector<double> at{cost_low};
  for (const auto& p : hull) {
    if (p.cost > cost_low && p.cost < cost_high) at.push_back(p.cost);
  }
  at.push_back(cost_high);
  double area = 0;
  for (std::size_t i = 1; i < at.size(); ++i) {
    // Left of the first point there is no answer; the step at it must not be smeared.
    if (hull.empty() || at[i] <= hull.front().cost) continue;
    area += (at[i] - at[i - 1]) * (QualityAt(hull, at[i - 1]) + QualityAt(hull, at[i])) / 2;
  }
  return area / (cost_high - cost_low);
}

}  // namespace strata::learn
