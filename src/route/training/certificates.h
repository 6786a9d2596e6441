#pragma once
// Certified settings of one kind of request, by learn-then-test on predictions of models that did
// not see the row.

#include <cstdint>
#include <span>

#include "route/training/quality_fit.h"

namespace strata::route {

// Fills the certificates of kind `k` of `state`, whose candidates are fitted and whose strong
// models are chosen; `fits` by candidate.
void Certify(const TrainingRows& data, std::span<const QualityFit> fits, std::uint32_t k,
             RouterState& state);

}  // namespace strata::route
