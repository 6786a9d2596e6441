#pragma once
// Words of a text as they are written, for rules that look at letters rather than at meaning.

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata::knowledge {

// One run of letters and digits. Bytes above 127 count as letters.
struct Token {
  std::string lower;  // case folded (text::FoldCase)
  bool capitalised = false;
  int capitals = 0;     // ASCII capital letters
  bool digits = false;  // holds one at least
  char before = 0;      // the byte before and after it; 0 at the ends of the text
  char after = 0;
};

std::vector<Token> Tokens(std::string_view text, std::size_t limit = SIZE_MAX);

inline bool IsOneOf(std::string_view word, std::span<const std::string_view> list) {
  return std::ranges::find(list, word) != list.end();
}

}  // namespace strata::knowledge
