#pragma once
// Words that say when: years, months, weekdays and times of day, as English, German, French,
// Spanish and Italian write them.

#include <cstddef>
#include <string_view>
#include <vector>

#include "knowledge/answer/tokens.h"

namespace strata::knowledge {

// Four digits from 1000 to 2999.
bool IsYear(const Token& token);

// English and German ones, in small letters.
bool IsMonthName(std::string_view word);
bool IsWeekday(std::string_view word);

// A month's name with a capital: "may" is a verb.
bool IsMonth(const Token& token);

// A weekday in any of the five languages, one that recurs ("dienstags") or a time of day.
bool IsDay(const Token& token);

// Whether the token at `i` is any of these, a month that is written small or a time of day.
bool SaysWhen(const std::vector<Token>& tokens, std::size_t i);

}  // namespace strata::knowledge
