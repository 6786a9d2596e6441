#pragma once
// Passages that adjoin in their document, as one.

#include <vector>

#include "knowledge/retrieval.h"

namespace strata::knowledge {

// The passage at `center` with those before and behind it that belong to the same section and
// follow without a gap but white space. `passages`: of one document, in its order. What is joined
// has the text, span, lines and pages of the whole run, and everything else of the center.
//
// Spans stay right to the code point: where two overlap the text is taken once, and white space
// between them, which no chunk holds, is given as one space or as line breaks, as many as there
// were characters.
RetrievedChunk JoinAround(std::vector<RetrievedChunk> passages, std::size_t center);

}  // namespace strata::knowledge
