#include "route/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/check.h"
#include "base/encoding.h"
#include "learn/risk_control.h"
#include "learn/stack.h"
#include "route/router_file.h"
#include "vector/kernels.h"

namespace strata::route {
namespace {

constexpr std::size_t kRowsMin = 20;  // a candidate needs that many labels
constexpr std::uint32_t kFolds = 5;
constexpr std::size_t kReferencesMax = 3000;
constexpr std::size_t kWordRowsMin = 2;  // a word seen in one row teaches nothing
// Penalties, chosen on the valid splits of the development sources (docs/measurements-router.md).
constexpr double kQualityPenalty = 1.5;
constexpr double kTokenPenalty = 0.2;
// How much larger measures are where a model sees no words: they have the field to themselves.
constexpr float kMeasuresAlone = 2;
// How much the two views count before their rows say it, and how many rows that takes. The slope of
// the sum is kept near 1 by the same prior: fitted freely on few rows it was the largest error.
constexpr double kViewPrior[] = {0.7, 0.3};
constexpr double kViewPriorStrength = 40;
constexpr double kNormal90 = 1.645;
constexpr std::size_t kBandRows = 60;
constexpr double kNever = 1e9;
// A cascade's plan keeps this on the labelled rows, so that it keeps 0.995 on others.
constexpr double kCascadeRatioMin = 1.0;

double MeanOf(std::span<const double> values) {
  return values.empty() ? 0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

// A setting is to hold on the next requests, a sample that is noisy itself, and not only on the
// population that both are drawn from. For a sample as large as the labelled one the margin must be
// √2 times as wide: a level of 5 % becomes one of 1 %, in general about 4 · level².
double ForFreshSample(double confidence) {
  double level = 1 - confidence;
  return 1 - std::min(level, 4 * level * level);
}

class Trainer {
 public:
  Trainer(std::span<const FeatureRow* const> rows, const TrainOptions& options)
      : options_(options) {
    for (const auto* row : rows) {
      std::size_t have = 0;
      for (const auto& model : options_.models) have += row->row->Find(model) != nullptr ? 1 : 0;
      if (have == 0 || (options_.pair && have < 2)) continue;
      rows_.push_back(row);
    }
  }

  Result<RouterState> Train(const std::string& embedder_version) {
    state_.embedder = embedder_version;
    state_.pair = options_.pair;
    state_.confidence = options_.confidence;
    STRATA_CHECK_OK(FindCandidates());
    FindKinds();
    ScaleMeasures();
    WeighWords();
    PrepareDesigns();
    MakeReferences();
    for (std::uint32_t m = 0; m < state_.candidates.size(); ++m) {
      FitQuality(m);
      STRATA_CHECK_OK(FitCost(m));
    }
    ChooseStrong();
    for (std::uint32_t k = 0; k < state_.kinds.size(); ++k) Certify(k);
    if (!state_.pair) FitCascade();
    state_.version = "router-" + Sha256Hex(WriteRouter(state_)).substr(0, 8);
    return std::move(state_);
  }

 private:
  std::size_t size() const { return rows_.size(); }
  const ModelOutcome* OutcomeOf(std::size_t row, std::uint32_t model) const {
    return rows_[row]->row->Find(options_.models[model]);
  }

  Result<> FindCandidates() {
    for (const auto& name : options_.models) {
      std::size_t labels = 0;
      std::size_t costs = 0;
      for (const auto* row : rows_) {
        const auto* outcome = row->row->Find(name);
        if (outcome == nullptr) continue;
        ++labels;
        costs += outcome->cost ? 1 : 0;
      }
      if (labels < kRowsMin) {
        return Fail(InvalidArgument(
            "models", fmt::format("'{}' has {} labelled rows, at least {} are needed", name, labels,
                                  kRowsMin)));
      }
      if (costs == 0) {
        return Fail(InvalidArgument("models", fmt::format("'{}' has no cost in any row", name)));
      }
      state_.candidates.emplace_back().name = name;
    }
    return {};
  }

  void FindKinds() {
    std::map<std::string, std::uint32_t> number;
    for (const auto* row : rows_) number.emplace(row->row->source, 0);
    for (auto& [name, n] : number) {
      n = static_cast<std::uint32_t>(state_.kinds.size());
      state_.kinds.emplace_back().name = name.empty() ? "requests" : name;
    }
    for (const auto* row : rows_) {
      kind_.push_back(number[row->row->source]);
      ++state_.kinds[kind_.back()].rows;
      // Equal prompts in one fold, else a model would be tested on what it has seen.
      fold_.push_back(static_cast<std::uint32_t>(Hash64(row->row->prompt, 5) % kFolds));
    }
  }

  void ScaleMeasures() {
    state_.measure_mean.assign(kMeasures, 0);
    state_.measure_scale.assign(kMeasures, 1);
    const auto n = static_cast<double>(size());
    for (std::size_t i = 0; i < kMeasures; ++i) {
      double sum = 0, squares = 0;
      for (const auto* row : rows_) {
        auto value = static_cast<double>(row->features.measures[i]);
        sum += value;
        squares += value * value;
      }
      double mean = sum / n;
      double variance = squares / n - mean * mean;
      state_.measure_mean[i] = static_cast<float>(mean);
      // A measure that hardly varies here must not shout elsewhere.
      state_.measure_scale[i] = static_cast<float>(std::sqrt(std::max(variance, 1e-3)));
    }
    state_.length_mean = static_cast<double>(state_.measure_mean[0]);
    state_.length_scale = static_cast<double>(state_.measure_scale[0]);
  }

  void WeighWords() {
    std::vector<std::uint32_t> rows_with(std::size_t{1} << kWordBits, 0);
    for (const auto* row : rows_) {
      for (const auto& word : row->features.words) ++rows_with[word.index];
    }
    state_.word_weights.assign(rows_with.size(), 0.0F);
    for (std::size_t i = 0; i < rows_with.size(); ++i) {
      if (rows_with[i] < kWordRowsMin) continue;
      state_.word_weights[i] = static_cast<float>(
          1 + std::log(static_cast<double>(1 + size()) / static_cast<double>(1 + rows_with[i])));
    }
  }

  void PrepareDesigns() {
    const auto kinds = state_.kinds.size();
    const auto vector_size = rows_.front()->features.vector.size();
    design_ = learn::Design(std::uint32_t{1} << kWordBits, kMeasures + vector_size + kinds);
    dense_ = learn::Design(0, kMeasures + vector_size + kinds);
    measured_ = learn::Design(0, kMeasures + vector_size + kinds);
    for (std::size_t i = 0; i < size(); ++i) {
      auto inputs = PrepareInputs(state_, rows_[i]->features);
      std::vector<float> shares(kinds, 0.0F);
      shares[kind_[i]] = 1;
      SetKinds(inputs, shares);
      design_.Append(inputs.words, inputs.dense);
      dense_.Append({}, inputs.dense);
      auto measured = inputs.dense;
      for (std::size_t k = 0; k < kMeasures; ++k) measured[k] *= kMeasuresAlone;
      measured_.Append({}, measured);
      inputs_.push_back(std::move(inputs));
    }
  }

  void MakeReferences() {
    std::vector<std::size_t> chosen(size());
    std::iota(chosen.begin(), chosen.end(), std::size_t{0});
    if (size() > kReferencesMax) {
      std::ranges::sort(chosen, {}, [&](std::size_t i) { return Hash64(rows_[i]->row->id, 6); });
      chosen.resize(kReferencesMax);
    }
    std::vector<std::uint32_t> reference_of(size(), learn::NeighbourIndex::kNone);
    for (auto i : chosen) {
      reference_of[i] = static_cast<std::uint32_t>(state_.references.size());
      Reference reference{.id = rows_[i]->row->id, .kind = kind_[i], .qualities = {}};
      for (std::uint32_t m = 0; m < options_.models.size(); ++m) {
        const auto* outcome = OutcomeOf(i, m);
        reference.qualities.push_back(outcome ? static_cast<float>(outcome->quality) : -1.0F);
      }
      state_.references.push_back(std::move(reference));
      const auto& in = inputs_[i];
      state_.reference_vectors.insert(state_.reference_vectors.end(), in.vector.begin(),
                                      in.vector.end());
      state_.reference_forms.insert(state_.reference_forms.end(), in.form.begin(), in.form.end());
    }
    unfamiliar_.assign(size(), 0);
    state_.vector_quantiles =
        Distances(state_.reference_vectors, reference_of, &ModelInputs::vector);
    state_.form_quantiles = Distances(state_.reference_forms, reference_of, &ModelInputs::form);
    MeasureLengths();
  }

  // Where labelled rows lie far apart, a question may be near some of them and still be much
  // shorter than any: what models do there is a guess.
  void MeasureLengths() {
    std::vector<double> lengths;
    lengths.reserve(size());
    for (const auto* row : rows_) lengths.push_back(static_cast<double>(row->features.measures[0]));
    learn::Unfamiliarity unfamiliarity(lengths);
    for (std::size_t i = 0; i < size(); ++i) {
      unfamiliar_[i] = std::max(unfamiliar_[i], unfamiliarity.OfEitherSide(lengths[i]));
    }
    state_.length_quantiles = unfamiliarity.quantiles();
  }

  // Quantiles of the distances of all rows to the references; raises the rows' unfamiliarity.
  std::vector<double> Distances(const std::vector<float>& references,
                                std::span<const std::uint32_t> reference_of,
                                std::vector<float> ModelInputs::* part) {
    learn::NeighbourIndex index(references, (inputs_.front().*part).size(),
                                vector::BestKernels().dot_float);
    std::vector<double> distances;
    for (std::size_t i = 0; i < size(); ++i) {
      auto nearest = index.Nearest(inputs_[i].*part, kNeighbours, reference_of[i]);
      distances.push_back(learn::MeanDistance(nearest));
    }
    learn::Unfamiliarity unfamiliarity(distances);
    for (std::size_t i = 0; i < size(); ++i) {
      unfamiliar_[i] = std::max(unfamiliar_[i], unfamiliarity.Of(distances[i]));
    }
    return unfamiliarity.quantiles();
  }

  // What a model sees: all of the inputs, or the measures and the vector alone.
  enum class View : std::uint8_t { kAll, kDense };
  static constexpr View kViews[] = {View::kAll, View::kDense};

  learn::LinearModel FitLogit(View view, std::span<const std::uint32_t> rows,
                              std::span<const double> targets) const {
    const bool all = view == View::kAll;
    auto model = learn::FitLinear(all ? design_ : measured_, rows, targets,
                                  {.l2 = kQualityPenalty, .iterations_max = 40, .tolerance = 2e-3});
    if (!all) {
      for (std::size_t k = 0; k < kMeasures; ++k) model.dense[k] *= kMeasuresAlone;
    }
    return model;
  }

  // Logits of each row by a model that was fitted without its fold.
  std::vector<double> HeldOutScores(View view, std::span<const std::uint32_t> rows,
                                    std::span<const double> targets) const {
    std::vector<double> scores(rows.size(), 0);
    for (std::uint32_t fold = 0; fold < kFolds; ++fold) {
      std::vector<std::uint32_t> seen;
      std::vector<double> seen_targets;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (fold_[rows[i]] == fold) continue;
        seen.push_back(rows[i]);
        seen_targets.push_back(targets[i]);
      }
      if (seen.empty()) continue;
      auto model = FitLogit(view, seen, seen_targets);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (fold_[rows[i]] != fold) continue;
        scores[i] = model.Score(inputs_[rows[i]].words, inputs_[rows[i]].dense);
      }
    }
    return scores;
  }

