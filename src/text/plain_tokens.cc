#include "text/plain_tokens.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace strata::text {
namespace {

enum class Kind : unsigned char { kSpace, kWord, kAlone, kAttached, kJoiner, kFlagHalf };

struct Character {
  Kind kind = Kind::kAlone;
  std::size_t end = 0;  // bytes
};

bool IsAsciiWord(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Kind KindOf(UChar32 c) {
  if (c < 0) return Kind::kAlone;  // malformed
  switch (u_getIntPropertyValue(c, UCHAR_GRAPHEME_CLUSTER_BREAK)) {
    case U_GCB_EXTEND:
    case U_GCB_SPACING_MARK:
      return Kind::kAttached;
    case U_GCB_ZWJ:
      return Kind::kJoiner;
    case U_GCB_REGIONAL_INDICATOR:
      return Kind::kFlagHalf;
    default:
      break;
  }
  if (u_isUWhiteSpace(c) != 0) return Kind::kSpace;
  if (u_hasBinaryProperty(c, UCHAR_IDEOGRAPHIC) != 0) return Kind::kAlone;
  return u_isalnum(c) != 0 ? Kind::kWord : Kind::kAlone;
}

Character ReadCharacter(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) {
    const bool space = first == ' ' || (first >= '\t' && first <= '\r');
    const auto kind = space ? Kind::kSpace : IsAsciiWord(first) ? Kind::kWord : Kind::kAlone;
    return {.kind = kind, .end = at + 1};
  }
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  auto next = static_cast<std::int64_t>(at);
  UChar32 c = 0;
  U8_NEXT(bytes, next, static_cast<std::int64_t>(text.size()), c);
  return {.kind = KindOf(c), .end = static_cast<std::size_t>(next)};
}

// "81.7", "1,000", "don't": a mark between two characters of words.
bool JoinsWords(std::string_view text, std::size_t at) {
  const char c = text[at];
  if (c != '.' && c != ',' && c != '\'') return false;
  return at + 1 < text.size() && ReadCharacter(text, at + 1).kind == Kind::kWord;
}

// Where the token that begins at `at`, which is no white space, ends.
std::size_t TokenEnd(std::string_view text, std::size_t at) {
  auto last = ReadCharacter(text, at);
  bool word = last.kind == Kind::kWord;
  bool flag_open = last.kind == Kind::kFlagHalf;
  while (last.end < text.size()) {
    const auto next = ReadCharacter(text, last.end);
    const bool joined = last.kind == Kind::kJoiner && next.kind != Kind::kSpace;
    const bool flag = flag_open && next.kind == Kind::kFlagHalf;
    const bool attached = next.kind == Kind::kAttached || next.kind == Kind::kJoiner;
    const bool goes_on = word && (next.kind == Kind::kWord || JoinsWords(text, last.end));
    if (!joined && !flag && !attached && !goes_on) break;
    if (flag) flag_open = false;
    last = next;
  }
  return last.end;
}

// Walks over at most `tokens_max` tokens; sets `count` to how many. Returns where the last ends.
std::size_t Walk(std::string_view text, std::int64_t tokens_max, std::int64_t& count) {
  std::size_t end = 0;
  std::size_t at = 0;
  count = 0;
  while (at < text.size()) {
    const auto character = ReadCharacter(text, at);
    if (character.kind == Kind::kSpace) {
      at = character.end;
      continue;
    }
    if (count == tokens_max) return end;
    at = end = TokenEnd(text, at);
    ++count;
  }
  return text.size();
}

}  // namespace

std::int64_t CountPlainTokens(std::string_view text) {
  std::int64_t count = 0;
  Walk(text, INT64_MAX, count);
  return count;
}

std::size_t PlainTokenPrefix(std::string_view text, std::int64_t tokens_max) {
  std::int64_t count = 0;
  return Walk(text, tokens_max, count);
}

}  // namespace strata::text
