#pragma once
// Sentence boundaries of running text, Markdown and lists: ICU's rules for the language (Unicode
// UAX #29), corrected where they cut wrongly: abbreviations ("e.g.", "Dr."), initials, list
// numbers, headings, blank lines, code fences.

#include <cstddef>
#include <string_view>
#include <vector>

namespace strata::text {

// Bytes [begin, end) of the text, without the white space around.
struct TextSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
  friend bool operator==(const TextSpan&, const TextSpan&) = default;
};

// In order, not overlapping, none empty; together they hold every byte that is not white space. Any
// bytes are accepted. `language`: ISO 639-1 code for ICU's rules and the abbreviations; "" means
// English. Thread-safe. O(n).
std::vector<TextSpan> SplitSentences(std::string_view text, std::string_view language = {});

}  // namespace strata::text
