#pragma once
// Abbreviations whose full stop ends no sentence.

#include <string_view>

namespace strata::text {

enum class Abbreviation {
  kNone,
  kBeforeAny,     // "Dr.", "e.g.": a sentence never ends here
  kBeforeNumber,  // "No. 5", "et al. (2010)": goes on when a number or a bracket follows
};

// `word`: lower case, without the last full stop ("e.g", "dr"). `language`: ISO 639-1; "" means
// English.
Abbreviation FindAbbreviation(std::string_view word, std::string_view language);

}  // namespace strata::text
