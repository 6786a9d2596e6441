#pragma once
// A conversation cut to fit its model's context before it is asked (provider/fit_context.h).

#include "base/context.h"
#include "base/task.h"
#include "domain/conversation.h"
#include "gateway/chat_service.h"
#include "provider/registry.h"

namespace strata::gateway {

// The number of turns left out is a field of the span. `chat` counts: the caller may use the model,
// and guardrails have judged what a provider is asked to count. Errors: as Registry::Chat and
// ChatService::CountTokens.
Task<Result<>> FitContext(const ChatService& chat, const provider::Registry& registry,
                          domain::ChatRequest& request, RequestContext& ctx);

}  // namespace strata::gateway
