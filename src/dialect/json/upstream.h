#pragma once
// Faults of a provider's answer, as errors of ours.

#include <string_view>

#include "base/error.h"

namespace strata::dialect {

// The provider's answer is not what its dialect promises: kUnavailable, so that another deployment
// may be tried. `error` says what is wrong with it.
Error AsUpstreamFault(Error error);

// An error event inside a stream; `type` is "overloaded_error", "throttlingException", ….
Error UpstreamStreamError(std::string_view type, std::string_view message);

}  // namespace strata::dialect
