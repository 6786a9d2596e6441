#include "route/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "vector/kernels.h"

namespace strata::route {
namespace {

// Scales of the blocks of dense inputs beside words of length 1, under one L2 penalty: words carry
// most, measures and vector steady them where words are new (docs/measurements-router.md).
constexpr float kMeasureScale = 0.05F;
constexpr float kVectorScale = 0.3F;
constexpr float kMeasureClip = 3;
// Forms may differ by more: that is what tells a new kind of prompt.
constexpr float kFormClip = 8;
// Fewer labelled rows cannot tell that a request is farther out than all but one in a thousand.
constexpr std::size_t kStrangeRowsMin = 1000;

}  // namespace

std::size_t SettingFor(double tolerance) {
  constexpr double kRounding = 1e-9;  // of what a person wrote in decimals
  std::size_t index = 0;
  for (std::size_t t = 0; t < kTolerances.size(); ++t) {
    if (kTolerances[t] <= tolerance + kRounding) index = t;
  }
  return index;
}

ModelInputs PrepareInputs(const RouterState& state, const PromptFeatures& features) {
  ModelInputs inputs;
  // Features are signed counts over their length, so the smallest is one occurrence. A word's
  // second occurrence says less than its first.
  float once = 1;
  for (const auto& word : features.words) once = std::min(once, std::abs(word.value));
  double squares = 0;
  inputs.words.reserve(features.words.size());
  for (const auto& word : features.words) {
    float weight = state.word_weights[word.index];
    if (weight == 0) continue;
    float size = std::abs(word.value);
    float count = size == once ? 1 : 1 + std::log(size / once);
    float value = std::copysign(count, word.value) * weight;
    inputs.words.push_back({word.index, value});
    squares += static_cast<double>(value * value);
  }
  auto norm = static_cast<float>(squares > 0 ? 1 / std::sqrt(squares) : 0);
  for (auto& word : inputs.words) word.value *= norm;

  const std::size_t kinds = state.kinds.size();
  inputs.dense.reserve(kMeasures + features.vector.size() + kinds);
  for (std::size_t i = 0; i < kMeasures; ++i) {
    float value = (features.measures[i] - state.measure_mean[i]) / state.measure_scale[i];
    inputs.dense.push_back(std::clamp(value, -kMeasureClip, kMeasureClip) * kMeasureScale);
    inputs.form.push_back(std::clamp(value, -kFormClip, kFormClip));
  }
  vector::Normalize(inputs.form);
  inputs.vector = features.vector;
  for (float value : features.vector) inputs.dense.push_back(value * kVectorScale);
  inputs.dense.insert(inputs.dense.end(), kinds, 0.0F);
  return inputs;
}

void SetKinds(ModelInputs& inputs, std::span<const float> shares) {
  STRATA_CHECK(shares.size() <= inputs.dense.size(), "one share a kind");
  std::ranges::copy(shares, inputs.dense.end() - static_cast<std::ptrdiff_t>(shares.size()));
}

double PredictOutputTokens(const CostModel& cost, const ModelInputs& inputs) {
  double log_tokens = std::clamp(cost.log_output_tokens.Score({}, inputs.dense), 0.0, 20.0);
  return std::clamp(cost.output_scale * std::expm1(log_tokens), 0.0, cost.output_tokens_max);
}

double PredictCost(const CostModel& cost, const ModelInputs& inputs, double prompt_bytes) {
  return prompt_bytes * cost.input_tokens_per_byte * cost.input_price +
         PredictOutputTokens(cost, inputs) * cost.output_price;
}

std::uint32_t CheapestGoodEnough(std::span<const double> needs, std::span<const double> costs,
                                 std::uint32_t strong, double margin) {
  std::uint32_t best = strong;
  for (std::uint32_t m = 0; m < needs.size(); ++m) {
    if (m != strong && needs[m] < margin && costs[m] < costs[best]) best = m;
  }
  return best;
}

Router::Router(RouterState state, std::shared_ptr<const vector::StaticEmbedder> embedder)
    : state_(std::move(state)),
      embedder_(std::move(embedder)),
      vectors_(std::exchange(state_.reference_vectors, {}),
               static_cast<std::size_t>(embedder_->dimensions()), vector::BestKernels().dot_float),
      forms_(std::exchange(state_.reference_forms, {}), kMeasures, vector::BestKernels().dot_float),
      vector_distance_(learn::Unfamiliarity::FromQuantiles(state_.vector_quantiles)),
      form_distance_(learn::Unfamiliarity::FromQuantiles(state_.form_quantiles)),
      length_(learn::Unfamiliarity::FromQuantiles(state_.length_quantiles)) {}

Result<std::shared_ptr<const Router>> Router::Make(
    RouterState state, std::shared_ptr<const vector::StaticEmbedder> embedder) {
  if (state.embedder != embedder->version()) {
    return Fail(InvalidArgument(
        "router", fmt::format("was trained with the embedder {}, this is {}: train it again",
                              state.embedder, embedder->version())));
  }
  const auto dimensions = static_cast<std::size_t>(embedder->dimensions());
  if (state.reference_vectors.size() != state.references.size() * dimensions) {
    return Fail(Code::kCorruption, "the router's vectors have another size than the embedder's");
  }
  return std::shared_ptr<const Router>(new Router(std::move(state), std::move(embedder)));
}

Prediction Router::Predict(std::string_view prompt) const {
  return Predict(ExtractFeatures(prompt, *embedder_));
}

Prediction Router::Predict(const PromptFeatures& features) const {
  auto inputs = PrepareInputs(state_, features);
  Prediction out;
  out.nearest = vectors_.Nearest(inputs.vector, kNeighbours);
  auto alike = forms_.Nearest(inputs.form, kNeighbours);
  out.unfamiliar = std::max({vector_distance_.Of(learn::MeanDistance(out.nearest)),
                             form_distance_.Of(learn::MeanDistance(alike)),
                             length_.OfEitherSide(static_cast<double>(features.measures[0]))});
  std::vector<float> shares(state_.kinds.size(), 0.0F);
  const auto votes = static_cast<float>(out.nearest.size() + alike.size());
  for (auto* list : {&out.nearest, &alike}) {
    for (const auto& n : *list) shares[state_.references[n.row].kind] += 1 / votes;
  }
  out.kind = static_cast<std::uint32_t>(std::ranges::max_element(shares) - shares.begin());
  const bool unfamiliar = out.unfamiliar >= kUnfamiliar;
  // Also of an unfamiliar request: one that is merely at the edge of its kind is still of it, and
  // what is like none is not decided by predictions anyway.
  SetKinds(inputs, shares);
  // From here on predictions fade into what the candidate does on average.
  const double trust = std::clamp((1 - out.unfamiliar) / (1 - kUnfamiliar), 0.0, 1.0);

  std::vector<double> guesses;  // what the models say, trusted or not
  for (const auto& candidate : state_.candidates) {
    CandidatePrediction p;
    double guess = candidate.scale.Probability(candidate.quality.Score(inputs.words, inputs.dense));
    guesses.push_back(guess);
    p.quality = trust * guess + (1 - trust) * candidate.mean_quality;
    auto band = unfamiliar ? learn::Bands::Interval{} : candidate.bands.At(p.quality);
    p.low = std::min(band.low, p.quality);
    p.high = std::max(band.high, p.quality);
    p.output_tokens = PredictOutputTokens(candidate.cost, inputs);
    p.cost = PredictCost(candidate.cost, inputs, features.prompt_bytes);
    out.candidates.push_back(p);
  }
  if (state_.pair) {
    out.need = guesses[0] - guesses[1];
    if (out.unfamiliar >= kStrange && state_.vector_quantiles.size() >= kStrangeRowsMin) {
      // Above every other need; among themselves by the cheap model's guess and by length, which
      // hold up best on sources that were never seen.
      double length =
          (static_cast<double>(features.measures[0]) - state_.length_mean) / state_.length_scale;
      out.need = 1 + learn::Sigmoid(0.5 * length - learn::Logit(guesses[1]));
    }
  }
  if (state_.cascade) {
    out.settled = state_.cascade->scale.Probability(
        state_.cascade->settled.Score(inputs.words, inputs.dense));
  }
  for (std::size_t t = 0; t < kTolerances.size(); ++t) out.decisions[t] = Decide(out, t);
  return out;
}

std::uint32_t Router::Decide(const Prediction& prediction, std::size_t tolerance,
                             std::span<const std::uint8_t> allowed,
                             std::span<const double> costs) const {
  const bool unfamiliar = prediction.unfamiliar >= kUnfamiliar;
  const auto& kind = state_.kinds[prediction.kind];
  const std::uint32_t strong = unfamiliar ? state_.strong : kind.strong;
  const auto& certificate = kind.certificates[tolerance];
  if (unfamiliar || !certificate.certified) return strong;
  std::vector<double> needs, prices(costs.begin(), costs.end());
  for (const auto& p : prediction.candidates) {
    needs.push_back(prediction.candidates[strong].quality - p.quality);
    if (costs.empty()) prices.push_back(p.cost);
  }
  if (state_.pair) needs[1 - strong] = prediction.need;
  for (std::size_t m = 0; m < allowed.size(); ++m) {
    if (allowed[m] == 0) needs[m] = std::numeric_limits<double>::infinity();
  }
  return CheapestGoodEnough(needs, prices, strong, certificate.margin);
}

bool Router::SkipsCheapStep(const Prediction& prediction) const {
  if (!state_.cascade || prediction.unfamiliar >= kUnfamiliar) return false;
  const auto& plan = *state_.cascade;
  const auto& p = prediction.candidates;
  double step = p[plan.first].cost + p[plan.second].cost;
  return prediction.settled * p[plan.strong].cost < step;
}

std::int32_t Router::ThirdOf(const Prediction& prediction) const {
  if (!state_.cascade || prediction.unfamiliar >= kUnfamiliar) return -1;
  return state_.cascade->third[prediction.kind];
}

std::string Router::Explain(const Prediction& prediction, std::size_t tolerance) const {
  const auto chosen = prediction.decisions[tolerance];
  const auto& kind = state_.kinds[prediction.kind];
  const auto& p = prediction.candidates[chosen];
  std::string nearest;
  if (!prediction.nearest.empty()) {
    const auto& n = prediction.nearest.front();
    nearest = fmt::format("; nearest labelled request {} ({:.2f})", state_.references[n.row].id,
                          n.similarity);
  }
  const auto& name = state_.candidates[chosen].name;
  if (prediction.unfamiliar >= kUnfamiliar) {
    return fmt::format(
        "unfamiliar ({:.3f} of labelled requests are closer to each other, or nearer to their "
        "usual length): {}{}",
        prediction.unfamiliar, name, nearest);
  }
  const auto& certificate = kind.certificates[tolerance];
  if (!certificate.certified) {
    return fmt::format("no setting at {:.0f} % is certified for requests like {}: {}{}",
                       100 * (1 - kTolerances[tolerance]), kind.name, name, nearest);
  }
  const auto& strong = state_.candidates[kind.strong];
  if (chosen == kind.strong) {
    return fmt::format("{} expected {:.2f} ({:.2f} to {:.2f}), nothing cheaper is close enough{}",
                       name, p.quality, p.low, p.high, nearest);
  }
  return fmt::format("{} expected {:.2f} ({:.2f} to {:.2f}), {} {:.2f}{}", name, p.quality, p.low,
                     p.high, strong.name, prediction.candidates[kind.strong].quality, nearest);
}

}  // namespace strata::route
