#include "gateway/resilience/attempts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/format_message.h"
#include "guard/outbound.h"

namespace strata::gateway {
namespace {

using std::chrono::milliseconds;

// A caller that waits for less than an answer takes here has its own reasons: that nothing came so
// soon is nobody's fault. Of a deployment that has not answered yet nothing is known.
constexpr milliseconds kTimeoutFaultMin{1'000};
constexpr milliseconds kTimeoutFaultUnknown{10'000};
// A key that could use the model so short a time ago can use it still.
constexpr milliseconds kRightKnownFor{600'000};

bool ElsewhereOnly(AttemptOutcome outcome) {
  return outcome == AttemptOutcome::kTimeout || outcome == AttemptOutcome::kRefusedKey ||
         outcome == AttemptOutcome::kDenied || outcome == AttemptOutcome::kOurs ||
         outcome == AttemptOutcome::kCallers;
}

std::string_view WhyOf(Balance balance, DeploymentHealth::Kind kind) {
  if (kind == DeploymentHealth::Kind::kRetry) return "retry";
  if (kind == DeploymentHealth::Kind::kFallback) return "fallback";
  return BalanceName(balance);
}

}  // namespace

Attempts::Attempts(const Lanes& lanes, const AttemptRules& rules, RetryBudget& budget,
                   const RequestContext& ctx, const Random& random, bool streamed,
                   std::optional<std::uint64_t> sticky_key)
    : lanes_(lanes),
      rules_(rules),
      budget_(budget),
      ctx_(ctx),
      random_(random),
      streamed_(streamed),
      sticky_key_(sticky_key),
      marks_(lanes.size()) {
  budget_.Request();
}

std::vector<std::size_t> Attempts::Candidates(int tier, Which which) const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const auto& lane = *lanes_[i];
    if (lane.tier != tier || marks_[i].spent) continue;
    if (marks_[i].tried && which != Which::kAgain) continue;
    if (which == Which::kFresh && lane.health->Throttled()) continue;
    if (lane.health->State() == BreakerState::kOpen) continue;
    if (!guard::CheckOutbound(lane.info, ctx_).has_value()) continue;
    out.push_back(i);
  }
  return out;
}

// A half-open breaker lets one in at a time: whoever comes second looks further.
std::optional<Choice> Attempts::Admit(std::vector<std::size_t> candidates, std::string_view why) {
  while (!candidates.empty()) {
    bool sticky = sticky_key_.has_value() && candidates.size() > 1;
    auto at = sticky ? StickyLane(lanes_, candidates, *sticky_key_)
                     : ChooseLane(lanes_, candidates, rules_.balance, streamed_, random_);
    auto breaker = lanes_[at]->health->State();
    if (auto ticket = lanes_[at]->health->Admit()) {
      bool first = kind_ == DeploymentHealth::Kind::kFirst && why != "hedge";
      if (first && lanes_.size() == 1) why = "only deployment";
      if (first && sticky) why = "sticky";
      lanes_[at]->health->Count(why == "hedge" ? DeploymentHealth::Kind::kHedge : kind_);
      if (marks_[at].counted) ticket->Repeats();
      marks_[at].tried = true;
      return Choice{at, std::move(*ticket), why, breaker, ++made_};
    }
    std::erase(candidates, at);
  }
  return std::nullopt;
}

std::optional<Choice> Attempts::ChooseIn(int tier) {
  auto why = WhyOf(rules_.balance, kind_);
  if (auto choice = Admit(Candidates(tier, Which::kFresh), why)) return choice;
  if (again_) {
    if (auto choice = Admit(Candidates(tier, Which::kAgain), why)) return choice;
  }
  // Throttled deployments are left alone while there is anything else, and asked when not: what
  // they said may hold for other requests only.
  if (HasLaterTier()) return std::nullopt;
  return Admit(Candidates(tier, Which::kFreshOrThrottled), why);
}

bool Attempts::HasLaterTier() const {
  for (const auto& lane : lanes_) {
    if (lane->tier > tier_ && !Candidates(lane->tier, Which::kFreshOrThrottled).empty()) {
      return true;
    }
  }
  return false;
}

Result<Choice> Attempts::Choose() {
  int last_tier = lanes_.empty() ? 0 : lanes_.back()->tier;
  for (; tier_ <= last_tier; ++tier_) {
    if (tier_ > 0 && made_ == 0) kind_ = DeploymentHealth::Kind::kFallback;
    if (auto choice = ChooseIn(tier_)) {
      again_ = false;
      return std::move(*choice);
    }
    kind_ = DeploymentHealth::Kind::kFallback;
    again_ = false;
  }
  if (last_) return Fail(Final());
  return Fail(NothingToTry());
}

std::optional<Choice> Attempts::ChooseHedge() {
  auto candidates = Candidates(tier_, Which::kFresh);
  if (candidates.empty() || !budget_.Take()) return std::nullopt;
  return Admit(std::move(candidates), "hedge");
}

// What the deployment's health is told: one caller's limits and rights must not close it for the
// others.
AttemptOutcome Attempts::Heard(const Choice& choice, const Error& error,
                               AttemptOutcome outcome) const {
  const auto& health = *lanes_[choice.lane]->health;
  if (outcome == AttemptOutcome::kDenied && health.AnsweredWithin(kRightKnownFor)) {
    return AttemptOutcome::kCallers;
  }
  if (outcome != AttemptOutcome::kTimeout || error.upstream_status() > 0) return outcome;
  auto waited = choice.ticket.Elapsed();
  auto usual = health.Usual(streamed_);
  auto fair = usual.count() > 0 ? std::max(usual, kTimeoutFaultMin) : kTimeoutFaultUnknown;
  const auto limit = rules_.first_token_max;  // of who runs this server: slower is too slow
  if (limit.count() > 0) fair = std::min(fair, std::max(limit, kTimeoutFaultMin));
  return waited < fair ? AttemptOutcome::kCancelled : outcome;
}

bool Attempts::MayRetry(AttemptOutcome outcome) const {
  if (ctx_.cancelled() || !ctx_.CheckAlive().has_value()) return false;
  if (outcome == AttemptOutcome::kCancelled) return false;
  if (outcome != AttemptOutcome::kCallers) return true;
  // A model that the provider does not know was named by the configuration, not by the caller, when
  // there are others to ask.
  return last_->code() == Code::kNotFound && lanes_.size() > 1;
}

milliseconds Attempts::Backoff() {
  // Full jitter: uniform up to the exponential. Source: Brooker, "Exponential Backoff And Jitter",
  // AWS Architecture Blog 2015.
  constexpr int kDoublingsMax = 16;
  milliseconds ceiling = rules_.retry_base * (1LL << std::min(retries_, kDoublingsMax));
  ceiling = std::min(ceiling, rules_.retry_max);
  return milliseconds(static_cast<std::int64_t>(random_() * static_cast<double>(ceiling.count())));
}

AttemptOutcome Attempts::FailedBeside(Choice& choice, const Error& error, AttemptStage stage) {
  auto outcome = OutcomeOf(error, stage);
  auto heard = Heard(choice, error, outcome);
  choice.ticket.End(heard, error.retry_after());
  auto& mark = marks_[choice.lane];
  mark.counted |= IsFault(heard);
  mark.spent = ElsewhereOnly(outcome);
  if (error.retry_after()) last_retry_after_ = error.retry_after();
  return outcome;
}

std::optional<milliseconds> Attempts::Failed(Choice choice, Error error, AttemptStage stage) {
  auto outcome = FailedBeside(choice, error, stage);
  auto wanted = error.retry_after();
  last_ = std::move(error);
  if (!MayRetry(outcome)) return std::nullopt;
  bool elsewhere = marks_[choice.lane].spent;

  if (retries_ < rules_.retries) {
    bool fresh = !Candidates(tier_, Which::kFresh).empty();
    // Behind the time that was asked for, lest all who were told the same come back at once.
    auto wait = fresh ? milliseconds(0) : wanted.value_or(milliseconds(0)) + Backoff();
    // To wait for a deployment that asked for it is worse than to ask another model.
    bool turn_away = outcome == AttemptOutcome::kThrottled && HasLaterTier();
    bool fits = wait <= std::max(rules_.retry_after_max, rules_.retry_max) &&
                wanted.value_or(milliseconds(0)) <= rules_.retry_after_max &&
                wait < ctx_.TimeLeft();
    bool possible = fresh || (!elsewhere && fits && !turn_away);
    if (possible && budget_.Take()) {
      ++retries_;
      again_ = !fresh;
      kind_ = tier_ == 0 ? DeploymentHealth::Kind::kRetry : DeploymentHealth::Kind::kFallback;
      return wait;
    }
  }
  if (!HasLaterTier()) return std::nullopt;
  ++tier_;
  kind_ = DeploymentHealth::Kind::kFallback;
  return milliseconds(0);
}

Error Attempts::Final() const {
  Error error = *last_;
  bool busy = error.code() == Code::kRateLimited || error.code() == Code::kUnavailable;
  if (busy && !error.retry_after() && last_retry_after_) {
    std::move(error).RetryAfter(*last_retry_after_);  // sets it in place
  }
  if (made_ < 2) return error;  // NOLINT(bugprone-use-after-move): RetryAfter took nothing
  return std::move(error).Because(FormatMessage("{} attempts failed, the last one", made_));
}

Error Attempts::NothingToTry() const {
  Message reasons;
  std::optional<milliseconds> soonest;
  bool open = false;
  for (const auto& lane : lanes_) {
    Message reason;
    auto allowed = guard::CheckOutbound(lane->info, ctx_);
    if (!allowed.has_value()) {
      reason = allowed.error().words();
    } else {
      open = true;
      auto wait = std::max(lane->health->OpenFor(), milliseconds(1));
      soonest = std::min(wait, soonest.value_or(wait));
      const auto fault = lane->health->LastFault();
      std::string_view whose;
      if (fault == AttemptOutcome::kRefusedKey) whose = " (its provider refuses our key)";
      if (fault == AttemptOutcome::kDenied) whose = " (its provider denies us this model)";
      reason = FormatMessage("{} is not asked for another {} ms: {}{}", Own(lane->health->id()),
                             wait.count(), Own(OutcomeName(fault)), Own(whose));
    }
    reasons = FormatMessage("{}{}{}", reasons, Own(reasons.empty() ? "" : "; "), reason);
  }
  auto message = lanes_.size() == 1 ? reasons
                                    : FormatMessage("no deployment of '{}' can be asked: {}",
                                                    Own(rules_.id), reasons);
  if (!open) return Error(Code::kPermissionDenied, std::move(message));
  Error error(Code::kUnavailable, std::move(message));
  if (soonest) std::move(error).RetryAfter(*soonest);  // sets it in place
  return error;  // NOLINT(bugprone-use-after-move): RetryAfter took nothing
}

std::optional<milliseconds> Attempts::Patience() const {
  const bool first_byte_matters = ctx_.first_byte_deadline < ctx_.deadline;
  if (!first_byte_matters && rules_.first_token_max.count() == 0 && lanes_.size() == 1) {
    return std::nullopt;  // nearly every request: without a look at the clock
  }
  auto left = ctx_.TimeLeft();
  std::optional<milliseconds> limit;
  if (first_byte_matters) {
    auto first =
        std::chrono::duration_cast<milliseconds>(ctx_.first_byte_deadline - ctx_.clock->Steady());
    left = std::max(std::min(left, first), milliseconds(1));
    limit = left;
  }
  if (rules_.first_token_max.count() > 0) return std::min(left, rules_.first_token_max);
  if (lanes_.size() == 1) return limit;
  bool others = !Candidates(tier_, Which::kFresh).empty() || HasLaterTier();
  return others ? std::max(left / 2, milliseconds(1)) : limit;
}

}  // namespace strata::gateway
