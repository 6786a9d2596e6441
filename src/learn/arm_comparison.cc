#include "learn/arm_comparison.h"

#include <algorithm>
#include <cmath>

namespace strata::learn {
namespace {

// Of the normal mixture over differences: finds those of about this size soonest.
constexpr double kEffect = 0.1;

struct Moments {
  double mean = 0;
  double variance = 0;  // of the mean
};

// With one outcome of 0 and one of 1 beside the seen ones, so that a few that agree are not taken
// for certainty.
Moments MomentsOf(std::span<const double> values) {
  Moments out;
  const auto n = static_cast<double>(values.size());
  if (values.empty()) return out;
  for (double v : values) out.mean += v / n;
  double squares = out.mean * out.mean + (1 - out.mean) * (1 - out.mean);
  for (double v : values) squares += (v - out.mean) * (v - out.mean);
  out.variance = squares / (n + 1) / n;
  return out;
}

}  // namespace

ArmComparison CompareArms(std::span<const double> a, std::span<const double> b, double alpha) {
  auto first = MomentsOf(a);
  auto second = MomentsOf(b);
  ArmComparison out{
      .mean_a = first.mean, .mean_b = second.mean, .difference = second.mean - first.mean};
  if (std::min(a.size(), b.size()) < kArmUnitsMin) return out;
  const double v = first.variance + second.variance;
  const double t = kEffect * kEffect;
  const double theta = out.difference;
  double log_ratio = 0.5 * std::log(v / (v + t)) + t * theta * theta / (2 * v * (v + t));
  out.p = std::min(1.0, std::exp(-log_ratio));
  double half = std::sqrt(v * (v + t) / t * (2 * std::log(1 / alpha) + std::log((v + t) / v)));
  out.low = std::max(-1.0, theta - half);
  out.high = std::min(1.0, theta + half);
  out.decided = out.p <= alpha;
  return out;
}

}  // namespace strata::learn
