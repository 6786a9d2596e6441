#include "gateway/long_text.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/format_message.h"
#include "base/utf8.h"
#include "net/runtime.h"

namespace strata::gateway {
namespace {

// Special tokens that the model puts around a text.
constexpr std::int64_t kSpecialTokens = 2;
// Counted without a pause, which takes about a millisecond.
constexpr std::size_t kTurnBytes = 16 << 10;

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

// The first part of `text`, up to `bytes` long, cut between words where there are any: the tokens
// of such parts add up to those of the whole.
std::string_view FirstPart(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  auto part = Utf8Prefix(text, bytes);
  for (auto end = part.size(); end > part.size() / 2; --end) {
    if (IsSpace(part[end - 1])) return part.substr(0, end);
  }
  return part;
}

Task<Result<std::int64_t>> CountInTurns(const provider::Embedder& embedder, std::string_view text,
                                        RequestContext& ctx) {
  std::int64_t tokens = 0;
  while (true) {
    auto part = FirstPart(text, kTurnBytes);
    tokens += embedder.CountTokens(part);
    text.remove_prefix(part.size());
    if (text.empty()) co_return tokens;
    STRATA_CO_CHECK_OK(ctx.CheckAlive());
    STRATA_CO_CHECK_OK(co_await net::Sleep(std::chrono::milliseconds(0), ctx.cancel));
  }
}

// The longest end of `text` that has at most `limit` tokens, from the start of a character on.
std::string_view LastPart(const provider::Embedder& embedder, std::string_view text,
                          std::int64_t limit) {
  auto end_of = [&](std::size_t bytes) {
    auto at = text.size() - bytes;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    return text.substr(at);
  };
  auto fits = [&](std::size_t bytes) { return embedder.CountTokens(end_of(bytes)) <= limit; };
  std::size_t good = 0;
  std::size_t bad = static_cast<std::size_t>(limit);
  while (bad < text.size() && fits(bad)) good = std::exchange(bad, 2 * bad);
  bad = std::min(bad, text.size());
  while (bad - good > 1) {
    const auto middle = good + (bad - good) / 2;
    (fits(middle) ? good : bad) = middle;
  }
  return end_of(good);
}

}  // namespace

Task<Result<>> FitTexts(const provider::Embedder& embedder, dialect::EmbedRequest& request,
                        RequestContext& ctx) {
  using dialect::LongText;
  const bool exact = embedder.Info().provider == "builtin";
  if (!exact || request.long_text == LongText::kCutEnd) co_return Result<>();
  const auto limit = embedder.tokens_max() - kSpecialTokens;
  for (std::size_t i = 0; i < request.texts.size(); ++i) {
    auto& text = request.texts[i];
    if (static_cast<std::int64_t>(text.size()) <= limit) continue;  // a token has a byte at least
    STRATA_CO_TRY(auto tokens, co_await CountInTurns(embedder, text, ctx));
    if (tokens <= limit) continue;
    if (request.long_text == LongText::kCutStart) {
      text = std::string(LastPart(embedder, text, limit));
      continue;
    }
    co_return Fail(InvalidArgument(
        dialect::PathOfText(request, i),
        FormatMessage("this text has {} tokens, the maximum context length of {} is {} tokens; "
                      "shorten or split it",
                      tokens + kSpecialTokens, Own(embedder.Info().id), embedder.tokens_max())));
  }
  co_return Result<>();
}

}  // namespace strata::gateway
