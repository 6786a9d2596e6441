#pragma once
// A cheap guess at the language of a text: by script where the script says it, else by its frequent
// short words.

#include <string>
#include <string_view>

namespace strata::text {

// ISO 639-1 code, "" when unknown or too short to say. Looks at no more than the first 8 KiB. Knows
// by script: zh, ja, ko, ru, uk, el, he, ar, hi, th; by words: en, de, fr, es, it, pt, nl, sv, da,
// no, fi, pl, cs, tr. Thread-safe.
std::string GuessLanguage(std::string_view text);

}  // namespace strata::text
