#pragma once
// A learned router: what each candidate's answer to a prompt would be worth and cost, and the
// cheapest candidate that is good enough. Immutable; thread-safe. Made by trainer.h, kept in a file
// by router_file.h.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "learn/calibration.h"
#include "learn/linear.h"
#include "learn/neighbours.h"
#include "route/cascade.h"
#include "route/prompt_features.h"

namespace strata::route {

// How much of the strong model's quality may be given up.
inline constexpr std::array<double, 4> kTolerances = {0.00, 0.01, 0.03, 0.05};
// The index of the widest setting that gives up no more than `tolerance`, 0 for less than all of
// them. Whether it is certified differs by kind of request: Kind::certificates.
std::size_t SettingFor(double tolerance);
// Requests at least this unfamiliar are not decided by predictions.
inline constexpr double kUnfamiliar = 0.96;
// And those that are farther out than practically every labelled one need the strong model before
// any that is familiar.
inline constexpr double kStrange = 0.999;

// What one answer costs: tokens from the prompt, prices from the rows.
struct CostModel {
  double input_tokens_per_byte = 0.25;
  learn::LinearModel log_output_tokens;  // on the dense inputs
  double output_scale = 1;               // mean of tokens over mean of exp(prediction)
  double output_tokens_max = 1;          // the largest seen; predictions stay below
  double input_price = 0;                // dollars a token
  double output_price = 0;
};

struct Candidate {
  std::string name;
  learn::LinearModel quality;  // logits
  learn::PlattScale scale;
  learn::Bands bands;       // 90 % intervals
  double mean_quality = 0;  // mean over sources: the prediction for unfamiliar requests
  CostModel cost;
};

// A setting that was certified for one kind of request.
struct Certificate {
  double tolerance = 0;
  bool certified = false;
  double margin = 0;       // a candidate is good enough when its need is below
  double share_moved = 0;  // on the labelled rows
  double ratio = 1;
  double saving = 0;
  std::int64_t rows_for_a_fifth = -1;  // −1: no number of rows would do
};

// A source of labelled rows is a kind of request: has its own strong model and its own settings.
struct Kind {
  std::string name;
  std::uint32_t rows = 0;
  std::uint32_t strong = 0;  // candidate of the highest mean quality
  std::array<Certificate, kTolerances.size()> certificates;
};

// A labelled request that explains a decision.
struct Reference {
  std::string id;
  std::uint32_t kind = 0;
  std::vector<float> qualities;  // one a candidate; negative: not measured
};

struct RouterState {
  std::string version;   // of its content, "router-3f2a9c01"
  std::string embedder;  // version of the static embedder that it was trained with
  bool pair = false;     // candidates are {strong, cheap}
  double confidence = 0.95;
  std::vector<float> measure_mean, measure_scale;
  std::vector<float> word_weights;  // inverse document frequency of each bucket; 0: too rare
  std::vector<Candidate> candidates;
  double length_mean = 0, length_scale = 1;  // of the logarithm of the question's bytes
  std::vector<Kind> kinds;
  std::uint32_t strong = 0;             // for unfamiliar requests
  std::optional<CascadeState> cascade;  // where rows had answers to compare
  std::vector<Reference> references;
  // Topic and form of each reference, apart: a new source is often a known topic in another form,
  // or another topic in a known form.
  std::vector<float> reference_vectors, reference_forms;
  std::vector<double> vector_quantiles, form_quantiles;  // of distances, ascending
  // Of the logarithm of the question's bytes. Empty: not looked at, as in files of format 1.
  std::vector<double> length_quantiles;
};

struct CandidatePrediction {
  double quality = 0;
  double low = 0, high = 1;
  double output_tokens = 0;
  double cost = 0;  // dollars
};

struct Prediction {
  std::vector<CandidatePrediction> candidates;  // in the router's order
  double need = 0;                              // of the strong model, pairs only
  double unfamiliar = 0;
  std::uint32_t kind = 0;  // the kind most of the nearest rows are of
  std::array<std::uint32_t, kTolerances.size()> decisions{};
  std::vector<learn::Neighbour> nearest;  // by topic; rows are references
  double settled = 0;  // with a cascade: probability that its cheap step settles the request
};

// The inputs of linear models, from features: what trainer and router must agree on.
struct ModelInputs {
  std::vector<learn::SparseEntry> words;
  std::vector<float> dense;   // measures, vector, share of each kind among the nearest
  std::vector<float> vector;  // length 1, or zeros
  std::vector<float> form;    // the measures as a vector of length 1
};

class Router {
 public:
  // kInvalidArgument: trained with another version of the embedder.
  static Result<std::shared_ptr<const Router>> Make(
      RouterState state, std::shared_ptr<const vector::StaticEmbedder> embedder);

  const RouterState& state() const { return state_; }
  Prediction Predict(std::string_view prompt) const;
  Prediction Predict(const PromptFeatures& features) const;
  // The candidate that a setting chooses among those that `allowed` has not excluded (a byte a
  // candidate, 0: excluded; empty: none is), `costs` in place of the predicted ones where given.
  // The strong model of the request's kind when nothing cheaper is certified, allowed or not.
  std::uint32_t Decide(const Prediction& prediction, std::size_t tolerance,
                       std::span<const std::uint8_t> allowed = {},
                       std::span<const double> costs = {}) const;
  // Why the decision at `tolerance` (an index of kTolerances) is what it is, for a person.
  std::string Explain(const Prediction& prediction, std::size_t tolerance) const;
  // Whether the cheap step of the cascade is expected to cost more than it saves. Never for an
  // unfamiliar request: its evidence is asked for.
  bool SkipsCheapStep(const Prediction& prediction) const;
  // The third model of the cascade for this request, −1 for none.
  std::int32_t ThirdOf(const Prediction& prediction) const;

 private:
  Router(RouterState state, std::shared_ptr<const vector::StaticEmbedder> embedder);
  RouterState state_;
  std::shared_ptr<const vector::StaticEmbedder> embedder_;
  learn::NeighbourIndex vectors_, forms_;
  learn::Unfamiliarity vector_distance_, form_distance_, length_;
};

// ---- shared with the trainer ----

inline constexpr std::size_t kNeighbours = 10;

// The kinds' shares are zero until SetKinds.
ModelInputs PrepareInputs(const RouterState& state, const PromptFeatures& features);
void SetKinds(ModelInputs& inputs, std::span<const float> shares);
double PredictOutputTokens(const CostModel& cost, const ModelInputs& inputs);
// Dollars of one answer to a prompt of that many bytes.
double PredictCost(const CostModel& cost, const ModelInputs& inputs, double prompt_bytes);
// The cheapest candidate whose need is below `margin`; the strong one when there is none.
// `needs[strong]` does not matter. Ties go to the earlier candidate.
std::uint32_t CheapestGoodEnough(std::span<const double> needs, std::span<const double> costs,
                                 std::uint32_t strong, double margin);

}  // namespace strata::route
