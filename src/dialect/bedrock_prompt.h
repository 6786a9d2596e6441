#pragma once
// Calls with a stored prompt as the model: the prompt brings messages, so the caller need not.

#include "dialect/bedrock.h"

namespace strata::dialect::bedrock {

// As DecodeConverse, but `messages` may be missing.
Result<ConverseRequest> DecodeConverseOfPrompt(std::string_view body);

// A body of InvokeModel that holds nothing but `promptVariables`: asked and answered in the format
// of the prompt's model, by its id as in DecodeInvoke, else in OpenAI's. nullopt: it holds more,
// and is read as any other.
Result<std::optional<InvokeRequest>> DecodeInvokeOfPrompt(std::string_view prompt_model,
                                                          std::string_view body);

}  // namespace strata::dialect::bedrock