  // Both views in one model, weighted by how they do on rows that they have not seen: few rows say
  // little of that, and keep to the prior. Returns the model's held-out scores.
  std::vector<double> FitHead(std::span<const std::uint32_t> rows, std::span<const double> targets,
                              Candidate& candidate) const {
    std::vector<std::vector<double>> scores;
    for (auto view : kViews) scores.push_back(HeldOutScores(view, rows, targets));
    auto stack = learn::FitStack(scores, targets, kViewPrior, kViewPriorStrength);
    std::vector<double> stacked(rows.size(), 0);
    auto& head = candidate.quality;
    for (std::size_t v = 0; v < std::size(kViews); ++v) {
      const auto weight = stack.weights[v];
      for (std::size_t i = 0; i < rows.size(); ++i) stacked[i] += weight * scores[v][i];
      auto model = FitLogit(kViews[v], rows, targets);
      head.intercept += weight * model.intercept;
      AddScaled(model.sparse, weight, head.sparse);
      AddScaled(model.dense, weight, head.dense);
    }
    candidate.scale = {.slope = 1, .offset = stack.offset};
    return stacked;
  }

  static void AddScaled(const std::vector<float>& from, double weight, std::vector<float>& to) {
    to.resize(std::max(to.size(), from.size()), 0.0F);
    for (std::size_t k = 0; k < from.size(); ++k) to[k] += static_cast<float>(weight) * from[k];
  }

