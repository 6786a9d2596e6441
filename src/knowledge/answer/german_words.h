#pragma once
// Forms of German verbs that share no stem by endings alone, and the parts of compounds.

#include <string_view>

namespace strata::knowledge {

// Whether two words in lower case are forms of one regular verb: "reinigt" and "gereinigt", "holt"
// (with "ab" elsewhere) and "abgeholt". Strong verbs match where no more than an umlaut changes:
// "trägt" and "getragen".
bool SameGermanVerb(std::string_view a, std::string_view b);

// "wird", "wurden": what is done follows, by whom only behind "von" or "durch".
bool IsGermanPassive(std::string_view lower);

// Whether `compound` is put together of `first` and `last`, all in lower case: "wassertank" of
// "wasser" and "tank", "lesesaal" of "lesen" and "saal".
bool IsCompoundOf(std::string_view compound, std::string_view first, std::string_view last);

}  // namespace strata::knowledge
