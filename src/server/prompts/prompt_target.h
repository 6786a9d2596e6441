#pragma once
// Stored prompts as targets of evaluation runs: a row fills a prompt's variables.

#include <functional>

#include "domain/conversation.h"
#include "job/eval_row.h"
#include "provider/registry.h"
#include "server/prompts/prompt_store.h"

namespace strata::server {

// What job::AskerParts::as_prompt says. Both arguments outlive it.
std::function<Result<>(domain::ChatRequest&, const job::EvalRow&, const WorkspaceId&)>
MakePromptFiller(const PromptStore& prompts, const provider::Registry& registry);

}  // namespace strata::server
