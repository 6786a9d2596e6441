#include "route/training/cost_fit.h"

#include <algorithm>
#include <cmath>

namespace strata::route {
namespace {

// Chosen on the valid splits of the development sources (docs/measurements-router.md).
constexpr double kTokenPenalty = 0.2;

}  // namespace

CostModel FitCost(const TrainingRows& data, std::uint32_t m) {
  CostModel cost;
  std::vector<std::uint32_t> rows;
  std::vector<double> log_tokens;
  double bytes = 0, input = 0, output = 0;
  // Normal equations of cost = input · price + output · price, with a whiff of ridge: where the
  // output is constant only their sum matters.
  double ii = 0, io = 0, oo = 0, ic = 0, oc = 0;
  for (std::uint32_t i = 0; i < data.size(); ++i) {
    const auto* outcome = data.OutcomeOf(i, m);
    if (outcome == nullptr) continue;
    rows.push_back(i);
    log_tokens.push_back(std::log1p(outcome->output_tokens));
    bytes += data.rows[i]->features.prompt_bytes;
    input += outcome->input_tokens;
    output += outcome->output_tokens;
    cost.output_tokens_max = std::max(cost.output_tokens_max, outcome->output_tokens);
    if (!outcome->cost) continue;
    ii += outcome->input_tokens * outcome->input_tokens;
    io += outcome->input_tokens * outcome->output_tokens;
    oo += outcome->output_tokens * outcome->output_tokens;
    ic += outcome->input_tokens * *outcome->cost;
    oc += outcome->output_tokens * *outcome->cost;
  }
  cost.input_tokens_per_byte = bytes > 0 ? input / bytes : 0.25;
  double ridge = 1e-9 * (ii + oo) + 1e-12;
  double determinant = (ii + ridge) * (oo + ridge) - io * io;
  cost.input_price = ((oo + ridge) * ic - io * oc) / determinant;
  cost.output_price = ((ii + ridge) * oc - io * ic) / determinant;
  if (cost.input_price < 0 || cost.output_price < 0) {
    bool by_input = cost.output_price < 0;
    cost.input_price = by_input ? ic / std::max(ii, 1.0) : 0;
    cost.output_price = by_input ? 0 : oc / std::max(oo, 1.0);
  }
  cost.log_output_tokens = learn::FitLinear(data.dense, rows, log_tokens,
                                            {.loss = learn::Loss::kSquared,
                                             .l2 = kTokenPenalty,
                                             .iterations_max = 40,
                                             .tolerance = 1e-3});
  double predicted = 0;
  for (auto i : rows) predicted += PredictOutputTokens(cost, data.inputs[i]);
  if (predicted > 0) cost.output_scale = std::clamp(output / predicted, 0.2, 5.0);
  return cost;
}

}  // namespace strata::route
