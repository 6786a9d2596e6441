#include "route/trainer.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/encoding.h"
#include "route/router_file.h"
#include "route/training/certificates.h"
#include "route/training/cost_fit.h"
#include "route/training/quality_fit.h"
#include "route/training/training_rows.h"

namespace strata::route {
namespace {

// A cascade's plan keeps this on the labelled rows, so that it keeps 0.995 on others.
constexpr double kCascadeRatioMin = 1.0;

// A plan, and for which requests its cheap step pays, where rows have answers to compare.
void FitCascade(const TrainingRows& data, RouterState& state) {
  std::vector<std::uint32_t> rows;
  std::vector<CascadeRow> answered;
  for (std::uint32_t i = 0; i < data.size(); ++i) {
    auto row = MakeCascadeRow(*data.rows[i]->row, data.options.models);
    if (std::ranges::all_of(row.quality, [](double q) { return std::isnan(q); })) continue;
    row.kind = data.kind[i];
    rows.push_back(i);
    answered.push_back(std::move(row));
  }
  auto plan = PlanCascade(answered, data.options.models, state.kinds.size(), kCascadeRatioMin);
  if (!plan) return;
  std::vector<double> settled;
  settled.reserve(answered.size());
  for (const auto& row : answered) {
    settled.push_back(RunCascade(row, *plan, plan->third[row.kind]).settled ? 1 : 0);
  }
  plan->scale = learn::FitPlatt(HeldOutScores(data, View::kAll, rows, settled), settled);
  plan->settled = FitLogit(data, View::kAll, rows, settled);
  state.cascade = std::move(plan);
}

}  // namespace

std::vector<FeatureRow> ExtractAll(std::span<const OutcomeRow> rows,
                                   const vector::StaticEmbedder& embedder) {
  std::vector<FeatureRow> out;
  out.reserve(rows.size());
  for (const auto& row : rows) {
    out.push_back({.row = &row, .features = ExtractFeatures(row.prompt, embedder)});
  }
  return out;
}

Result<RouterState> TrainRouter(std::span<const FeatureRow* const> rows,
                                const std::string& embedder_version, const TrainOptions& options) {
  STRATA_CHECK(options.models.size() >= 2 && (!options.pair || options.models.size() == 2),
               "a router chooses between models");
  RouterState state;
  state.embedder = embedder_version;
  state.pair = options.pair;
  state.confidence = options.confidence;
  STRATA_TRY(const auto data, PrepareRows(rows, options, state));
  std::vector<QualityFit> fits;
  for (std::uint32_t m = 0; m < state.candidates.size(); ++m) {
    fits.push_back(FitQuality(data, m, state));
    state.candidates[m].cost = FitCost(data, m);
  }
  ChooseStrong(fits, state);
  for (std::uint32_t k = 0; k < state.kinds.size(); ++k) Certify(data, fits, k, state);
  if (!state.pair) FitCascade(data, state);
  state.version = "router-" + Sha256Hex(WriteRouter(state)).substr(0, 8);
  return state;
}

}  // namespace strata::route
