#include "route/training/certificates.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "learn/risk_control.h"

namespace strata::route {
namespace {

constexpr double kNever = 1e9;

// A setting is to hold on the next requests, a sample that is noisy itself, and not only on the
// population that both are drawn from. For a sample as large as the labelled one the margin must be
// √2 times as wide: a level of 5 % becomes one of 1 %, in general about 4 · level².
double ForFreshSample(double confidence) {
  double level = 1 - confidence;
  return 1 - std::min(level, 4 * level * level);
}

// Needs of all candidates of a row of kind `k`, from held-out predictions.
std::vector<double> NeedsOf(const TrainingRows& data, std::span<const QualityFit> fits,
                            std::size_t row, std::uint32_t strong) {
  std::vector<double> needs(fits.size(), kNever);
  if (data.unfamiliar[row] >= kUnfamiliar) return needs;
  for (std::uint32_t m = 0; m < needs.size(); ++m) {
    if (m == strong || std::isnan(fits[m].held_out[row])) continue;
    needs[m] = fits[strong].held_out[row] - fits[m].held_out[row];
  }
  return needs;
}

// A labelled row of one kind as the certificates need it.
struct Labelled {
  std::size_t row;
  std::vector<double> needs, costs;  // one a candidate; costs as predicted
};

std::vector<Labelled> LabelledOf(const TrainingRows& data, std::span<const QualityFit> fits,
                                 std::uint32_t k, const RouterState& state) {
  const auto strong = state.kinds[k].strong;
  std::vector<Labelled> labelled;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data.kind[i] != k || data.OutcomeOf(i, strong) == nullptr) continue;
    Labelled l{.row = i, .needs = NeedsOf(data, fits, i, strong), .costs = {}};
    for (const auto& c : state.candidates) {
      l.costs.push_back(PredictCost(c.cost, data.inputs[i], data.rows[i]->features.prompt_bytes));
    }
    labelled.push_back(std::move(l));
  }
  return labelled;
}

// Margins that move 10 %, 11 %, … of the rows to something cheaper.
std::vector<double> MarginsFor(std::span<const Labelled> labelled, std::uint32_t strong) {
  std::vector<double> least;
  for (const auto& l : labelled) {
    least.push_back(kNever);
    for (std::size_t m = 0; m < l.needs.size(); ++m) {
      if (m == strong || l.costs[m] >= l.costs[strong]) continue;
      least.back() = std::min(least.back(), l.needs[m]);
    }
  }
  std::ranges::sort(least);
  std::vector<double> margins;
  for (std::size_t percent = 10; percent <= 100; ++percent) {
    auto at = least.size() * percent / 100;
    // No difference of qualities is above 1; what is unfamiliar stays above every margin.
    margins.push_back(at < least.size() ? std::min(least[at], 1.0) : 1.0);
  }
  return margins;
}

// What the certificate's setting does on its own rows.
void Report(const TrainingRows& data, std::span<const Labelled> labelled, std::uint32_t strong,
            Certificate& certificate) {
  double moved = 0, policy = 0, best = 0, spent = 0, always = 0;
  for (const auto& l : labelled) {
    auto model = strong;
    if (certificate.certified) {
      model = CheapestGoodEnough(l.needs, l.costs, strong, certificate.margin);
    }
    const auto* chosen = data.OutcomeOf(l.row, model);
    const auto* strongest = data.OutcomeOf(l.row, strong);
    moved += model != strong ? 1 : 0;
    policy += chosen->quality;
    best += strongest->quality;
    spent += chosen->cost.value_or(l.costs[model]);
    always += strongest->cost.value_or(l.costs[strong]);
  }
  certificate.share_moved = moved / static_cast<double>(labelled.size());
  certificate.ratio = best > 0 ? policy / best : 1;
  certificate.saving = always > 0 ? 1 - spent / always : 0;
}

}  // namespace

void Certify(const TrainingRows& data, std::span<const QualityFit> fits, std::uint32_t k,
             RouterState& state) {
  auto& kind = state.kinds[k];
  const auto labelled = LabelledOf(data, fits, k, state);
  if (labelled.empty()) return;
  const auto margins = MarginsFor(labelled, kind.strong);
  auto outcome = [&](std::size_t row, double margin) {
    const auto& l = labelled[row];
    auto model = CheapestGoodEnough(l.needs, l.costs, kind.strong, margin);
    return learn::PolicyOutcome{data.OutcomeOf(l.row, model)->quality,
                                data.OutcomeOf(l.row, kind.strong)->quality};
  };
  std::vector<learn::PolicyOutcome> fifth;
  fifth.reserve(labelled.size());
  for (std::size_t r = 0; r < labelled.size(); ++r) fifth.push_back(outcome(r, margins[10]));
  for (std::size_t t = 0; t < kTolerances.size(); ++t) {
    auto& certificate = kind.certificates[t];
    certificate.tolerance = kTolerances[t];
    const learn::Guarantee guarantee{.tolerance = kTolerances[t],
                                     .confidence = ForFreshSample(data.options.confidence)};
    auto certified = learn::CertifySequence(
        labelled.size(), margins.size(), guarantee,
        [&](std::size_t row, std::size_t setting) { return outcome(row, margins[setting]); });
    certificate.certified = certified > 0;
    if (certified > 0) certificate.margin = margins[certified - 1];
    Report(data, labelled, kind.strong, certificate);
    auto needed = learn::RowsToCertify(fifth, guarantee);
    certificate.rows_for_a_fifth =
        certificate.share_moved >= 0.2 ? 0 : (needed ? static_cast<std::int64_t>(*needed) : -1);
  }
}

}  // namespace strata::route
