#pragma once
// How one attempt at a model went, and whose doing that was. Only the provider's faults count
// against a deployment.

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace strata::gateway {

enum class AttemptOutcome : std::uint8_t {
  kOk,
  kCallers,    // what was asked cannot be answered: bad request, unknown model, spent budget
  kCancelled,  // the client went away, or another attempt was faster
  kOurs,       // refused on this side before the provider saw it: journal full, no free slot
  kThrottled,  // the provider's rate limit
  // The provider's faults; they open its breaker.
  kConnect,      // unresolved, refused, TLS
  kServerError,  // 5xx and their like
  kTimeout,      // nothing came in the time that it had
  kCut,          // the answer broke off, or cannot be read
  kRefusedKey,   // the provider refuses our key
  kDenied,       // the provider says that we may not: our key the model, or a caller a file
};
inline constexpr std::size_t kAttemptOutcomes = 11;

std::string_view OutcomeName(AttemptOutcome outcome);  // "ok", "caller", "connect", …

constexpr bool IsFault(AttemptOutcome outcome) { return outcome >= AttemptOutcome::kConnect; }

// How far the attempt had come when it failed.
enum class AttemptStage : std::uint8_t { kStart, kAnswer };

AttemptOutcome OutcomeOf(const Error& error, AttemptStage stage);

}  // namespace strata::gateway
