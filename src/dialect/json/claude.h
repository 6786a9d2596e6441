#pragma once
// Rules of Anthropic's models about reasoning that is played back, wherever they are served.

#include <string>
#include <string_view>

#include "domain/conversation.h"

namespace strata::dialect {

// Whose signatures its models read (ReasoningBlock::signer).
inline constexpr std::string_view kClaudeFamily = "anthropic";

// Signed or redacted, and by its own family or by nobody named: what the models take back.
bool ClaudeReads(const domain::ReasoningBlock& reasoning);

// Why `reasoning` is left out, for the trace.
std::string WhyLeftOut(const domain::ReasoningBlock& reasoning);

// With thinking on, the models demand that the turn which called the tools being answered begins
// with its signed thinking, and refuse a forced tool. Says why a request goes without thinking; ""
// when it need not.
std::string_view WhyNoThinking(const domain::ChatRequest& request);

// Whether a body of Anthropic's or Converse's form may hold reasoning that is unsigned or another
// family's (with its mark): the API would refuse both, so they are left out, for which the request
// must be decoded. May say yes wrongly.
bool HoldsForeignReasoning(std::string_view body);

}  // namespace strata::dialect
