#include "dialect/json/claude.h"

#include <algorithm>

namespace strata::dialect {

bool ClaudeReads(const domain::ReasoningBlock& reasoning) {
  if (reasoning.redacted.empty() && reasoning.signature.empty()) return false;
  return reasoning.signer.empty() || reasoning.signer == kClaudeFamily;
}

std::string WhyLeftOut(const domain::ReasoningBlock& reasoning) {
  return reasoning.signer.empty() ? "reasoning without a signature"
                                  : "reasoning signed by " + reasoning.signer;
}

std::string_view WhyNoThinking(const domain::ChatRequest& request) {
  using Kind = domain::ToolChoice::Kind;
  if (request.tool_choice && !request.tools.empty() &&
      (request.tool_choice->kind == Kind::kAny || request.tool_choice->kind == Kind::kNamed)) {
    return "thinking, as a tool is forced";
  }
  const auto& messages = request.messages;
  if (messages.size() < 2) return {};
  const bool answers = std::ranges::any_of(messages.back().content, [](const auto& block) {
    return std::holds_alternative<domain::ToolResultBlock>(block);
  });
  const auto& caller = messages[messages.size() - 2];
  const bool signed_thinking = std::ranges::any_of(caller.content, [](const auto& block) {
    const auto* reasoning = std::get_if<domain::ReasoningBlock>(&block);
    return reasoning != nullptr && ClaudeReads(*reasoning);
  });
  return answers && !signed_thinking ? "thinking, as the tool call has none that is signed" : "";
}

bool HoldsForeignReasoning(std::string_view body) {
  if (body.find("\"strata.") != body.npos) return true;
  if (body.find("\"c3RyYXRhL") != body.npos) return true;  // the same mark in base64
  constexpr std::string_view kKey = "\"signature\"";
  std::size_t signatures = 0;
  for (auto at = body.find(kKey); at != body.npos; at = body.find(kKey, at + 1)) {
    auto value = body.find_first_not_of(" \t\r\n:", at + kKey.size());
    if (value != body.npos && body.substr(value, 2) == "\"\"") return true;
    ++signatures;
  }
  constexpr std::string_view kConverse = "\"reasoningText\"";
  std::size_t thoughts = 0;
  for (auto at = body.find(kConverse); at != body.npos; at = body.find(kConverse, at + 1)) {
    ++thoughts;
  }
  return thoughts > signatures;
}

}  // namespace strata::dialect
