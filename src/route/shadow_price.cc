#include "route/shadow_price.h"

#include <algorithm>
#include <cmath>

namespace strata::route {
namespace {

// How steeply the price rises. On the simulation 2 to 6 keep as much, within 0.2 %.
constexpr double kSteepness = 4;
// Requests that the mean of gains looks back on.
constexpr double kRemembered = 50;
constexpr auto kRelaxed = std::memory_order_relaxed;

}  // namespace

double Headroom::Used() const {
  double spent = quota_left < 0 ? 0 : 1 - std::min(quota_left, 1.0);
  return std::clamp(std::max(spent, queue), 0.0, 1.0);
}

double ShadowPrices::PerToken(std::size_t candidate, double used) const {
  double rise = std::expm1(kSteepness * std::clamp(used, 0.0, 1.0)) / std::expm1(kSteepness / 2);
  return stakes_[candidate].mean.load(kRelaxed) * rise;
}

void ShadowPrices::Learn(std::size_t candidate, double gain_per_token) {
  if (!std::isfinite(gain_per_token) || gain_per_token <= 0) return;
  auto& stake = stakes_[candidate];
  auto seen = std::min<double>(stake.seen.fetch_add(1, kRelaxed), 1e6);
  double weight = std::max(1 / (seen + 1), 1 / kRemembered);
  double mean = stake.mean.load(kRelaxed);
  stake.mean.store(mean + weight * (gain_per_token - mean), kRelaxed);
}

}  // namespace strata::route
