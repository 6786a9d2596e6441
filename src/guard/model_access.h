#pragma once
// Whether a caller may use a model: the allow-list of its key.

#include <string_view>

#include "base/context.h"
#include "base/result.h"

namespace strata::guard {

// Checked for every id that a caller names: the model of the request and the one behind
// `kb/NAME@MODEL`. Several bases in one id, `kb/A,B`, are each checked as if they were named alone:
// neither "kb/A*" nor "kb/A,B" on the list lets anybody at B. Error: kPermissionDenied, naming the
// model. Pure, any thread, O(entries · bases).
Result<> CheckModelAllowed(std::string_view model, const RequestContext& ctx);

}  // namespace strata::guard
