#include "route/training/training_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/encoding.h"
#include "vector/kernels.h"

namespace strata::route {
namespace {

constexpr std::size_t kRowsMin = 20;  // a candidate needs that many labels
constexpr std::size_t kReferencesMax = 3000;
constexpr std::size_t kWordRowsMin = 2;  // a word seen in one row teaches nothing

Result<> FindCandidates(const TrainingRows& data, RouterState& state) {
  for (const auto& name : data.options.models) {
    std::size_t labels = 0;
    std::size_t costs = 0;
    for (const auto* row : data.rows) {
      const auto* outcome = row->row->Find(name);
      if (outcome == nullptr) continue;
      ++labels;
      costs += outcome->cost ? 1 : 0;
    }
    if (labels < kRowsMin) {
      return Fail(
          InvalidArgument("models", fmt::format("'{}' has {} labelled rows, at least {} are needed",
                                                name, labels, kRowsMin)));
    }
    if (costs == 0) {
      return Fail(InvalidArgument("models", fmt::format("'{}' has no cost in any row", name)));
    }
    state.candidates.emplace_back().name = name;
  }
  return {};
}

void FindKinds(TrainingRows& data, RouterState& state) {
  std::map<std::string, std::uint32_t> number;
  for (const auto* row : data.rows) number.emplace(row->row->source, 0);
  for (auto& [name, n] : number) {
    n = static_cast<std::uint32_t>(state.kinds.size());
    state.kinds.emplace_back().name = name.empty() ? "requests" : name;
  }
  for (const auto* row : data.rows) {
    data.kind.push_back(number[row->row->source]);
    ++state.kinds[data.kind.back()].rows;
    // Equal prompts in one fold, else a model would be tested on what it has seen.
    data.fold.push_back(static_cast<std::uint32_t>(Hash64(row->row->prompt, 5) % kFolds));
  }
}

void ScaleMeasures(const TrainingRows& data, RouterState& state) {
  state.measure_mean.assign(kMeasures, 0);
  state.measure_scale.assign(kMeasures, 1);
  const auto n = static_cast<double>(data.size());
  for (std::size_t i = 0; i < kMeasures; ++i) {
    double sum = 0, squares = 0;
    for (const auto* row : data.rows) {
      auto value = static_cast<double>(row->features.measures[i]);
      sum += value;
      squares += value * value;
    }
    double mean = sum / n;
    double variance = squares / n - mean * mean;
    state.measure_mean[i] = static_cast<float>(mean);
    // A measure that hardly varies here must not shout elsewhere.
    state.measure_scale[i] = static_cast<float>(std::sqrt(std::max(variance, 1e-3)));
  }
  state.length_mean = static_cast<double>(state.measure_mean[0]);
  state.length_scale = static_cast<double>(state.measure_scale[0]);
}

void WeighWords(const TrainingRows& data, RouterState& state) {
  std::vector<std::uint32_t> rows_with(std::size_t{1} << kWordBits, 0);
  for (const auto* row : data.rows) {
    for (const auto& word : row->features.words) ++rows_with[word.index];
  }
  state.word_weights.assign(rows_with.size(), 0.0F);
  for (std::size_t i = 0; i < rows_with.size(); ++i) {
    if (rows_with[i] < kWordRowsMin) continue;
    state.word_weights[i] = static_cast<float>(
        1 + std::log(static_cast<double>(1 + data.size()) / static_cast<double>(1 + rows_with[i])));
  }
}

void PrepareDesigns(TrainingRows& data, RouterState& state) {
  const auto kinds = state.kinds.size();
  const auto vector_size = data.rows.front()->features.vector.size();
  data.design = learn::Design(std::uint32_t{1} << kWordBits, kMeasures + vector_size + kinds);
  data.dense = learn::Design(0, kMeasures + vector_size + kinds);
  data.measured = learn::Design(0, kMeasures + vector_size + kinds);
  for (std::size_t i = 0; i < data.size(); ++i) {
    auto inputs = PrepareInputs(state, data.rows[i]->features);
    std::vector<float> shares(kinds, 0.0F);
    shares[data.kind[i]] = 1;
    SetKinds(inputs, shares);
    data.design.Append(inputs.words, inputs.dense);
    data.dense.Append({}, inputs.dense);
    auto measured = inputs.dense;
    for (std::size_t k = 0; k < kMeasures; ++k) measured[k] *= kMeasuresAlone;
    data.measured.Append({}, measured);
    data.inputs.push_back(std::move(inputs));
  }
}

// Where labelled rows lie far apart, a question may be near some of them and still be much
// shorter than any: what models do there is a guess.
void MeasureLengths(TrainingRows& data, RouterState& state) {
  std::vector<double> lengths;
  lengths.reserve(data.size());
  for (const auto* row : data.rows)
    lengths.push_back(static_cast<double>(row->features.measures[0]));
  learn::Unfamiliarity unfamiliarity(lengths);
  for (std::size_t i = 0; i < data.size(); ++i) {
    data.unfamiliar[i] = std::max(data.unfamiliar[i], unfamiliarity.OfEitherSide(lengths[i]));
  }
  state.length_quantiles = unfamiliarity.quantiles();
}

// Quantiles of the distances of all rows to the references; raises the rows' unfamiliarity.
std::vector<double> Distances(TrainingRows& data, const std::vector<float>& references,
                              std::span<const std::uint32_t> reference_of,
                              std::vector<float> ModelInputs::* part) {
  learn::NeighbourIndex index(references, (data.inputs.front().*part).size(),
                              vector::BestKernels().dot_float);
  std::vector<double> distances;
  for (std::size_t i = 0; i < data.size(); ++i) {
    auto nearest = index.Nearest(data.inputs[i].*part, kNeighbours, reference_of[i]);
    distances.push_back(learn::MeanDistance(nearest));
  }
  learn::Unfamiliarity unfamiliarity(distances);
  for (std::size_t i = 0; i < data.size(); ++i) {
    data.unfamiliar[i] = std::max(data.unfamiliar[i], unfamiliarity.Of(distances[i]));
  }
  return unfamiliarity.quantiles();
}

void MakeReferences(TrainingRows& data, RouterState& state) {
  std::vector<std::size_t> chosen(data.size());
  std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  if (data.size() > kReferencesMax) {
    std::ranges::sort(chosen, {}, [&](std::size_t i) { return Hash64(data.rows[i]->row->id, 6); });
    chosen.resize(kReferencesMax);
  }
  std::vector<std::uint32_t> reference_of(data.size(), learn::NeighbourIndex::kNone);
  for (auto i : chosen) {
    reference_of[i] = static_cast<std::uint32_t>(state.references.size());
    Reference reference{.id = data.rows[i]->row->id, .kind = data.kind[i], .qualities = {}};
    for (std::uint32_t m = 0; m < data.options.models.size(); ++m) {
      const auto* outcome = data.OutcomeOf(i, m);
      reference.qualities.push_back(outcome ? static_cast<float>(outcome->quality) : -1.0F);
    }
    state.references.push_back(std::move(reference));
    const auto& in = data.inputs[i];
    state.reference_vectors.insert(state.reference_vectors.end(), in.vector.begin(),
                                   in.vector.end());
    state.reference_forms.insert(state.reference_forms.end(), in.form.begin(), in.form.end());
  }
  data.unfamiliar.assign(data.size(), 0);
  state.vector_quantiles =
      Distances(data, state.reference_vectors, reference_of, &ModelInputs::vector);
  state.form_quantiles = Distances(data, state.reference_forms, reference_of, &ModelInputs::form);
  MeasureLengths(data, state);
}

}  // namespace

Result<TrainingRows> PrepareRows(std::span<const FeatureRow* const> rows,
                                 const TrainOptions& options, RouterState& state) {
  TrainingRows data{
      .options = options, .rows = {}, .kind = {}, .fold = {}, .inputs = {}, .unfamiliar = {}};
  for (const auto* row : rows) {
    std::size_t have = 0;
    for (const auto& model : options.models) have += row->row->Find(model) != nullptr ? 1 : 0;
    if (have == 0 || (options.pair && have < 2)) continue;
    data.rows.push_back(row);
  }
  STRATA_CHECK_OK(FindCandidates(data, state));
  FindKinds(data, state);
  ScaleMeasures(data, state);
  WeighWords(data, state);
  PrepareDesigns(data, state);
  MakeReferences(data, state);
  return data;
}

}  // namespace strata::route
