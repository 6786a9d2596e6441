#pragma once
// Which words of a query no document has, and what they were meant to be.

#include <string_view>
#include <vector>

#include "base/result.h"
#include "knowledge/lexical/live_segment.h"
#include "knowledge/lexical_index.h"

namespace strata::knowledge::lexical {

inline constexpr std::size_t kSpellingFixesMax = 8;  // of one query

// As LexicalIndex::FixSpelling. A word is corrected when exactly one word of the documents is
// nearest to it: within one edit from 5 letters on, two from 10 on. A second one as near only does
// not count when the first is in 50 times as many chunks: then it is a slip of a document's own.
Result<std::vector<SpellingFix>> FixSpelling(const Snapshot& snapshot, std::string_view query,
                                             const LexicalFilter& readable);

}  // namespace strata::knowledge::lexical
