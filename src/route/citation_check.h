#pragma once
// Whether an answer is supported by what it cites: of a knowledge base (`kb/NAME@MODEL`), where
// each sentence was held against the passages, or of a provider that cites documents of the
// request.

#include <cstddef>

#include "domain/stream.h"

namespace strata::route {

struct CitedSentences {
  std::size_t all = 0;
  std::size_t cited = 0;  // some part of them is what a citation supports
};

// Of the answer's text. O(length).
CitedSentences CountCited(const domain::ChatResponse& answer);

}  // namespace strata::route
