#include "dialect/json/claude.h"

#include <algorithm>
#include <charconv>
#include <compare>
#include <iterator>
#include <optional>

#include "dialect/json/signature.h"

namespace strata::dialect {

Result<domain::ReasoningConfig> ReadThinking(const JsonField& thinking) {
  constexpr std::int64_t kTokensMax = 1LL << 31;
  auto type_field = thinking.Get("type");
  STRATA_TRY(auto type, type_field.OneOf({"enabled", "disabled", "adaptive"}));
  domain::ReasoningConfig out;
  out.enabled = type != "disabled";
  if (type == "enabled") {
    auto budget = thinking.Get("budget_tokens");
    STRATA_TRY(out.budget_tokens, budget.Integer(1, kTokensMax));
  }
  return out;
}

bool ClaudeReads(const domain::ReasoningBlock& reasoning) {
  if (reasoning.redacted.empty() && reasoning.signature.empty()) return false;
  return reasoning.signer.empty() || reasoning.signer == kClaudeFamily;
}

std::string WhyLeftOut(const domain::ReasoningBlock& reasoning) {
  // The name comes from whoever plays the reasoning back: only those that we give are repeated.
  constexpr std::string_view kFamilies[] = {kClaudeFamily, "gemini"};
  if (reasoning.signer.empty()) return "reasoning without a signature";
  const bool known = std::ranges::find(kFamilies, reasoning.signer) != std::end(kFamilies);
  return known ? "reasoning signed by " + reasoning.signer : "reasoning signed by somebody else";
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

namespace {

struct Version {
  int major = 0;
  int minor = 0;
  auto operator<=>(const Version&) const = default;
};

// The first number behind "claude-", and the one right behind it; dates have more digits.
std::optional<Version> VersionOf(std::string_view model) {
  constexpr std::string_view kName = "claude";
  constexpr std::size_t kDigitsMax = 2;
  const auto at = model.find(kName);
  if (at == model.npos) return std::nullopt;
  model.remove_prefix(at + kName.size());
  std::optional<Version> version;
  while (!model.empty()) {
    const auto end = std::min(model.find_first_of("-.@:"), model.size());
    const auto word = model.substr(0, end);
    model.remove_prefix(std::min(end + 1, model.size()));
    const bool number = !word.empty() && word.size() <= kDigitsMax &&
                        word.find_first_not_of("0123456789") == word.npos;
    if (version && !number) return version;
    if (!number) continue;
    int value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    if (version) return Version{version->major, value};
    version = Version{value, 0};
  }
  return version;
}

std::int64_t BudgetOf(std::string_view effort) {
  if (effort == "minimal" || effort == "low") return kThinkingBudgetMin;
  if (effort == "medium") return 8192;
  return effort == "high" || effort.empty() ? 16384 : 32768;
}

}  // namespace

ClaudeThinking ThinkingOf(std::string_view model) {
  constexpr Version kFirstAdaptive = {4, 6};
  const auto version = VersionOf(model);
  if (!version) return {};
  const bool adaptive = *version >= kFirstAdaptive;
  const bool opus_4_5 = *version == Version{4, 5} && model.find("opus") != model.npos;
  return {
      .adaptive = adaptive, .budgets = *version <= kFirstAdaptive, .effort = adaptive || opus_4_5};
}

std::int64_t ThinkingBudget(const domain::ReasoningConfig& reasoning, ClaudeThinking model) {
  if (model.budgets && reasoning.budget_tokens > 0) return reasoning.budget_tokens;
  return model.adaptive ? 0 : BudgetOf(reasoning.effort);
}

bool HoldsForeignReasoning(std::string_view body) {
  if (HoldsMark(body, {"signature", "data", "redactedContent"})) return true;
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
