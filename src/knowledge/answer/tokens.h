#pragma once
// Words of a text as they are written, for rules that look at letters rather than at meaning.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata::knowledge {

// One run of letters and digits. Characters beyond ASCII count as letters, but for the marks that
// stand at words in French and Spanish: "«", "»", "¿", "¡", "’" and spaces that do not break.
struct Token {
  std::string lower;  // case folded (text::FoldCase)
  bool capitalised = false;
  int capitals = 0;     // ASCII capital letters
  bool digits = false;  // holds one at least
  char before = 0;  // the byte before and after it, of such a mark the nearest one of ASCII; 0 at
                    // the ends of the text
  char after = 0;
};

std::vector<Token> Tokens(std::string_view text, std::size_t limit = SIZE_MAX);

// The bytes at `at` that belong to no word; 0 where a word begins or goes on. `at` < text.size().
std::size_t BreakSize(std::string_view text, std::size_t at);

inline bool IsOneOf(std::string_view word, std::span<const std::string_view> list) {
  return std::ranges::find(list, word) != list.end();
}

}  // namespace strata::knowledge
