#pragma once
// domain::ChatRequest to llama-common's chat messages. Internal to chat_prompt.cc.

#include <common/chat.h>

#include <vector>

#include "base/result.h"
#include "domain/conversation.h"
#include "provider/llama/prompt_shield.h"

namespace strata::provider::llama {

// System text first. Texts pass through `shield`. Errors: kInvalidArgument at the member that a
// text model cannot take (images, binary documents), or when there is no message.
Result<std::vector<common_chat_msg>> ToChatMessages(const domain::ChatRequest& request,
                                                    PromptShield& shield);

}  // namespace strata::provider::llama