  void FitQuality(std::uint32_t m) {
    auto& candidate = state_.candidates[m];
    std::vector<std::uint32_t> rows;
    std::vector<double> targets;
    std::vector<double> sum(state_.kinds.size(), 0), n(state_.kinds.size(), 0);
    for (std::uint32_t i = 0; i < size(); ++i) {
      const auto* outcome = OutcomeOf(i, m);
      if (outcome == nullptr) continue;
      rows.push_back(i);
      targets.push_back(outcome->quality);
      sum[kind_[i]] += outcome->quality;
      n[kind_[i]] += 1;
    }
    auto scores = FitHead(rows, targets, candidate);
    std::vector<double> probabilities;
    held_out_.emplace_back(size(), std::nan(""));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      probabilities.push_back(candidate.scale.Probability(scores[i]));
      held_out_.back()[rows[i]] = probabilities.back();
    }
    candidate.bands = learn::FitBands(probabilities, targets, kBandRows, kNormal90);
    std::vector<double> means;
    mean_of_kind_.emplace_back(state_.kinds.size(), std::nan(""));
    for (std::size_t k = 0; k < sum.size(); ++k) {
      if (n[k] == 0) continue;
      means.push_back(sum[k] / n[k]);
      mean_of_kind_.back()[k] = means.back();
    }
    candidate.mean_quality = MeanOf(means);
  }

