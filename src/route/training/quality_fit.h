#pragma once
// Fits of what a candidate's answer is worth, with predictions of models that did not see the row.

#include <cstdint>
#include <span>
#include <vector>

#include "route/training/training_rows.h"

namespace strata::route {

// What a model sees: all of the inputs, or the measures and the vector alone.
enum class View : std::uint8_t { kAll, kDense };

learn::LinearModel FitLogit(const TrainingRows& data, View view,
                            std::span<const std::uint32_t> rows, std::span<const double> targets);
// Logits of each row by a model that was fitted without its fold.
std::vector<double> HeldOutScores(const TrainingRows& data, View view,
                                  std::span<const std::uint32_t> rows,
                                  std::span<const double> targets);

// What is known of a candidate on the labelled rows beside its fit.
struct QualityFit {
  std::vector<double> held_out;      // predicted quality by row; NaN: no label
  std::vector<double> mean_of_kind;  // NaN: no label
};
// Fits quality, scale, bands and mean of candidate `m` of `state`.
QualityFit FitQuality(const TrainingRows& data, std::uint32_t m, RouterState& state);

// The candidate of the highest mean quality, of each kind and of all; of a pair the first, as the
// caller said.
void ChooseStrong(std::span<const QualityFit> fits, RouterState& state);

}  // namespace strata::route
