#pragma once
// A conversation that is longer than its model's context, cut to fit, where the caller asked for it
// (truncation "auto" of the Responses API).

#include "base/context.h"
#include "base/task.h"
#include "domain/conversation.h"
#include "provider/registry.h"

namespace strata::gateway {

// Leaves out the oldest turns until prompt and answer fit the model's context; the last user turn
// and the instructions always stay, and no call is parted from its result. Counts where the model
// can, estimates elsewhere. Does nothing for models whose context is not known. The number of turns
// left out is a field of the span. Errors: as Registry::Chat and ChatModel::CountTokens.
Task<Result<>> FitContext(const provider::Registry& registry, domain::ChatRequest& request,
                          RequestContext& ctx);

}  // namespace strata::gateway
