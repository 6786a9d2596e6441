#pragma once
// Stored prompts as models: a prompt's ARN works as the model id in every dialect.

#include <map>
#include <memory>
#include <string>

#include "gateway/chat_service.h"
#include "provider/registry.h"
#include "server/prompts/prompt_store.h"

namespace strata::server {

// Source "prompt": models prompt/ID and prompt/ID:VERSION, which ARNs resolve to. Both arguments
// outlive it. Not listed among the models: prompts belong to one workspace.
// Values of a prompt's variables travel in a request's `extra`, whose dialect is then "prompt".
// Bodies of other dialects than Converse bring them as the member `promptVariables`.
void SetPromptVariables(domain::ChatRequest& request,
                        const std::map<std::string, std::string>& variables);

// What a prompt and its variables add up to is judged by `guardrails` like a request.
std::shared_ptr<provider::ModelSource> MakePromptSource(const PromptStore& prompts,
                                                        const provider::Registry& registry,
                                                        gateway::GuardrailsNow guardrails);

}  // namespace strata::server
