#include "route/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace strata::route {
namespace {

// Collects one policy over rows.
class Tally {
 public:
  void Add(const CascadeResult& result, double strong_quality, double strong_cost) {
    quality_.push_back(result.quality);
    strong_quality_.push_back(strong_quality);
    cost_ += result.cost;
    strong_cost_ += strong_cost;
    escalated_ += result.settled ? 0 : 1;
  }
  CascadeFigures Figures() const {
    CascadeFigures out;
    out.saving = strong_cost_ > 0 ? 1 - cost_ / strong_cost_ : 0;
    out.ratio = learn::PairedRatio(quality_, strong_quality_);
    out.strong_calls = escalated_ / static_cast<double>(std::max<std::size_t>(quality_.size(), 1));
    return out;
  }

 private:
  std::vector<double> quality_, strong_quality_;
  double cost_ = 0, strong_cost_ = 0, escalated_ = 0;
};

struct Group {
  Tally plain, planned, learned, hindsight, first_only;
  double skipped = 0;
  std::size_t rows = 0;

  Simulation Result(std::string name) const {
    Simulation out;
    out.name = std::move(name);
    out.rows = rows;
    out.plain = plain.Figures();
    out.planned = planned.Figures();
    out.learned = learned.Figures();
    out.hindsight = hindsight.Figures();
    out.first_only = first_only.Figures();
    out.skipped = skipped / static_cast<double>(std::max<std::size_t>(rows, 1));
    return out;
  }
};

Result<CascadeState> PlanFor(const RouterState& state, const std::optional<CascadeNames>& names) {
  if (!names) {
    if (state.cascade) return *state.cascade;
    return Fail(InvalidArgument(
        "router",
        "has no cascade: its rows had no answers of three models, or no two cheap ones "
        "keep the quality; name models with --strong and --cheap"));
  }
  CascadeState plan;
  for (auto [name, number] : {std::pair(&names->strong, &plan.strong),
                              {&names->first, &plan.first},
                              {&names->second, &plan.second}}) {
    auto found = std::ranges::find(state.candidates, *name, &Candidate::name);
    if (found == state.candidates.end()) {
      return Fail(
          InvalidArgument("models", fmt::format("the router has no candidate '{}'", *name)));
    }
    *number = static_cast<std::uint32_t>(found - state.candidates.begin());
  }
  return plan;
}

}  // namespace

Result<std::vector<Simulation>> SimulateCascade(const Router& router,
                                                std::span<const OutcomeRow> rows,
                                                const std::optional<CascadeNames>& names) {
  STRATA_TRY(auto plan, PlanFor(router.state(), names));
  std::vector<std::string> models;
  for (const auto& c : router.state().candidates) models.push_back(c.name);
  std::map<std::string, Group> groups;
  Group all;
  for (const auto& row : rows) {
    auto measured = MakeCascadeRow(row, models);
    std::int32_t third = -1;
    bool skip = false;
    if (!names) {
      auto prediction = router.Predict(row.prompt);
      third = router.ThirdOf(prediction);
      skip = router.SkipsCheapStep(prediction);
    }
    auto missing = [&](std::uint32_t m) { return std::isnan(measured.quality[m]); };
    if (missing(plan.strong) || missing(plan.first) || missing(plan.second)) continue;
    if (third >= 0 && missing(static_cast<std::uint32_t>(third))) third = -1;
    const double quality = measured.quality[plan.strong];
    const double cost = measured.cost[plan.strong];
    const CascadeResult strong{.quality = quality, .cost = cost};
    const auto planned = RunCascade(measured, plan, third);
    for (auto* group : {&groups[row.source], &all}) {
      ++group->rows;
      group->skipped += skip ? 1 : 0;
      group->plain.Add(RunCascade(measured, plan, -1), quality, cost);
      group->planned.Add(planned, quality, cost);
      group->learned.Add(skip ? strong : planned, quality, cost);
      group->hindsight.Add(planned.settled ? planned : strong, quality, cost);
      group->first_only.Add({measured.quality[plan.first], measured.cost[plan.first], true},
                            quality, cost);
    }
  }
  if (all.rows == 0) {
    return Fail(InvalidArgument("rows", "no row has answers and costs of the cascade's models"));
  }
  std::vector<Simulation> out;
  for (const auto& [name, group] : groups) out.push_back(group.Result(name));
  if (groups.size() > 1) out.push_back(all.Result("all"));
  return out;
}

std::string FormatSimulations(std::span<const Simulation> simulations) {
  std::string out =
      "| rows of | rows | policy | saving | quality ratio (95 % interval) | asked the strong model "
      "|\n"
      "|---|---|---|---|---|---|\n";
  for (const auto& s : simulations) {
    auto line = [&](std::string_view policy, const CascadeFigures& f) {
      out += fmt::format("| {} | {} | {} | {:.1f} % | {:.3f} ({:.3f} to {:.3f}) | {:.1f} % |\n",
                         s.name, s.rows, policy, 100 * f.saving, f.ratio.estimate, f.ratio.low,
                         f.ratio.high, 100 * f.strong_calls);
    };
    line("two agree", s.plain);
    line("two agree, or a third breaks the tie", s.planned);
    line(fmt::format("the same, cheap step skipped for {:.1f} %", 100 * s.skipped), s.learned);
    line("the same, skips known in hindsight", s.hindsight);
    line("better cheap model alone", s.first_only);
  }
  return out;
}

}  // namespace strata::route
