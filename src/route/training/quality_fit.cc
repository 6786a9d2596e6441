#include "route/training/quality_fit.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "learn/stack.h"

namespace strata::route {
namespace {

// Chosen on the valid splits of the development sources (docs/measurements-router.md).
constexpr double kQualityPenalty = 1.5;
// How much the two views count before their rows say it, and how many rows that takes. The slope of
// the sum is kept near 1 by the same prior: fitted freely on few rows it was the largest error.
constexpr double kViewPrior[] = {0.7, 0.3};
constexpr double kViewPriorStrength = 40;
constexpr View kViews[] = {View::kAll, View::kDense};
constexpr double kNormal90 = 1.645;
constexpr std::size_t kBandRows = 60;

double MeanOf(std::span<const double> values) {
  return values.empty() ? 0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

void AddScaled(const std::vector<float>& from, double weight, std::vector<float>& to) {
  to.resize(std::max(to.size(), from.size()), 0.0F);
  for (std::size_t k = 0; k < from.size(); ++k) to[k] += static_cast<float>(weight) * from[k];
}

// Both views in one model, weighted by how they do on rows that they have not seen: few rows say
// little of that, and keep to the prior. Returns the model's held-out scores.
std::vector<double> FitHead(const TrainingRows& data, std::span<const std::uint32_t> rows,
                            std::span<const double> targets, Candidate& candidate) {
  std::vector<std::vector<double>> scores;
  for (auto view : kViews) scores.push_back(HeldOutScores(data, view, rows, targets));
  auto stack = learn::FitStack(scores, targets, kViewPrior, kViewPriorStrength);
  std::vector<double> stacked(rows.size(), 0);
  auto& head = candidate.quality;
  for (std::size_t v = 0; v < std::size(kViews); ++v) {
    const auto weight = stack.weights[v];
    for (std::size_t i = 0; i < rows.size(); ++i) stacked[i] += weight * scores[v][i];
    auto model = FitLogit(data, kViews[v], rows, targets);
    head.intercept += weight * model.intercept;
    AddScaled(model.sparse, weight, head.sparse);
    AddScaled(model.dense, weight, head.dense);
  }
  candidate.scale = {.slope = 1, .offset = stack.offset};
  return stacked;
}

}  // namespace

learn::LinearModel FitLogit(const TrainingRows& data, View view,
                            std::span<const std::uint32_t> rows, std::span<const double> targets) {
  const bool all = view == View::kAll;
  auto model = learn::FitLinear(all ? data.design : data.measured, rows, targets,
                                {.l2 = kQualityPenalty, .iterations_max = 40, .tolerance = 2e-3});
  if (!all) {
    for (std::size_t k = 0; k < kMeasures; ++k) model.dense[k] *= kMeasuresAlone;
  }
  return model;
}

std::vector<double> HeldOutScores(const TrainingRows& data, View view,
                                  std::span<const std::uint32_t> rows,
                                  std::span<const double> targets) {
  std::vector<double> scores(rows.size(), 0);
  for (std::uint32_t fold = 0; fold < kFolds; ++fold) {
    std::vector<std::uint32_t> seen;
    std::vector<double> seen_targets;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (data.fold[rows[i]] == fold) continue;
      seen.push_back(rows[i]);
      seen_targets.push_back(targets[i]);
    }
    if (seen.empty()) continue;
    auto model = FitLogit(data, view, seen, seen_targets);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (data.fold[rows[i]] != fold) continue;
      scores[i] = model.Score(data.inputs[rows[i]].words, data.inputs[rows[i]].dense);
    }
  }
  return scores;
}

QualityFit FitQuality(const TrainingRows& data, std::uint32_t m, RouterState& state) {
  auto& candidate = state.candidates[m];
  std::vector<std::uint32_t> rows;
  std::vector<double> targets;
  std::vector<double> sum(state.kinds.size(), 0), n(state.kinds.size(), 0);
  for (std::uint32_t i = 0; i < data.size(); ++i) {
    const auto* outcome = data.OutcomeOf(i, m);
    if (outcome == nullptr) continue;
    rows.push_back(i);
    targets.push_back(outcome->quality);
    sum[data.kind[i]] += outcome->quality;
    n[data.kind[i]] += 1;
  }
  auto scores = FitHead(data, rows, targets, candidate);
  std::vector<double> probabilities;
  QualityFit fit;
  fit.held_out.assign(data.size(), std::nan(""));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    probabilities.push_back(candidate.scale.Probability(scores[i]));
    fit.held_out[rows[i]] = probabilities.back();
  }
  candidate.bands = learn::FitBands(probabilities, targets, kBandRows, kNormal90);
  std::vector<double> means;
  fit.mean_of_kind.assign(state.kinds.size(), std::nan(""));
  for (std::size_t k = 0; k < sum.size(); ++k) {
    if (n[k] == 0) continue;
    means.push_back(sum[k] / n[k]);
    fit.mean_of_kind[k] = means.back();
  }
  candidate.mean_quality = MeanOf(means);
  return fit;
}

void ChooseStrong(std::span<const QualityFit> fits, RouterState& state) {
  if (state.pair) return;
  auto best = [&](auto value) {
    std::uint32_t strong = 0;
    for (std::uint32_t m = 1; m < state.candidates.size(); ++m) {
      if (!(value(m) <= value(strong))) strong = m;
    }
    return strong;
  };
  state.strong = best([&](std::uint32_t m) { return state.candidates[m].mean_quality; });
  for (std::size_t k = 0; k < state.kinds.size(); ++k) {
    state.kinds[k].strong = best([&](std::uint32_t m) {
      double mean = fits[m].mean_of_kind[k];
      return std::isnan(mean) ? -1 : mean;
    });
  }
}

}  // namespace strata::route
