#pragma once
// Whether a source sentence speaks against a claim that shares most of its words: another name,
// day or colour in its place, the contrary of one of its words, a denial where it has none, another
// thing counted. Neither shared words nor vectors tell these from support.

#include <string>
#include <string_view>
#include <vector>

#include "knowledge/answer/claim_facts.h"

namespace strata::knowledge {

// Of one claim; immutable. Rules of English, some of German: what they do not know opposes nothing.
class Opposition {
 public:
  explicit Opposition(std::string_view claim);

  // `around`: titles, headings and what the sentence leans on, where a name or a day may stand.
  // `row`: of a table, whose cells are all written like names. Linear in the words of all three,
  // times those of the claim.
  bool By(std::string_view place, std::string_view around, bool row) const;

  struct Word {
    std::string lower;
    std::string stem;
    bool capitalised = false;  // as a name is: at the beginning only before another capital
    bool contracted = false;   // an apostrophe follows: the "don" of "don't"
    bool says = false;         // no stop word, no digits
    bool contrasts = false;    // a contrary of it is known
  };

 private:
  bool HasRival(const std::vector<Word>& place, const std::vector<Word>& around) const;
  bool HasOtherName(const std::vector<Word>& place, const std::vector<Word>& around) const;
  bool CountsOther(std::string_view place, const std::vector<Word>& words) const;
  bool IsContrary(std::string_view place) const;

  std::vector<Word> words_;
  std::vector<ClaimNumber> numbers_;
  std::string text_;
};

}  // namespace strata::knowledge
