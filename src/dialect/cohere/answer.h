#pragma once
// What Cohere's answers and streams have in common.

#include <string_view>
#include <vector>

#include "dialect/json_value.h"
#include "domain/citation.h"
#include "domain/conversation.h"
#include "domain/usage.h"

namespace strata::dialect::cohere {

// kUnavailable for the reasons that mean that the answer broke off.
Result<domain::StopReason> StopReasonOf(std::string_view finish_reason);

// Of a `usage` object: what is billed, where it says so.
domain::Usage ReadUsage(const JsonField& usage);

// One citation, of each of its documents. Those of tools' outputs carry the tool's id as source.
Result<std::vector<domain::Citation>> ReadCitation(const JsonField& citation);

// {"text", "token_ids", "logprobs"}, one object or a list of them; none when it is absent.
Result<std::vector<domain::TokenLogprob>> ReadLogprobs(const JsonField& field);

}  // namespace strata::dialect::cohere
