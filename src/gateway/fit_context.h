#pragma once
// A conversation that is longer than its model's context, cut to fit, where the caller asked for it
// (truncation "auto" of the Responses API).

#include "base/context.h"
#include "base/task.h"
#include "domain/conversation.h"
#include "gateway/chat_service.h"
#include "provider/registry.h"

namespace strata::gateway {

// Leaves out the oldest turns until prompt and answer fit the model's context; the last user turn
// and the instructions always stay, and no call is parted from its result. Counts where the model
// can, estimates elsewhere. Does nothing for models whose context is not known. The number of turns
// left out is a field of the span. `chat` counts: the caller may use the model, and guardrails have
// judged what a provider is asked to count. Errors: as Registry::Chat and ChatService::CountTokens.
Task<Result<>> FitContext(const ChatService& chat, const provider::Registry& registry,
                          domain::ChatRequest& request, RequestContext& ctx);

}  // namespace strata::gateway
