#include "provider/fit_context.h"

#include <algorithm>

#include "dialect/responses_wire.h"

namespace strata::provider {
namespace {

constexpr std::int64_t kAnswerTokens = 1024;  // kept free when the caller set no limit
constexpr int kRoundsMax = 16;

std::int64_t BytesOf(const domain::ContentBlock& block) {
  constexpr std::int64_t kFlat = 4000;  // of an image, a document by address, a call
  if (const auto* text = std::get_if<domain::TextBlock>(&block)) {
    return static_cast<std::int64_t>(text->text.size());
  }
  if (const auto* thought = std::get_if<domain::ReasoningBlock>(&block)) {
    return static_cast<std::int64_t>(thought->text.size());
  }
  if (const auto* result = std::get_if<domain::ToolResultBlock>(&block)) {
    std::int64_t bytes = 0;
    for (const auto& piece : result->content) {
      const auto* text = std::get_if<domain::TextBlock>(&piece);
      bytes += text != nullptr ? static_cast<std::int64_t>(text->text.size()) : kFlat;
    }
    return bytes;
  }
  return kFlat;
}

std::int64_t BytesOf(const domain::Message& message) {
  std::int64_t bytes = 0;
  for (const auto& block : message.content) bytes += BytesOf(block);
  return bytes;
}

// Whether a conversation can begin here: with a user's words, not with results of calls.
bool BeginsTurn(const domain::Message& message) {
  return message.role == domain::Role::kUser && !message.content.empty() &&
         !std::holds_alternative<domain::ToolResultBlock>(message.content.front());
}

// Leaves out whole turns from the front that hold at least `bytes`; false: there are none.
bool DropTurns(domain::ChatRequest& request, std::int64_t bytes, std::int64_t& dropped) {
  auto& messages = request.messages;
  std::int64_t sum = 0;
  std::size_t cut = 0;
  for (std::size_t i = 1; i < messages.size() && (cut == 0 || sum < bytes); ++i) {
    sum += BytesOf(messages[i - 1]);
    if (!BeginsTurn(messages[i])) continue;
    cut = i;
    ++dropped;
  }
  messages.erase(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(cut));
  return cut > 0;
}

}  // namespace

Task<Result<std::int64_t>> FitContext(domain::ChatRequest& request, std::int64_t context_tokens,
                                      TokenCount count) {
  std::int64_t dropped = 0;
  if (context_tokens == 0) co_return dropped;
  const auto answer = request.max_tokens.value_or(std::min(kAnswerTokens, context_tokens / 4));
  const auto room = std::max<std::int64_t>(context_tokens - answer, 1);
  for (int round = 0; round < kRoundsMax; ++round) {
    auto bytes = static_cast<std::int64_t>(domain::TextOf(request.system).size());
    for (const auto& message : request.messages) bytes += BytesOf(message);
    if (bytes < room) break;  // no tokenizer makes more tokens than bytes
    auto copy = request;
    auto counted = co_await count(std::move(copy));
    if (!counted.has_value() && counted.error().code() != Code::kUnsupported) {
      co_return std::unexpected(std::move(counted.error()));
    }
    const auto tokens = counted.has_value() ? *counted : bytes / 4;
    if (tokens <= room) break;
    if (!DropTurns(request, bytes * (tokens - room) / tokens, dropped)) break;
  }
  co_return dropped;
}

bool WantsToFit(const domain::ChatRequest& request) {
  return request.wire && dialect::responses::AsksToFit(*request.wire);
}

}  // namespace strata::provider
