#pragma once
// Log-probabilities of an answer's tokens ⇄ choices[].logprobs of chat completions.

#include <vector>

#include "dialect/json/json_writer.h"
#include "dialect/json_value.h"
#include "domain/conversation.h"

namespace strata::dialect::openai {

enum class LogprobsOf : std::uint8_t { kContent, kRefusal };

// The member "logprobs" of a choice: null when there are none.
void WriteLogprobs(JsonWriter& out, const std::vector<domain::TokenLogprob>& tokens,
                   LogprobsOf member);

// A list of {token, logprob, bytes, top_logprobs}, as chat completions and responses have it.
void WriteTokenLogprobs(JsonWriter& out, const std::vector<domain::TokenLogprob>& tokens);

// Of content, then of the refusal; none when `logprobs` is absent.
Result<std::vector<domain::TokenLogprob>> ReadLogprobs(const JsonField& logprobs);

}  // namespace strata::dialect::openai
