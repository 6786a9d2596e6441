#pragma once
// Converse with a stored prompt as the model: the prompt brings messages, so the caller need not.

#include "dialect/bedrock.h"

namespace strata::dialect::bedrock {

// As DecodeConverse, but `messages` may be missing.
Result<ConverseRequest> DecodeConverseOfPrompt(std::string_view body);

}  // namespace strata::dialect::bedrock
