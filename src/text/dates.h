#pragma once
// Dates in running text, so that "4 May 2018" and "2018-05-04" can meet in one word.
//
// Year first with "-", "/" or "." (2018-05-04, also before a "T"); day first with dots
// (04.05.2018); with names of months of English, German, French, Spanish, Italian, Portuguese and
// Dutch, day first (4 May 2018, 4. Mai 2018, 4 de mayo de 2018, 04-May-2018) or month first (May
// 4th, 2018), or without a day (May 2018). 04/05/2018 and 04-05-2018 may be either day, so that
// both are given; 13/05/2018 may not. Years have four digits, 1000 to 2999. No dates: 2018-05 (it
// may be two years), 20180504, 4 May, and what the calendar does not have.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace strata::text {

struct FoundDate {
  int year = 0;
  int month = 0;          // 1..12
  int day = 0;            // 0: a month as a whole
  std::size_t begin = 0;  // bytes of the text
  std::size_t end = 0;
};

// In the order of the text; any bytes are accepted. O(length), and a quarter of the bytes are all
// that is looked at where there are no numbers of four digits. Thread-safe.
void ForEachDate(std::string_view text, const std::function<void(const FoundDate&)>& take);

// "2018-05-04" and "2018-05": search_words.h makes no words with a hyphen.
std::string DayWord(const FoundDate& date);  // of a date with a day
std::string MonthWord(const FoundDate& date);

}  // namespace strata::text
