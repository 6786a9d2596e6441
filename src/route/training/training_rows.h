#pragma once
// Labelled rows as the fits of a router see them: kinds, folds, inputs, how unfamiliar each is, and
// the references that a router keeps of them.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "learn/linear.h"
#include "route/router.h"
#include "route/trainer.h"

namespace strata::route {

inline constexpr std::uint32_t kFolds = 5;
// How much larger measures are where a model sees no words: they have the field to themselves.
inline constexpr float kMeasuresAlone = 2;

// Vectors by row. What `options` and the rows refer to outlives it.
struct TrainingRows {
  const TrainOptions& options;
  std::vector<const FeatureRow*> rows;
  std::vector<std::uint32_t> kind;  // of RouterState::kinds
  std::vector<std::uint32_t> fold;  // equal prompts have the same
  std::vector<ModelInputs> inputs;
  std::vector<double> unfamiliar;
  learn::Design design{0, 0};
  learn::Design dense{0, 0};
  learn::Design measured{0, 0};  // dense, with measures kMeasuresAlone as large

  std::size_t size() const { return rows.size(); }
  const ModelOutcome* OutcomeOf(std::size_t row, std::uint32_t model) const {
    return rows[row]->row->Find(options.models[model]);
  }
};

// Those of `rows` that have outcomes to learn from. Fills what `state` has of them: candidates and
// kinds by name, scales of measures, weights of words, references with the quantiles of distances.
// Errors: as TrainRouter.
Result<TrainingRows> PrepareRows(std::span<const FeatureRow* const> rows,
                                 const TrainOptions& options, RouterState& state);

}  // namespace strata::route
