#pragma once
// Makes a router from labelled rows. Seconds for ten thousand rows; single-threaded, deterministic.
//
// Everything that says how good a prediction is (calibration, intervals, certified settings) comes
// from predictions of models that did not see the row: five folds, equal prompts in one fold.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "route/outcome_rows.h"
#include "route/router.h"

namespace strata::route {

struct TrainOptions {
  std::vector<std::string> models;  // candidates; of a pair: strong, cheap
  bool pair = false;
  double confidence = 0.95;  // of certified settings
};

// A row with its features, so that several routers of an evaluation share the work.
struct FeatureRow {
  const OutcomeRow* row = nullptr;
  PromptFeatures features;
};
std::vector<FeatureRow> ExtractAll(std::span<const OutcomeRow> rows,
                                   const vector::StaticEmbedder& embedder);

// `rows` outlive the call; those that lack every candidate (of a pair: either) are left out.
// Errors: kInvalidArgument names the candidate that too few rows have, or that never has a cost.
Result<RouterState> TrainRouter(std::span<const FeatureRow* const> rows,
                                const std::string& embedder_version, const TrainOptions& options);

}  // namespace strata::route
