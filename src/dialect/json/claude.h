#pragma once
// Anthropic's models about reasoning, wherever they are served: how it is asked for, and the rules
// about what is played back.

#include <cstdint>
#include <string>
#include <string_view>

#include "dialect/json_value.h"
#include "domain/conversation.h"

namespace strata::dialect {

// Whose signatures its models read (ReasoningBlock::signer).
inline constexpr std::string_view kClaudeFamily = "anthropic";

// The member `thinking`; its type and budget_tokens. "adaptive" is thinking without a budget.
Result<domain::ReasoningConfig> ReadThinking(const JsonField& thinking);

// Signed or redacted, and by its own family or by nobody named: what the models take back.
bool ClaudeReads(const domain::ReasoningBlock& reasoning);

// Why `reasoning` is left out, for the trace.
std::string WhyLeftOut(const domain::ReasoningBlock& reasoning);

// With thinking on, the models demand that the turn which called the tools being answered begins
// with its signed thinking, and refuse a forced tool. Says why a request goes without thinking; ""
// when it need not.
std::string_view WhyNoThinking(const domain::ChatRequest& request);

// How a model is told to think, by the version in its id ("claude-opus-4-5-20251101",
// "anthropic.claude-3-7-sonnet-20250219-v1:0", "claude-sonnet-4@20250514"); one whose id
// names none is told what was asked for. Source: Anthropic's guides on adaptive thinking and on
// effort.
struct ClaudeThinking {
  bool adaptive = true;  // {"type":"adaptive"}: 4.6 and newer
  bool budgets = true;   // {"type":"enabled","budget_tokens"}: 4.6 and older
  bool effort = true;    // output_config.effort: 4.6 and newer, and Opus 4.5
};
ClaudeThinking ThinkingOf(std::string_view model);

// The budget that `reasoning`, which is enabled, asks that model for; 0: thinking is adaptive.
// Words of effort become 1,024 to 32,768 tokens where the model knows no other way.
std::int64_t ThinkingBudget(const domain::ReasoningConfig& reasoning, ClaudeThinking model);
inline constexpr std::int64_t kThinkingBudgetMin = 1024;  // the API's

// Whether a body of Anthropic's or Converse's form may hold reasoning that is unsigned or another
// family's (with its mark): the API would refuse both, so they are left out, for which the request
// must be decoded. May say yes wrongly.
bool HoldsForeignReasoning(std::string_view body);

}  // namespace strata::dialect
