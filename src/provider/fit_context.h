#pragma once
// A conversation that is longer than its model's context, cut to fit, where the caller asked for it
// (truncation "auto" of the Responses API).

#include <functional>

#include "base/result.h"
#include "base/task.h"
#include "domain/conversation.h"

namespace strata::provider {

// Prompt tokens of a request; kUnsupported where nobody can count.
using TokenCount = std::function<Task<Result<std::int64_t>>(domain::ChatRequest request)>;

// Leaves out the oldest turns until prompt and answer fit a context of `context_tokens`; the last
// user turn and the instructions always stay, and no call is parted from its result. Estimates
// where `count` cannot. Gives the number of turns left out; none where the context is not known
// (0). Errors: of `count`.
Task<Result<std::int64_t>> FitContext(domain::ChatRequest& request, std::int64_t context_tokens,
                                      TokenCount count);

// Whether a request that came in the form of the Responses API, and is sent in another, is to be
// cut to fit.
bool WantsToFit(const domain::ChatRequest& request);

}  // namespace strata::provider
