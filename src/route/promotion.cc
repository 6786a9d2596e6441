#include "route/promotion.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::route {
namespace {

struct Policy {
  std::string name;
  std::vector<double> quality, cost;
};

bool HasAll(const OutcomeRow& row, const Router& router) {
  return std::ranges::all_of(router.state().candidates,
                             [&](const auto& c) { return row.Find(c.name) != nullptr; });
}

// What a router's choice for the row was worth; a price that the row lacks is the predicted one.
const ModelOutcome& Play(const Router& router, const OutcomeRow& row, std::size_t setting,
                         Policy& policy) {
  auto prediction = router.Predict(row.prompt);
  auto chosen = prediction.decisions[setting];
  const auto& outcome = *row.Find(router.state().candidates[chosen].name);
  policy.quality.push_back(outcome.quality);
  policy.cost.push_back(outcome.cost.value_or(prediction.candidates[chosen].cost));
  return outcome;
}

double Sum(const std::vector<double>& values) {
  double sum = 0;
  for (double v : values) sum += v;
  return sum;
}

Contest Meet(const Policy& challenger, const Policy& other, double tolerance) {
  Contest out{.against = other.name,
              .quality = learn::PairedRatio(challenger.quality, other.quality),
              .cost = learn::PairedRatio(challenger.cost, other.cost)};
  bool better = out.quality.low > 1;
  bool cheaper = out.cost.high < 1 && out.quality.low >= 1 - tolerance;
  out.won = better || cheaper;
  return out;
}

// The cheapest of those that keep the tolerance; the strong one always does.
const Policy& BestSingle(const std::vector<Policy>& singles, const Policy& strong,
                         double tolerance) {
  const auto* best = &strong;
  for (const auto& single : singles) {
    bool keeps = Sum(single.quality) >= (1 - tolerance) * Sum(strong.quality);
    if (keeps && Sum(single.cost) < Sum(best->cost)) best = &single;
  }
  return *best;
}

std::string ReasonOf(const Promotion& p, double tolerance) {
  if (p.to_strong.estimate < 1 - tolerance) {
    return fmt::format("it keeps {:.3f} of {}'s quality, {:.3f} were asked for",
                       p.to_strong.estimate, p.strong, 1 - tolerance);
  }
  for (const auto& contest : p.contests) {
    if (!contest.won) return fmt::format("it does not beat {} beyond chance", contest.against);
  }
  return "it beats all that it was compared with beyond chance";
}

}  // namespace

Promotion JudgeChallenger(const Router& challenger, const Router* champion,
                          std::span<const OutcomeRow> held_out, double tolerance) {
  const auto setting = SettingFor(tolerance);
  const auto& candidates = challenger.state().candidates;
  Promotion out;
  out.strong = candidates[challenger.state().strong].name;
  Policy own{.name = challenger.state().version, .quality = {}, .cost = {}};
  Policy old{.name = "", .quality = {}, .cost = {}};
  if (champion != nullptr) old.name = champion->state().version;
  std::vector<Policy> singles;
  for (const auto& c : candidates) singles.push_back({.name = c.name, .quality = {}, .cost = {}});
  for (const auto& row : held_out) {
    if (!HasAll(row, challenger) || (champion != nullptr && !HasAll(row, *champion))) continue;
    ++out.rows;
    if (Play(challenger, row, setting, own).model != out.strong) out.share_moved += 1;
    if (champion != nullptr) Play(*champion, row, setting, old);
    auto predicted = challenger.Predict(row.prompt);
    for (std::size_t m = 0; m < candidates.size(); ++m) {
      const auto& outcome = *row.Find(candidates[m].name);
      singles[m].quality.push_back(outcome.quality);
      singles[m].cost.push_back(outcome.cost.value_or(predicted.candidates[m].cost));
    }
  }
  if (out.rows < kPromotionRowsMin) {
    out.reason = fmt::format("{} held-out rows have outcomes of all models, {} are needed",
                             out.rows, kPromotionRowsMin);
    return out;
  }
  out.share_moved /= static_cast<double>(out.rows);
  const auto& strong = singles[challenger.state().strong];
  out.to_strong = learn::PairedRatio(own.quality, strong.quality);
  if (champion != nullptr) out.contests.push_back(Meet(own, old, tolerance));
  out.contests.push_back(Meet(own, BestSingle(singles, strong, tolerance), tolerance));
  out.promoted = out.to_strong.estimate >= 1 - tolerance &&
                 std::ranges::all_of(out.contests, [](const auto& c) { return c.won; });
  out.reason = ReasonOf(out, tolerance);
  return out;
}

}  // namespace strata::route
