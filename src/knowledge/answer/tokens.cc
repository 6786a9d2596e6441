#include "knowledge/answer/tokens.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cctype>
#include <utility>

#include "text/normalize.h"

namespace strata::knowledge {
namespace {

bool IsWordByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 128;
}

bool IsCapital(std::string_view text, std::size_t at) {
  UChar32 c = 0;
  auto i = static_cast<std::int32_t>(at);
  U8_NEXT_OR_FFFD(text.data(), i, static_cast<std::int32_t>(text.size()), c);
  return u_isUUppercase(c) != 0;
}

}  // namespace

std::vector<Token> Tokens(std::string_view text, std::size_t limit) {
  std::vector<Token> tokens;
  std::size_t at = 0;
  while (at < text.size() && tokens.size() < limit) {
    if (!IsWordByte(text[at])) {
      ++at;
      continue;
    }
    Token token;
    token.before = at > 0 ? text[at - 1] : '\0';
    token.capitalised = IsCapital(text, at);
    bool ascii = true;
    for (; at < text.size() && IsWordByte(text[at]); ++at) {
      const auto c = static_cast<unsigned char>(text[at]);
      token.capitals += std::isupper(c) != 0 ? 1 : 0;
      token.digits = token.digits || std::isdigit(c) != 0;
      ascii = ascii && c < 128;
      token.lower += static_cast<char>(std::tolower(c));
    }
    if (!ascii) token.lower = text::FoldCase(token.lower);
    token.after = at < text.size() ? text[at] : '\0';
    tokens.push_back(std::move(token));
  }
  return tokens;
}

}  // namespace strata::knowledge
