#pragma once
// OpenAI's legacy completions as a front door: POST /v1/completions over chat models, each prompt
// one user message. Pure functions; errors as in openai.h.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dialect/meta.h"
#include "dialect/stream.h"
#include "domain/conversation.h"
#include "domain/stream.h"

namespace strata::dialect::completions {

struct Request {
  domain::ChatRequest chat;          // everything but the prompt
  std::vector<std::string> prompts;  // at least one; one choice each
  bool echo = false;                 // the prompt stands before the text
  bool include_usage = false;        // stream_options.include_usage
};
Result<Request> DecodeRequest(std::string_view body);

// The request that answers prompt number `index`.
domain::ChatRequest ChatOf(const Request& request, std::size_t index);

// One answer a prompt, in order.
std::string EncodeResponse(const std::vector<domain::ChatResponse>& answers, const Request& request,
                           const AnswerMeta& meta);

// The stream of one prompt's answer. Those of several prompts follow each other in one body; only
// the `last` one writes usage (of `before` too) and the end mark.
struct StreamSpec {
  std::size_t index = 0;
  std::string echo;  // written first; "" for none
  bool last = true;
  bool include_usage = false;
  domain::Usage before;
};
std::unique_ptr<StreamEncoder> MakeStreamEncoder(StreamSpec spec, AnswerMeta meta);

}  // namespace strata::dialect::completions
