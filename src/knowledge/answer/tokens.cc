#include "knowledge/answer/tokens.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <utility>

#include "text/normalize.h"

namespace strata::knowledge {
namespace {

bool IsWordByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 128;
}

// Marks beyond ASCII that belong to no word, as the ASCII mark that they stand for.
struct Mark {
  std::string_view bytes;
  char as;
};
constexpr Mark kMarks[] = {{"\u00A0", ' '}, {"\u202F", ' '}, {"\u00A1", '!'}, {"\u00BF", '?'},
                           {"\u00AB", '"'}, {"\u00BB", '"'}, {"\u2019", '\''}};

const Mark* MarkAt(std::string_view text, std::size_t at) {
  if (at >= text.size() || static_cast<unsigned char>(text[at]) < 128) return nullptr;
  const auto* mark = std::ranges::find_if(
      kMarks, [&](const Mark& m) { return text.substr(at).starts_with(m.bytes); });
  return mark == std::end(kMarks) ? nullptr : mark;
}

char CharAfter(std::string_view text, std::size_t at) {
  if (const auto* mark = MarkAt(text, at)) return mark->as;
  return at < text.size() ? text[at] : '\0';
}

char CharBefore(std::string_view text, std::size_t at) {
  for (const auto& mark : kMarks) {
    if (text.substr(0, at).ends_with(mark.bytes)) return mark.as;
  }
  return at > 0 ? text[at - 1] : '\0';
}

bool IsCapital(std::string_view text, std::size_t at) {
  UChar32 c = 0;
  auto i = static_cast<std::int32_t>(at);
  U8_NEXT_OR_FFFD(text.data(), i, static_cast<std::int32_t>(text.size()), c);
  return u_isUUppercase(c) != 0;
}

}  // namespace

std::size_t BreakSize(std::string_view text, std::size_t at) {
  if (!IsWordByte(text[at])) return 1;
  const auto* mark = MarkAt(text, at);
  return mark ? mark->bytes.size() : 0;
}

std::vector<Token> Tokens(std::string_view text, std::size_t limit) {
  std::vector<Token> tokens;
  std::size_t at = 0;
  while (at < text.size() && tokens.size() < limit) {
    if (const auto size = BreakSize(text, at); size > 0) {
      at += size;
      continue;
    }
    Token token;
    token.before = CharBefore(text, at);
    token.capitalised = IsCapital(text, at);
    bool ascii = true;
    for (; at < text.size() && BreakSize(text, at) == 0; ++at) {
      const auto c = static_cast<unsigned char>(text[at]);
      token.capitals += std::isupper(c) != 0 ? 1 : 0;
      token.digits = token.digits || std::isdigit(c) != 0;
      ascii = ascii && c < 128;
      token.lower += static_cast<char>(std::tolower(c));
    }
    if (!ascii) token.lower = text::FoldCase(token.lower);
    token.after = CharAfter(text, at);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

}  // namespace strata::knowledge
