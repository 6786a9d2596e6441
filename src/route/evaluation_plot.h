#pragma once
// An evaluation as a picture: quality against cost, as SVG that is read in light and dark.

#include <string>
#include <string_view>

#include "route/evaluation.h"

namespace strata::route {

// The router's curve beside prompt length, a random mix of the strong and the cheapest model, every
// single model and the oracle; diamonds are what the certified settings did. Costs whose ratio is
// above ten stand on a logarithmic axis. Names may be any text.
std::string PlotEvaluation(const Evaluation& evaluation);

// "arc-challenge.svg": `name` with what does not belong in a file's name as '-'.
std::string PlotFileName(std::string_view name);

}  // namespace strata::route
