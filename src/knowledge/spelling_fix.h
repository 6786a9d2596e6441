#pragma once
// What a search takes a misspelt word for.

#include <string>

namespace strata::knowledge {

// A word of a query that no document has, and the one it was meant to be; both as the index keeps
// words (stems).
struct SpellingFix {
  std::string word;
  std::string instead;
  friend bool operator==(const SpellingFix&, const SpellingFix&) = default;
};

}  // namespace strata::knowledge
