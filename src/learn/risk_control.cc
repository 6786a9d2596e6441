#include "learn/risk_control.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/rng.h"

namespace strata::learn {
namespace {

// Shares moved that are tested, in this order. Testing begins at a tenth: below it there is hardly
// anything to gain, and every extra test before the useful ones can only stop the sequence.
constexpr int kFirstPercent = 10;
constexpr double kNormal95 = 1.645;
// Of the largest bet that cannot lose everything.
constexpr double kBetShareMax = 0.75;

// (policy − (1 − tolerance) · strong) moved into [0, 1]; its mean is above `Centre` when the
// quality is above 1 − tolerance of always-strong.
double Scaled(double policy, double strong, double keep) {
  return std::clamp((policy - keep * strong + keep) / (1 + keep), 0.0, 1.0);
}
double Centre(double keep) { return keep / (1 + keep); }

}  // namespace

double BettingPValue(std::span<const double> values, double mean) {
  if (values.empty() || mean >= 1) return 1;
  // Predictable plug-in bets: running mean and variance of what was seen before, aimed at the whole
  // sample with confidence 95 %.
  const auto n = static_cast<double>(values.size());
  const double target = 2 * std::log(1 / 0.05);
  const double bet_max = kBetShareMax / std::max(mean, 1e-6);
  double seen = 1, sum = 0.5, squares = 0.25;
  double log_capital = 0, best = 0;
  for (double x : values) {
    double variance = squares / seen;
    double bet = std::min(std::sqrt(target / (std::max(variance, 1e-6) * n)), bet_max);
    log_capital += std::log1p(bet * (x - mean));
    best = std::max(best, log_capital);
    sum += x;
    seen += 1;
    double running = sum / seen;
    squares += (x - running) * (x - running);
  }
  return std::min(1.0, std::exp(-best));
}

PairReport Measure(std::span<const PairOutcome> rows, double threshold) {
  double quality = 0, strong = 0, moved = 0;
  for (const auto& row : rows) {
    bool cheap = row.need < threshold;
    quality += cheap ? row.cheap : row.strong;
    strong += row.strong;
    moved += cheap ? 1 : 0;
  }
  PairReport report;
  if (rows.empty()) return report;
  report.share_moved = moved / static_cast<double>(rows.size());
  report.ratio = strong > 0 ? quality / strong : 1;
  return report;
}

std::size_t CertifySequence(
    std::size_t rows, std::size_t settings, const Guarantee& guarantee,
    const std::function<PolicyOutcome(std::size_t row, std::size_t setting)>& outcome) {
  if (rows == 0) return 0;
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng rng(20211001);
  for (std::size_t i = rows; i > 1; --i) std::swap(order[i - 1], order[rng.Below(i)]);
  const double keep = 1 - guarantee.tolerance;
  std::vector<double> values(rows);
  for (std::size_t setting = 0; setting < settings; ++setting) {
    for (std::size_t i = 0; i < rows; ++i) {
      auto result = outcome(order[i], setting);
      values[i] = Scaled(result.policy, result.strong, keep);
    }
    if (BettingPValue(values, Centre(keep)) > 1 - guarantee.confidence) return setting;
  }
  return settings;
}

std::optional<std::size_t> RowsToCertify(std::span<const PolicyOutcome> rows,
                                         const Guarantee& guarantee) {
  double sum = 0, squares = 0;
  const auto n = static_cast<double>(rows.size());
  for (const auto& row : rows) {
    double x = row.policy - (1 - guarantee.tolerance) * row.strong;
    sum += x;
    squares += x * x;
  }
  if (rows.empty() || !(sum > 0)) return std::nullopt;
  double mean = sum / n;
  double variance = std::max(0.0, squares / n - mean * mean);
  // The betting bound is wider than the normal one by about a quarter in its half-width.
  double z = 1.25 * kNormal95;
  double by_variance = z * z * variance / (mean * mean);
  // And where all rows are alike: the largest bet wins so much a row, and must win 1 / level.
  const double keep = 1 - guarantee.tolerance;
  double win = std::log1p(kBetShareMax / Centre(keep) * mean / (1 + keep));
  double by_bets = -std::log(std::max(1 - guarantee.confidence, 1e-12)) / win;
  return static_cast<std::size_t>(std::min(1e9, std::ceil(std::max(by_variance, by_bets))));
}

CertifiedThreshold CertifyPair(std::vector<PairOutcome> rows, const Guarantee& guarantee) {
  CertifiedThreshold out;
  const std::size_t n = rows.size();
  if (n == 0) return out;
  std::ranges::sort(rows, {}, &PairOutcome::need);
  std::vector<double> thresholds;
  for (int percent = kFirstPercent; percent <= 100; ++percent) {
    auto at = n * static_cast<std::size_t>(percent) / 100;
    // Ties go to the strong model, so a threshold moves at most the asked share.
    thresholds.push_back(at < n ? rows[at].need : rows[n - 1].need + 1);
  }
  auto outcome = [&](std::size_t row, std::size_t setting) {
    const auto& r = rows[row];
    return PolicyOutcome{r.need < thresholds[setting] ? r.cheap : r.strong, r.strong};
  };
  auto certified = CertifySequence(n, thresholds.size(), guarantee, outcome);
  if (certified > 0) {
    out.threshold = thresholds[certified - 1];
    auto report = Measure(rows, *out.threshold);
    out.share_moved = report.share_moved;
    out.ratio = report.ratio;
  }
  std::vector<PolicyOutcome> fifth;
  for (std::size_t i = 0; i < n; ++i) {
    fifth.push_back({i < n / 5 ? rows[i].cheap : rows[i].strong, rows[i].strong});
  }
  out.rows_for_a_fifth = RowsToCertify(fifth, guarantee);
  if (out.share_moved >= 0.2) out.rows_for_a_fifth = 0;
  return out;
}

}  // namespace strata::learn
