#pragma once
// Faults of a provider's answer, as errors of ours.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::dialect {

// The provider's answer is not what its dialect promises: kUnavailable, so that another deployment
// may be tried. `error` says what is wrong with it.
Error AsUpstreamFault(Error error);

// An error event inside a stream; `type` is "overloaded_error", "throttlingException", ….
Error UpstreamStreamError(std::string_view type, std::string_view message);

// Ids of a model list: the member `id` of each object of the list `list`. Faults as above.
Result<std::vector<std::string>> ReadModelIds(std::string_view body, std::string_view list,
                                              std::string_view id);

}  // namespace strata::dialect
