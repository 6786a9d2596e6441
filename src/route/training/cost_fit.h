#pragma once
// Fits of what a candidate's answer costs: prices from the rows, output tokens from the prompt.

#include <cstdint>

#include "route/training/training_rows.h"

namespace strata::route {

CostModel FitCost(const TrainingRows& data, std::uint32_t m);

}  // namespace strata::route
