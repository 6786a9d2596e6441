#pragma once
// Answers of InvokeModel as Bedrock writes them → domain: what forwarded answers say, for whoever
// reads along.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dialect/bedrock.h"
#include "dialect/json_value.h"

namespace strata::dialect::bedrock {

// The vendor's JSON in the payload {"bytes": base64} of a chunk event. kUnavailable: there is none.
Result<std::string> BytesOfChunk(std::string_view payload);

// Of a whole answer or a piece of a stream of Meta's or Mistral's bare form: the text of it.
std::string PromptText(InvokeFormat format, const JsonField& body);
// Why a piece of any vendor's stream is the last; nullopt while it is not.
std::optional<domain::StopReason> PromptStop(const JsonField& body);
// Meta's and Mistral's answer in one piece; kUnavailable when it is none.
Result<domain::ChatResponse> DecodePromptResponse(InvokeFormat format, std::string_view body);

// `format`: one of the chat formats that we know.
std::unique_ptr<StreamDecoder> MakeInvokeStreamDecoder(InvokeFormat format);

}  // namespace strata::dialect::bedrock
