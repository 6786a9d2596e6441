#pragma once
// Stacking: how much each of several models' scores counts in one. Source: Wolpert 1992, "Stacked
// Generalization"; weights that are not negative: Breiman 1996, "Stacked Regressions". The scores
// are those of models that did not see the row.

#include <span>
#include <vector>

namespace strata::learn {

struct Stack {
  std::vector<double> weights;  // of the scores, none negative
  double offset = 0;
};

// The logit of an outcome in [0, 1] as offset + Σ weight · score: log loss plus strength/2 ·
// |weights − prior|², so that few rows keep to `prior`. `scores`: one list a model, each as long as
// `outcomes`, which is not empty. Deterministic.
Stack FitStack(std::span<const std::vector<double>> scores, std::span<const double> outcomes,
               std::span<const double> prior, double strength);

}  // namespace strata::learn
