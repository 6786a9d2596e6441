#pragma once
// The prompt that a language model gets: question, earlier turns, and as many passages as fit.

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "domain/conversation.h"
#include "knowledge/answerer.h"

namespace strata::knowledge {

// The last turns as a prompt shows them, a line each; "" for none.
std::string HistoryText(const std::vector<Turn>& history);

struct PackedPrompt {
  domain::ChatRequest request;
  std::size_t passages = 0;  // how many of the input's are in it, from the first on
};

// `tokens_max`: of the whole prompt, estimated at three bytes a token. At least one passage is
// taken, cut at a sentence end when it alone does not fit. kInvalidArgument for a template without
// $search_results$.
Result<PackedPrompt> PackPrompt(const AnswerInput& input, std::int64_t tokens_max, WallTime now);

}  // namespace strata::knowledge
