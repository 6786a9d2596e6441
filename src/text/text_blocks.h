#pragma once
// Cuts text into blocks that no sentence crosses, by lines: paragraphs, headings, list items, table
// rows, fenced code.

#include <cstddef>
#include <string_view>
#include <vector>

namespace strata::text {

struct TextBlock {
  std::size_t begin = 0;  // bytes; the block may have white space at its ends
  std::size_t end = 0;
  bool prose = true;  // false: one unit whatever its punctuation (heading, table row, code)
};

// In order, not overlapping; every byte that is not white space lies in one. A line break within a
// block is a wrapped line. Any bytes are accepted. O(n).
std::vector<TextBlock> SplitBlocks(std::string_view text);

}  // namespace strata::text
