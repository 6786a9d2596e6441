#include "job/eval_history.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>
#include <utility>

#include "learn/sign_flips.h"

namespace strata::job {
namespace {

// One target's figures in two runs.
struct Compared {
  EvalChange change;
  std::vector<EvalCase> before;
  std::size_t target_before = 0;
  std::size_t target_after = 0;
};

// Newest first; `end` for none.
std::vector<EvalRun>::const_iterator RunBefore(const std::vector<EvalRun>& runs, const EvalRun& run,
                                               const std::string& target) {
  return std::ranges::find_if(runs, [&](const EvalRun& other) {
    return other.id != run.id && other.created < run.created && other.state == EvalState::kDone &&
           other.plan.set == run.plan.set && other.plan.judges == run.plan.judges &&
           std::ranges::find(other.plan.targets, target) != other.plan.targets.end();
  });
}

double Mean(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / count;
}

}  // namespace

EvalChange ChangeOf(std::span<const EvalCase> before, std::size_t target_before,
                    std::span<const EvalCase> after, std::size_t target_after) {
  std::map<std::string_view, double> known;
  for (const auto& c : before) {
    if (c.target == target_before && c.quality) known.emplace(c.row, *c.quality);
  }
  std::vector<double> first, own, difference;
  for (const auto& c : after) {
    if (c.target != target_after || !c.quality) continue;
    const auto at = known.find(c.row);
    if (at == known.end()) continue;
    first.push_back(at->second);
    own.push_back(*c.quality);
    difference.push_back(own.back() - first.back());
  }
  EvalChange change;
  change.paired = own.size();
  change.quality_before = Mean(first);
  change.quality = Mean(own);
  const std::vector<double> ones(difference.size(), 1.0);
  if (!difference.empty()) change.difference = learn::PairedRatio(difference, ones);
  change.p = learn::SignFlipPValue(difference);
  return change;
}

std::vector<EvalStanding> StandingsOf(const EvalRun& run, std::span<const EvalCase> cases,
                                      std::span<const EvalChange> changes) {
  std::vector<std::vector<double>> qualities(run.plan.targets.size());
  for (const auto& c : cases) {
    if (c.target < qualities.size() && c.quality) qualities[c.target].push_back(*c.quality);
  }
  std::vector<EvalStanding> out;
  for (std::size_t t = 0; t < qualities.size(); ++t) {
    if (qualities[t].empty()) continue;
    const auto& target = run.plan.targets[t];
    const auto at = std::ranges::find(changes, target, &EvalChange::target);
    const bool fell = at != changes.end() && at->fell();
    out.push_back({.target = target, .quality = Mean(qualities[t]), .fell = fell});
  }
  return out;
}

Task<Result<std::vector<EvalChange>>> ChangesSince(EvalRuns& runs, Pool& pool, EvalRun run) {
  STRATA_CO_TRY(const auto all, co_await runs.List(run.workspace));
  std::vector<Compared> compared;
  for (std::size_t i = 0; i < run.plan.targets.size(); ++i) {
    const auto& target = run.plan.targets[i];
    const auto at = RunBefore(all, run, target);
    if (at == all.end()) continue;
    const auto& targets = at->plan.targets;
    Compared one;
    one.change.target = target;
    one.change.before = at->id;
    one.change.when = at->created;
    one.target_after = i;
    one.target_before =
        static_cast<std::size_t>(std::ranges::find(targets, target) - targets.begin());
    STRATA_CO_TRY(one.before, co_await runs.Figures(at->id));
    compared.push_back(std::move(one));
  }
  std::vector<EvalChange> changes;
  if (compared.empty()) co_return changes;
  STRATA_CO_TRY(const auto after, co_await runs.Figures(run.id));
  auto work = [&]() -> Result<std::vector<EvalChange>> {
    for (auto& one : compared) {
      auto change = ChangeOf(one.before, one.target_before, after, one.target_after);
      change.target = std::move(one.change.target);
      change.before = std::move(one.change.before);
      change.when = one.change.when;
      if (change.paired > 0) changes.push_back(std::move(change));
    }
    return std::move(changes);
  };
  co_return co_await RunBlocking(pool, std::move(work));
}

}  // namespace strata::job
