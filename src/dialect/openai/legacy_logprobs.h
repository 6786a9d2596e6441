#pragma once
// Log-probabilities as legacy completions have them: {"tokens", "token_logprobs", "top_logprobs",
// "text_offset"}, four lists beside each other.

#include <cstdint>
#include <vector>

#include "dialect/json/json_writer.h"
#include "domain/conversation.h"

namespace strata::dialect::openai {

// The member "logprobs" of a choice: null when there are none. `offset`: code points of the
// choice's text before the first token.
void WriteLegacyLogprobs(JsonWriter& out, const std::vector<domain::TokenLogprob>& tokens,
                         std::int64_t offset);

}  // namespace strata::dialect::openai
