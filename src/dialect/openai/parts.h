#pragma once
// Pieces of requests that chat completions, completions and responses write alike.

#include <array>
#include <string_view>

#include "dialect/json_value.h"
#include "domain/conversation.h"

namespace strata::dialect::openai {

// What is read of a chat completion request.
inline constexpr std::array<std::string_view, 23> kRequestMembers = {"model",
                                                                     "messages",
                                                                     "n",
                                                                     "logprobs",
                                                                     "top_logprobs",
                                                                     "modalities",
                                                                     "tools",
                                                                     "tool_choice",
                                                                     "parallel_tool_calls",
                                                                     "response_format",
                                                                     "max_tokens",
                                                                     "max_completion_tokens",
                                                                     "temperature",
                                                                     "top_p",
                                                                     "top_k",
                                                                     "seed",
                                                                     "stop",
                                                                     "reasoning_effort",
                                                                     "user",
                                                                     "service_tier",
                                                                     "metadata",
                                                                     "stream",
                                                                     "stream_options"};
// Read too, but kept for providers of the dialect.
inline constexpr std::array<std::string_view, 4> kKeptMembers = {"safety_identifier", "functions",
                                                                 "function_call", "audio"};

// An https: address or a data: address of an image → `image`.
Result<> ReadImageAddress(const JsonField& url, domain::ImageBlock& image);

// A data: address of a document → `document`, whose name may be set already.
Result<> ReadFileData(const JsonField& data, domain::DocumentBlock& document);

// {"name", "description", "parameters", "strict"}; which other members may stand there is the
// caller's to check. Without parameters the tool takes an empty object.
Result<domain::Tool> ReadFunction(const JsonField& function);

// A call that is played back. `arguments`: a string that holds a JSON object, or "" for an empty
// one.
Result<domain::ToolUseBlock> ReadCall(const JsonField& id, const JsonField& name,
                                      const JsonField& arguments);

// `stream` and `stream_options` of a body; both outputs stay as they are where the member is
// absent.
Result<> ReadStreamMembers(const JsonField& body, bool& stream, bool& include_usage);

}  // namespace strata::dialect::openai
