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

// Of the turns that a question is understood by.
inline constexpr std::size_t kHistoryBytesMax = 4000;

// The last turns as a prompt shows them, two lines each; "" for none. Of those that do not fit into
// `bytes_max` the newest stay, the last one cut if need be.
std::string HistoryText(const std::vector<Turn>& history, std::size_t bytes_max = kHistoryBytesMax);

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
  // Those of the input's that are in it, from the first on; the first may be cut. What is not here
  // no answer can have been read from.
  std::vector<RetrievedChunk> passages;
};

// `tokens_max`: of the whole prompt, estimated at three bytes a token, of which earlier turns get
// at most a quarter. At least one passage is taken, cut when it alone does not fit; kTooLarge when
// question and template leave no room for any. kInvalidArgument for a template without
// $search_results$.
Result<PackedPrompt> PackPrompt(const AnswerInput& input, std::int64_t tokens_max, WallTime now);

}  // namespace strata::knowledge
