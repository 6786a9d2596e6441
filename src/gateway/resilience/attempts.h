#pragma once
// The decisions of one request: which deployment is tried now, and whether, where and when again
// after a failure. No I/O and no waiting, so that simulations own time and chance.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "gateway/resilience/lane.h"
#include "gateway/resilience/retry_budget.h"

namespace strata::gateway {

// Of one model. Shared by its requests.
struct AttemptRules {
  std::string id;  // of the model that callers name
  Balance balance = Balance::kWeight;
  int retries = 2;
  std::chrono::milliseconds retry_base{200};
  std::chrono::milliseconds retry_max{5'000};
  std::chrono::milliseconds retry_after_max{2'000};  // longer ones are passed on to the caller
  std::chrono::milliseconds first_token_max{0};      // 0: half of what is left, see Patience
};

// One deployment, chosen. The breaker has let it in.
struct Choice {
  std::size_t lane = 0;
  DeploymentHealth::Ticket ticket;
  std::string_view why;  // "only deployment", "weight", "sticky", "retry", "fallback", "hedge", …
  BreakerState breaker = BreakerState::kClosed;
  int number = 1;  // of the request's attempts
};

// Owned by the request's coroutine. All references outlive it.
class Attempts {
 public:
  Attempts(const Lanes& lanes, const AttemptRules& rules, RetryBudget& budget,
           const RequestContext& ctx, const Random& random, bool streamed,
           std::optional<std::uint64_t> sticky_key);

  // The next attempt. Errors, when there is none: the last attempt's; kPermissionDenied listing why
  // each deployment is forbidden; kUnavailable with retry_after when breakers are open.
  Result<Choice> Choose();

  // An attempt beside one that is slow: at a deployment that was not tried, within the budget.
  std::optional<Choice> ChooseHedge();

  // Ends the attempt with its failure. How long to wait before Choose gives the next one; nullopt:
  // give up, with Final().
  std::optional<std::chrono::milliseconds> Failed(Choice choice, Error error, AttemptStage stage);
  // Ends one that ran beside another, which decides how to go on.
  AttemptOutcome FailedBeside(Choice& choice, const Error& error, AttemptStage stage);
  Error Final() const;

  // How long the attempt just chosen may wait for its first token, when less than the request may:
  // half of what is left while there is another deployment to turn to.
  std::optional<std::chrono::milliseconds> Patience() const;

  int made() const { return made_; }

 private:
  // What may be chosen in one tier.
  enum class Which : std::uint8_t { kFresh, kFreshOrThrottled, kAgain };
  std::vector<std::size_t> Candidates(int tier, Which which) const;
  std::optional<Choice> Admit(std::vector<std::size_t> candidates, std::string_view why);
  std::optional<Choice> ChooseIn(int tier);
  bool HasLaterTier() const;
  bool MayRetry(AttemptOutcome outcome) const;
  std::chrono::milliseconds Backoff();
  AttemptOutcome Heard(const Choice& choice, const Error& error, AttemptOutcome outcome) const;
  Error NothingToTry() const;

  const Lanes& lanes_;
  const AttemptRules& rules_;
  RetryBudget& budget_;
  const RequestContext& ctx_;
  const Random& random_;
  const bool streamed_;
  const std::optional<std::uint64_t> sticky_key_;

  struct Mark {
    bool tried = false;
    bool spent = false;    // trying it again would not help
    bool counted = false;  // the breaker has been told of a fault
  };
  std::vector<Mark> marks_;
  int tier_ = 0;
  int made_ = 0;
  int retries_ = 0;
  bool again_ = false;  // the next choice may repeat a deployment
  DeploymentHealth::Kind kind_ = DeploymentHealth::Kind::kFirst;
  std::optional<Error> last_;
  std::optional<std::chrono::milliseconds> last_retry_after_;
};

}  // namespace strata::gateway
