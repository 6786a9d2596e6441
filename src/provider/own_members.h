#pragma once
// What a model of this process does with members of the caller's dialect that the domain has no
// word for.

#include "base/context.h"
#include "base/result.h"
#include "domain/conversation.h"

namespace strata::provider {

// Refuses by name what would change the answer; what is left out stands in the span field
// `dropped`. See dialect/extra.h.
Result<> RefuseExtra(const domain::ChatRequest& request, RequestContext& ctx);

}  // namespace strata::provider
