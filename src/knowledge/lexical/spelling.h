#pragma once
// What a query's unknown word was meant to be: words of a segment's dictionary by their trigrams,
// then edit distance. Counting common trigrams before measuring: Ukkonen 1992, "Approximate string
// matching with q-grams and maximal matches".
//
// Only words of plain letters are in it: code identifiers, numbers and other scripts are never
// corrected. Memory is bounded: 4 bytes a word and 4 a letter, for kSpellingWordsMax words at most,
// the most frequent of a segment, however large it is.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "knowledge/lexical/segment.h"

namespace strata::knowledge::lexical {

inline constexpr std::size_t kSpellingWordsMax = std::size_t{1} << 20;
inline constexpr std::size_t kSpellingLettersMin = 4;
inline constexpr std::size_t kSpellingLettersMax = 24;

// Whether a word may be corrected, or corrected to: a-z, not too short, not too long.
bool IsPlainWord(std::string_view word);

// Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`, where no part
// is edited twice (optimal string alignment). At most kSpellingLettersMax letters each.
int EditsBetween(std::string_view a, std::string_view b);

// Immutable; thread-safe.
class SpellingIndex {
 public:
  // Errors: kCorruption. O(words of the segment), three passes.
  static Result<SpellingIndex> Build(const Segment& segment,
                                     std::size_t words_max = kSpellingWordsMax);

  // Adds the words within `edits` of `word` that begin with the same letter, of those that have the
  // most trigrams in common with it. `segment` is the one it was built of. Errors: kCorruption.
  Result<> FindNear(const Segment& segment, std::string_view word, int edits,
                    std::vector<std::string>& out) const;

  std::size_t words() const { return terms_.size(); }
  std::size_t memory_bytes() const;

 private:
  std::vector<std::uint32_t> terms_;            // numbers in the dictionary, ascending
  std::array<std::uint32_t, 27> letters_ = {};  // where the words of each first letter begin
  std::vector<std::uint16_t> keys_;             // trigrams, ascending
  std::vector<std::uint32_t> begins_;           // where each one's list begins; one more at the end
  std::vector<std::uint32_t> lists_;            // places in terms_, ascending in each list
};

}  // namespace strata::knowledge::lexical
