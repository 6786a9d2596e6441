#pragma once
// The prompt that a language model gets: question, earlier turns, and as many passages as fit.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "domain/conversation.h"
#include "knowledge/answerer.h"

namespace strata::knowledge {

// The last turns as a prompt shows them, a line each; "" for none.
std::string HistoryText(const std::vector<Turn>& history);

// A place in a caller's template, "$query$", and what is put there.
struct TemplateVariable {
  std::string_view name;
  std::string_view value;
};

// Puts values in the place of a caller's variables, in one pass over the template: a question or a
// passage that happens to hold "$search_results$" stays as it is.
std::string FillTemplate(std::string_view text, std::span<const TemplateVariable> variables);

struct PackedPrompt {
  domain::ChatRequest request;
  std::size_t passages = 0;  // how many of the input's are in it, from the first on
};

// `tokens_max`: of the whole prompt, estimated at three bytes a token. At least one passage is
// taken, cut at a sentence end when it alone does not fit. kInvalidArgument for a template without
// $search_results$.
Result<PackedPrompt> PackPrompt(const AnswerInput& input, std::int64_t tokens_max, WallTime now);

}  // namespace strata::knowledge
