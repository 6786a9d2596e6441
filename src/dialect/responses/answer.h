#pragma once
// What the two readers of a provider's answers have in common.

#include <string>
#include <string_view>

#include "base/error.h"
#include "dialect/json_value.h"
#include "domain/conversation.h"
#include "domain/usage.h"

namespace strata::dialect::responses {

// What tells why a response ended.
struct EndFacts {
  std::string incomplete;  // incomplete_details.reason, "" for none
  bool calls = false;      // it holds calls of functions
  bool refused = false;
};
domain::StopReason StopReasonOf(const EndFacts& facts);

// The error that a failed response or an error event tells by its code ("rate_limit_exceeded",
// "invalid_prompt", "server_error", …).
Error FailureOf(std::string_view code, std::string_view message);

// Of a response's usage object; members that are missing or of a wrong type count as 0.
domain::Usage ReadUsage(const JsonField& usage);

}  // namespace strata::dialect::responses
