#pragma once
// The Converse request as a JSON object, for the operation itself and for CountTokens.

#include "dialect/bedrock.h"
#include "dialect/json/json_writer.h"
#include "dialect/json_value.h"

namespace strata::dialect::bedrock {

Result<ConverseRequest> DecodeConverseFields(const JsonField& body);

// messages, system and toolConfig: what makes up the prompt.
Result<> WritePrompt(JsonWriter& out, const domain::ChatRequest& request);

}  // namespace strata::dialect::bedrock
