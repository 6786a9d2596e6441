#pragma once
// Atoms: the smallest pieces that a chunker keeps whole: sentences, table rows, lines of code.

#include <cstdint>
#include <vector>

#include "knowledge/chunker.h"

namespace strata::knowledge {

struct Atom {
  std::size_t start = 0;  // bytes of ParsedDocument::text
  std::size_t end = 0;
  std::int64_t tokens = 0;
  std::size_t part = 0;  // index of the part it is of
};

// Atoms of one part, in order; together every byte that is not white space. One that has more than
// `tokens_max` is cut at white space, and inside a word when nothing else helps. A table's header
// row and rule are one atom.
std::vector<Atom> AtomsOf(const domain::ParsedDocument& document, std::size_t part,
                          std::int64_t tokens_max, const TokenCounter& count);

// Byte where [start, end) is best cut in two, near the middle: at white space, else between code
// points. Equals `start` when it cannot be cut.
std::size_t CutPoint(std::string_view text, std::size_t start, std::size_t end);

}  // namespace strata::knowledge
