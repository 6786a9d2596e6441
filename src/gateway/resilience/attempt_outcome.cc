#include "gateway/attempt_outcome.h"

#include <array>

#include "base/budget_error.h"

namespace strata::gateway {
namespace {

constexpr int kForbidden = 403;  // the key was known

}  // namespace

std::string_view OutcomeName(AttemptOutcome outcome) {
  static constexpr std::array<std::string_view, kAttemptOutcomes> kNames = {
      "ok",           "caller",  "cancelled", "own",         "throttled", "connect",
      "server_error", "timeout", "cut",       "refused_key", "denied"};
  return kNames.at(static_cast<std::size_t>(outcome));
}

AttemptOutcome OutcomeOf(const Error& error, AttemptStage stage) {
  const bool by_provider = error.upstream_status() != 0;
  switch (error.code()) {
    case Code::kCancelled:
      return AttemptOutcome::kCancelled;
    case Code::kRateLimited:
      // Of no deployment's making, and the same at the next.
      if (IsBudgetUsedUp(error)) return AttemptOutcome::kCallers;
      return by_provider ? AttemptOutcome::kThrottled : AttemptOutcome::kOurs;
    case Code::kDeadlineExceeded:
      return AttemptOutcome::kTimeout;
    case Code::kUnauthenticated:
    case Code::kPermissionDenied:
      // Our own outbound check says the same code, without a provider.
      if (!by_provider) return AttemptOutcome::kCallers;
      return error.upstream_status() == kForbidden ? AttemptOutcome::kDenied
                                                   : AttemptOutcome::kRefusedKey;
    case Code::kUnavailable:
    case Code::kInternal:
    case Code::kCorruption:
      if (!by_provider) return AttemptOutcome::kOurs;
      if (error.upstream_status() > 0) return AttemptOutcome::kServerError;
      return stage == AttemptStage::kStart ? AttemptOutcome::kConnect : AttemptOutcome::kCut;
    default:
      return AttemptOutcome::kCallers;
  }
}

}  // namespace strata::gateway
