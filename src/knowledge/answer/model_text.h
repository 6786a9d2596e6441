#pragma once
// What a language model is asked beside the answer itself: its whole text.

#include <string>

#include "base/context.h"
#include "base/task.h"
#include "domain/conversation.h"
#include "provider/chat_model.h"

namespace strata::knowledge {

Task<Result<std::string>> TextOfAnswer(provider::ChatModel& model, domain::ChatRequest request,
                                       RequestContext& ctx);

// From the first '{' to the last '}': models put fences and remarks round their JSON. "" without.
std::string_view JsonIn(std::string_view answer);

// Whether an id is that of something else than builtin/extract.
bool IsLanguageModel(std::string_view id);

}  // namespace strata::knowledge
