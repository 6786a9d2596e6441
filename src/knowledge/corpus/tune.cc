// `kb tune`: how a base is searched, chosen by its judged queries.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/pool.h"
#include "base/rng.h"
#include "knowledge/corpus/document_search.h"
#include "knowledge/evaluation.h"
#include "knowledge/knowledge_base.h"

namespace strata::knowledge {
namespace {

constexpr int kDepth = 10;
constexpr int kSteps = 10;  // of the weight
constexpr int kHalvings = 20;
constexpr std::uint64_t kSeed = 1;

using Queries = std::vector<std::size_t>;

double MeanOver(const FusionCandidate& candidate, std::span<const std::size_t> queries) {
  double sum = 0;
  for (const auto query : queries) sum += candidate.scores[query];
  return queries.empty() ? 0 : sum / static_cast<double>(queries.size());
}

bool IsLeg(const FusionCandidate& candidate) { return candidate.mode != SearchMode::kHybrid; }

// The best of the legs, or of the blends; the first of equals, so that the default stays.
std::size_t BestOf(std::span<const FusionCandidate> candidates, bool legs,
                   std::span<const std::size_t> queries) {
  std::size_t best = candidates.size();
  double highest = -1;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (IsLeg(candidates[i]) != legs) continue;
    const double mean = MeanOver(candidates[i], queries);
    if (mean <= highest) continue;
    highest = mean;
    best = i;
  }
  return best;
}

std::vector<FusionCandidate> Candidates() {
  std::vector<FusionCandidate> out = {
      {.name = "default", .mode = SearchMode::kHybrid, .dense_weight = {}, .scores = {}},
      {.name = "lexical", .mode = SearchMode::kLexical, .dense_weight = {}, .scores = {}},
      {.name = "dense", .mode = SearchMode::kDense, .dense_weight = {}, .scores = {}}};
  for (int step = 0; step <= kSteps; ++step) {
    const auto tenths = std::to_string(step / kSteps) + "." + std::to_string(step % kSteps);
    out.push_back({.name = "dense weight " + tenths,
                   .mode = SearchMode::kHybrid,
                   .dense_weight = static_cast<double>(step) / kSteps,
                   .scores = {}});
  }
  return out;
}

// Adds one query to the scores of every candidate.
Task<Result<>> JudgeAll(KnowledgeBases& bases, const TuneInput& input, const std::string& query,
                        const Grades& grades, std::vector<FusionCandidate>& candidates,
                        RequestContext& ctx) {
  for (auto& candidate : candidates) {
    RetrieveRequest request;
    request.knowledge_base_id = input.knowledge_base_id;
    request.query = query;
    request.mode = candidate.mode;
    request.filter = input.filter;
    request.dense_weight = candidate.dense_weight;
    STRATA_CO_TRY(auto judged,
                  co_await JudgeSearch(bases, std::move(request), kDepth, grades, ctx));
    candidate.scores.push_back(judged.figures[0]);
  }
  co_return Result<>();
}

}  // namespace

FusionChoice ChooseFusion(std::span<const FusionCandidate> candidates) {
  Queries all(candidates.front().scores.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  FusionChoice choice;
  const auto tuned = BestOf(candidates, false, all);
  choice.better_leg = BestOf(candidates, true, all);
  Rng rng(kSeed);
  Queries order = all;
  for (int halving = 0; halving < kHalvings; ++halving) {
    for (auto i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.Below(i)]);
    const auto half = std::span(order).first(order.size() / 2);
    const auto other = std::span(order).subspan(order.size() / 2);
    for (const auto& [chosen_on, measured_on] : {std::pair(half, other), std::pair(other, half)}) {
      const auto weight = BestOf(candidates, false, chosen_on);
      const auto leg = BestOf(candidates, true, chosen_on);
      choice.held_out_default += MeanOver(candidates[0], measured_on) / (2 * kHalvings);
      choice.held_out_tuned += MeanOver(candidates[weight], measured_on) / (2 * kHalvings);
      choice.held_out_leg += MeanOver(candidates[leg], measured_on) / (2 * kHalvings);
    }
  }
  choice.chosen = choice.held_out_tuned > choice.held_out_default ? tuned : 0;
  const bool leg_is_better =
      choice.held_out_leg > std::max(choice.held_out_default, choice.held_out_tuned) ||
      MeanOver(candidates[choice.better_leg], all) > MeanOver(candidates[choice.chosen], all);
  if (leg_is_better) choice.chosen = choice.better_leg;
  return choice;
}

Task<Result<TuneReport>> TuneFusion(KnowledgeBases& bases, TuneInput input,
                                    std::function<Task<Result<>>(std::int64_t done)> progress,
                                    RequestContext& ctx) {
  auto& pool = bases.pool();
  auto read = [&] { return ReadJudgements(input.judgements_path); };
  STRATA_CO_TRY(const auto judgements, co_await RunBlocking(pool, std::move(read)));
  STRATA_CO_TRY(auto lines,
                co_await LineBatches<CorpusQuery>::Open(pool, input.queries_path, &ParseQueryLine));
  TuneReport report;
  report.candidates = Candidates();
  for (;;) {
    STRATA_CO_TRY(auto batch, co_await lines.Next());
    if (batch.empty()) break;
    for (const auto& query : batch) {
      const auto grades = judgements.find(query.id);
      if (grades == judgements.end()) continue;
      STRATA_CO_CHECK_OK(
          co_await JudgeAll(bases, input, query.text, grades->second, report.candidates, ctx));
      ++report.queries;
    }
    if (progress) STRATA_CO_CHECK_OK(co_await progress(report.queries));
  }
  if (report.queries < kTuneQueriesMin) {
    co_return Fail(InvalidArgument(
        "queries", "only " + std::to_string(report.queries) + " of them are judged; at least " +
                       std::to_string(kTuneQueriesMin) + " are needed to choose by"));
  }
  report.choice = ChooseFusion(report.candidates);
  if (input.apply) {
    const auto& chosen = report.candidates[report.choice.chosen];
    STRATA_CO_TRY(const auto base, bases.Get(input.knowledge_base_id, ctx.workspace));
    // The default is what the base had.
    const auto weight = report.choice.chosen == 0 ? base.dense_weight : chosen.dense_weight;
    STRATA_CO_CHECK_OK(co_await bases.SetSearch(base.id, chosen.mode, weight, ctx));
  }
  co_return report;
}

}  // namespace strata::knowledge
