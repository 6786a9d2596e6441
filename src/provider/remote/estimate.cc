#include "provider/remote/estimate.h"

#include "base/utf8.h"

namespace strata::provider::remote {
namespace {

constexpr std::int64_t kMediaTokens = 1000;
constexpr std::int64_t kMessageTokens = 4;  // role and delimiters

struct Counter {
  std::size_t characters = 0;
  std::int64_t flat = 0;

  void operator()(const domain::TextBlock& block) { characters += CodePointCount(block.text); }
  void operator()(const JsonText& json) { characters += CodePointCount(json.text); }
  void operator()(const domain::ImageBlock&) { flat += kMediaTokens; }
  void operator()(const domain::DocumentBlock& block) {
    std::size_t own = CodePointCount(block.text) + CodePointCount(block.context);
    for (const auto& chunk : block.chunks) own += CodePointCount(chunk);
    characters += own;
    if (own == 0) flat += kMediaTokens;
  }
  void operator()(const domain::ToolUseBlock& block) {
    characters += block.name.size() + CodePointCount(block.input.text);
  }
  void operator()(const domain::ToolResultBlock& block) {
    for (const auto& part : block.content) std::visit(*this, part);
  }
  void operator()(const domain::ReasoningBlock& block) { characters += CodePointCount(block.text); }
  void operator()(const domain::CachePoint&) {}
};

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

std::int64_t EstimateTokens(std::size_t characters) {
  return static_cast<std::int64_t>((characters + 3) / 4);
}

std::int64_t EstimatePromptTokens(const domain::ChatRequest& request) {
  Counter counter;
  for (const auto& block : request.system) std::visit([&](const auto& b) { counter(b); }, block);
  for (const auto& message : request.messages) {
    counter.flat += kMessageTokens;
    for (const auto& block : message.content) std::visit([&](const auto& b) { counter(b); }, block);
  }
  for (const auto& tool : request.tools) {
    counter.characters +=
        tool.name.size() + CodePointCount(tool.description) + tool.input_schema.text.size();
  }
  if (request.json_output) counter.characters += request.json_output->schema.text.size();
  return EstimateTokens(counter.characters) + counter.flat;
}

std::int64_t TokensAtMost(std::string_view text) {
  std::int64_t tokens = 0;
  std::size_t run = 0;
  for (char c : text) {
    if (IsLetter(c)) {
      if (run++ % 3 == 0) ++tokens;
      continue;
    }
    // A space goes with the word behind it.
    if (c != ' ' || run == 0) ++tokens;
    run = 0;
  }
  return tokens;
}

}  // namespace strata::provider::remote
