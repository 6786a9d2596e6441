#pragma once
// The kind of thing that a question asks for (a person, a date, a length …), and the kinds that a
// sentence holds. Recognised by form, so they are hints.

#include <string_view>

namespace strata::knowledge {

// A bit set.
enum Kind : unsigned {
  kNoKind = 0,
  kPerson = 1U << 0,  // two or more capitalised words in a row, or one inside the sentence
  kDate = 1U << 1,    // a year, a month, a weekday
  kNumber = 1U << 2,  // digits or a number word
  kPlace = 1U << 3,   // a capitalised word after in, at, from, near
  kReason = 1U << 4,  // because, due to, so that
  // Numbers with a unit; whoever holds one holds a number too.
  kLength = 1U << 5,    // kilometres, feet
  kDuration = 1U << 6,  // minutes, years
  kMoney = 1U << 7,     // "$", euros
  kPercent = 1U << 8,   // "%", per cent
};

// Those that are dates, numbers or have a unit: they are recognised most surely.
inline constexpr unsigned kMeasures = kDate | kNumber | kLength | kDuration | kMoney | kPercent;

// Any of these answers the question, the last one of several; kNoKind when it asks for nothing of a
// known form.
unsigned KindsAsked(std::string_view question);

unsigned KindsIn(std::string_view sentence);

}  // namespace strata::knowledge
