#pragma once
// Whether a caller may use a model: the allow-list of its key.

#include <string_view>

#include "base/context.h"
#include "base/result.h"

namespace strata::guard {

// Checked for every id that a caller names: the model of the request and the one behind
// `kb/NAME@MODEL`. Error: kPermissionDenied, naming the model. Pure, any thread, O(entries).
Result<> CheckModelAllowed(std::string_view model, const RequestContext& ctx);

}  // namespace strata::guard
