#pragma once
// Items of the Responses API → turns of one conversation.

#include <array>
#include <string_view>
#include <vector>

#include "dialect/json_value.h"
#include "domain/conversation.h"

namespace strata::dialect::responses {

// What is read of a request.
inline constexpr std::array<std::string_view, 23> kRequestMembers = {"model",
                                                                     "input",
                                                                     "instructions",
                                                                     "store",
                                                                     "stream",
                                                                     "stream_options",
                                                                     "include",
                                                                     "tools",
                                                                     "tool_choice",
                                                                     "text",
                                                                     "reasoning",
                                                                     "max_output_tokens",
                                                                     "max_tool_calls",
                                                                     "temperature",
                                                                     "top_p",
                                                                     "top_logprobs",
                                                                     "metadata",
                                                                     "user",
                                                                     "service_tier",
                                                                     "truncation",
                                                                     "background",
                                                                     "parallel_tool_calls",
                                                                     "previous_response_id"};
// Read too, but kept for providers of the dialect.
inline constexpr std::array<std::string_view, 3> kKeptMembers = {"safety_identifier",
                                                                 "conversation", "prompt"};

// Adds items to `chat` in order. Reasoning, text and calls that follow each other are one assistant
// message; results of calls, and the user's words right after them, one user message.
class Turns {
 public:
  explicit Turns(domain::ChatRequest& chat) : chat_(chat) {}
  Result<> AddAll(const JsonField& items);
  // Takes only the text of messages that it does not know, and skips other items; gives the places
  // of both.
  std::vector<std::size_t> AddKnown(const JsonField& items);

 private:
  Result<> Add(const JsonField& item);
  Result<> AddMessage(const JsonField& item);
  Result<> AddCall(const JsonField& item);
  Result<> AddCallOutput(const JsonField& item);
  Result<> AddReasoning(const JsonField& item);
  void AddTextOf(const JsonField& item);
  domain::Message& Assistant();

  domain::ChatRequest& chat_;
};

// A thinking block as `encrypted_content`: our own form, opaque to callers but not secret from
// them.
std::string SealReasoning(const domain::ReasoningBlock& block);
// In front of it, so that another server's is told apart.
inline constexpr std::string_view kSeal = "strata1.";
// Whether `sealed` is of that form; then `block` is set.
bool OpenReasoning(std::string_view sealed, domain::ReasoningBlock& block);

}  // namespace strata::dialect::responses
