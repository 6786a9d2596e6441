#pragma once
// The parts of a document that a piece of its text lies in.

#include <algorithm>
#include <cstddef>
#include <span>

#include "domain/document.h"

namespace strata::knowledge {

// Those that bytes [start, end) touch. Parts are in text order and do not overlap: it takes no look
// at the others, of which a long document has a hundred thousand.
inline std::span<const domain::DocumentPart> PartsIn(const domain::ParsedDocument& document,
                                                     std::size_t start, std::size_t end) {
  const auto first =
      std::ranges::upper_bound(document.parts, start, {}, &domain::DocumentPart::end);
  const auto last =
      std::ranges::lower_bound(first, document.parts.end(), end, {}, &domain::DocumentPart::start);
  return {first, last};
}

}  // namespace strata::knowledge
