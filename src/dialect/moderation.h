#pragma once
// OpenAI's moderations, both ways: POST /v1/moderations as a front door, and the same asked of a
// provider that has it (OpenAI, Mistral). Pure functions; errors as in openai.h.

#include <string>
#include <string_view>

#include "base/result.h"
#include "dialect/meta.h"
#include "domain/moderation.h"

namespace strata::dialect::moderation {

struct Request {
  std::string model;  // "" when the caller left it out
  domain::ModerationRequest moderation;
};

// `input`: a string, a list of strings, or a list of text and image parts that are one input.
Result<Request> DecodeRequest(std::string_view body);
std::string EncodeResponse(const domain::Moderation& answer, const AnswerMeta& meta);

std::string EncodeProviderRequest(const domain::ModerationRequest& request, std::string_view model);
// Errors: kUnavailable when the answer is not what the API promises.
Result<domain::Moderation> DecodeProviderResponse(std::string_view body);

}  // namespace strata::dialect::moderation
