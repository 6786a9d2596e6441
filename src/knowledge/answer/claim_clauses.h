#pragma once
// A sentence that says several things, as these things: each can be held against the sources by
// itself, as in FActScore (Min et al. 2023, section 3), which has a model write them out.

#include <string_view>
#include <vector>

namespace strata::knowledge {

// `claim` cut behind semicolons and at conjunctions, "and", "but", "while" and their like, where at
// least two words that say something stand on both sides: also between the members of some lists,
// which does no harm, as the same place supports both. One view at least; views of `claim`.
std::vector<std::string_view> ClausesOf(std::string_view claim);

// `clause` as runs of a few dozen words, so that every word of a long one can be judged: itself
// when it has no more than a question may have (kQuestionWordsMax). Views of `clause`.
std::vector<std::string_view> PiecesOf(std::string_view clause);

}  // namespace strata::knowledge