  Result<> FitCost(std::uint32_t m) {
    auto& cost = state_.candidates[m].cost;
    std::vector<std::uint32_t> rows;
    std::vector<double> log_tokens;
    double bytes = 0, input = 0, output = 0;
    // Normal equations of cost = input · price + output · price, with a whiff of ridge: where the
    // output is constant only their sum matters.
    double ii = 0, io = 0, oo = 0, ic = 0, oc = 0;
    for (std::uint32_t i = 0; i < size(); ++i) {
      const auto* outcome = OutcomeOf(i, m);
      if (outcome == nullptr) continue;
      rows.push_back(i);
      log_tokens.push_back(std::log1p(outcome->output_tokens));
      bytes += rows_[i]->features.prompt_bytes;
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
    cost.log_output_tokens = learn::FitLinear(dense_, rows, log_tokens,
                                              {.loss = learn::Loss::kSquared,
                                               .l2 = kTokenPenalty,
                                               .iterations_max = 40,
                                               .tolerance = 1e-3});
    double predicted = 0;
    for (auto i : rows) predicted += PredictOutputTokens(cost, inputs_[i]);
    if (predicted > 0) cost.output_scale = std::clamp(output / predicted, 0.2, 5.0);
    return {};
  }

  void ChooseStrong() {
    if (state_.pair) return;  // candidate 0, as the caller said
    auto best = [&](auto value) {
      std::uint32_t strong = 0;
      for (std::uint32_t m = 1; m < state_.candidates.size(); ++m) {
        if (!(value(m) <= value(strong))) strong = m;
      }
      return strong;
    };
    state_.strong = best([&](std::uint32_t m) { return state_.candidates[m].mean_quality; });
    for (std::size_t k = 0; k < state_.kinds.size(); ++k) {
      state_.kinds[k].strong = best([&](std::uint32_t m) {
        double mean = mean_of_kind_[m][k];
        return std::isnan(mean) ? -1 : mean;
      });
    }
  }

  // Needs of all candidates of a row of kind `k`, from held-out predictions.
  std::vector<double> NeedsOf(std::size_t row, std::uint32_t strong) const {
    std::vector<double> needs(state_.candidates.size(), kNever);
    if (unfamiliar_[row] >= kUnfamiliar) return needs;
    for (std::uint32_t m = 0; m < needs.size(); ++m) {
      if (m == strong || std::isnan(held_out_[m][row])) continue;
      needs[m] = held_out_[strong][row] - held_out_[m][row];
    }
    return needs;
  }

  // A labelled row of one kind as the certificates need it.
  struct Labelled {
    std::size_t row;
    std::vector<double> needs, costs;  // one a candidate; costs as predicted
  };

  std::vector<Labelled> LabelledOf(std::uint32_t k, std::uint32_t strong) const {
    std::vector<Labelled> labelled;
    for (std::size_t i = 0; i < size(); ++i) {
      if (kind_[i] != k || OutcomeOf(i, strong) == nullptr) continue;
      Labelled l{.row = i, .needs = NeedsOf(i, strong), .costs = {}};
      for (const auto& c : state_.candidates) {
        l.costs.push_back(PredictCost(c.cost, inputs_[i], rows_[i]->features.prompt_bytes));
      }
      labelled.push_back(std::move(l));
    }
    return labelled;
  }

  // Margins that move 10 %, 11 %, … of the rows to something cheaper.
  static std::vector<double> MarginsFor(std::span<const Labelled> labelled, std::uint32_t strong) {
    std::vector<double> least;
    for (const auto& l : labelled) {
      least.push_back(kNever);
      for (std::size_t m = 0; m < l.needs.size(); ++m) {
        if (m == strong || l.costs[m] >= l.costs[strong]) continue;
        least.back() = std::min(least.back(), l.needs[m]);
      }
    }
    std::ranges::sort(least);
    std::vector<double> margins;
    for (std::size_t percent = 10; percent <= 100; ++percent) {
      auto at = least.size() * percent / 100;
      // No difference of qualities is above 1; what is unfamiliar stays above every margin.
      margins.push_back(at < least.size() ? std::min(least[at], 1.0) : 1.0);
    }
    return margins;
  }

  void Certify(std::uint32_t k) {
    auto& kind = state_.kinds[k];
    const auto labelled = LabelledOf(k, kind.strong);
    if (labelled.empty()) return;
    const auto margins = MarginsFor(labelled, kind.strong);
    auto outcome = [&](std::size_t row, double margin) {
      const auto& l = labelled[row];
      auto model = CheapestGoodEnough(l.needs, l.costs, kind.strong, margin);
      return learn::PolicyOutcome{OutcomeOf(l.row, model)->quality,
                                  OutcomeOf(l.row, kind.strong)->quality};
    };
    std::vector<learn::PolicyOutcome> fifth;
    fifth.reserve(labelled.size());
    for (std::size_t r = 0; r < labelled.size(); ++r) fifth.push_back(outcome(r, margins[10]));
    for (std::size_t t = 0; t < kTolerances.size(); ++t) {
      auto& certificate = kind.certificates[t];
      certificate.tolerance = kTolerances[t];
      const learn::Guarantee guarantee{.tolerance = kTolerances[t],
                                       .confidence = ForFreshSample(options_.confidence)};
      auto certified = learn::CertifySequence(
          labelled.size(), margins.size(), guarantee,
          [&](std::size_t row, std::size_t setting) { return outcome(row, margins[setting]); });
      certificate.certified = certified > 0;
      if (certified > 0) certificate.margin = margins[certified - 1];
      Report(labelled, kind.strong, certificate);
      auto needed = learn::RowsToCertify(fifth, guarantee);
      certificate.rows_for_a_fifth =
          certificate.share_moved >= 0.2 ? 0 : (needed ? static_cast<std::int64_t>(*needed) : -1);
    }
  }

  // What the certificate's setting does on its own rows.
  void Report(std::span<const Labelled> labelled, std::uint32_t strong,
              Certificate& certificate) const {
    double moved = 0, policy = 0, best = 0, spent = 0, always = 0;
    for (const auto& l : labelled) {
      auto model = strong;
      if (certificate.certified) {
        model = CheapestGoodEnough(l.needs, l.costs, strong, certificate.margin);
      }
      const auto* chosen = OutcomeOf(l.row, model);
      const auto* strongest = OutcomeOf(l.row, strong);
      moved += model != strong ? 1 : 0;
      policy += chosen->quality;
      best += strongest->quality;
      spent += chosen->cost.value_or(l.costs[model]);
      always += strongest->cost.value_or(l.costs[strong]);
    }
    certificate.share_moved = moved / static_cast<double>(labelled.size());
    certificate.ratio = best > 0 ? policy / best : 1;
    certificate.saving = always > 0 ? 1 - spent / always : 0;
  }

  // A plan, and for which requests its cheap step pays, where rows have answers to compare.
  void FitCascade() {
    std::vector<std::uint32_t> rows;
    std::vector<CascadeRow> answered;
    for (std::uint32_t i = 0; i < size(); ++i) {
      auto row = MakeCascadeRow(*rows_[i]->row, options_.models);
      if (std::ranges::all_of(row.quality, [](double q) { return std::isnan(q); })) continue;
      row.kind = kind_[i];
      rows.push_back(i);
      answered.push_back(std::move(row));
    }
    auto plan = PlanCascade(answered, options_.models, state_.kinds.size(), kCascadeRatioMin);
    if (!plan) return;
    std::vector<double> settled;
    settled.reserve(answered.size());
    for (const auto& row : answered) {
      settled.push_back(RunCascade(row, *plan, plan->third[row.kind]).settled ? 1 : 0);
    }
    plan->scale = learn::FitPlatt(HeldOutScores(View::kAll, rows, settled), settled);
    plan->settled = FitLogit(View::kAll, rows, settled);
    state_.cascade = std::move(plan);
  }

  const TrainOptions& options_;
  std::vector<const FeatureRow*> rows_;
  RouterState state_;
  std::vector<std::uint32_t> kind_;
  std::vector<std::uint32_t> fold_;
  std::vector<ModelInputs> inputs_;
  std::vector<double> unfamiliar_;
  learn::Design design_{0, 0};
  learn::Design dense_{0, 0};
  learn::Design measured_{0, 0};               // of View::kDense
  std::vector<std::vector<double>> held_out_;  // by candidate and row; NaN: no label
  std::vector<std::vector<double>> mean_of_kind_;
};

}  // namespace

std::vector<FeatureRow> ExtractAll(std::span<const OutcomeRow> rows,
                                   const vector::StaticEmbedder& embedder) {
  std::vector<FeatureRow> out;
  out.reserve(rows.size());
  for (const auto& row : rows) {
    out.push_back({.row = &row, .features = ExtractFeatures(row.prompt, embedder)});
  }
  return out;
}

Result<RouterState> TrainRouter(std::span<const FeatureRow* const> rows,
                                const std::string& embedder_version, const TrainOptions& options) {
  STRATA_CHECK(options.models.size() >= 2 && (!options.pair || options.models.size() == 2),
               "a router chooses between models");
  Trainer trainer(rows, options);
  return trainer.Train(embedder_version);
}

}  // namespace strata::route
