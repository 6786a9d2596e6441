#pragma once
// Kinds of things (a person, a date, a length …), and those that a sentence holds. Recognised by
// form, so they are hints. Which of them a question asks for: kinds_asked.h.

#include <span>
#include <string>
#include <string_view>

namespace strata::knowledge {

// A bit set.
enum Kind : unsigned {
  kNoKind = 0,
  kPerson = 1U << 0,  // capitalised words that are no place and do not begin the sentence; a role
  kDate = 1U << 1,    // a year, a month, a weekday, a time of day
  kNumber = 1U << 2,  // digits or a number word
  kPlace = 1U << 3,   // a capitalised word or a word for a place after in, at, from, near
  kReason = 1U << 4,  // because, due to, so that
  // Numbers with a unit; whoever holds one holds a number too.
  kLength = 1U << 5,    // kilometres, feet
  kDuration = 1U << 6,  // minutes, years
  kMoney = 1U << 7,     // "$", euros
  kPercent = 1U << 8,   // "%", per cent
  kMass = 1U << 9,      // kilograms
  kTemperature = 1U << 10,
  kSpeed = 1U << 11,
  kVolume = 1U << 12,
  kPressure = 1U << 13,
  kPower = 1U << 14,
  kArea = 1U << 15,
  // Told by their form alone.
  kPhone = 1U << 16,
  kEmail = 1U << 17,
  kUrl = 1U << 18,
  kColour = 1U << 19,
  kData = 1U << 20,  // gigabytes
};

// Those that are dates, numbers or have a unit: they are recognised most surely.
inline constexpr unsigned kMeasures = kDate | kNumber | kLength | kDuration | kMoney | kPercent |
                                      kMass | kTemperature | kSpeed | kVolume | kPressure | kPower |
                                      kArea | kData | kPhone | kEmail | kUrl;

// Those that are always written in a way that is recognised: what holds none is no answer. (A date
// may be "after rain", a length "knee-deep", money "nothing".)
inline constexpr unsigned kSureKinds = kNumber | kPercent | kMass | kTemperature | kSpeed |
                                       kVolume | kPressure | kPower | kArea | kData | kPhone |
                                       kEmail | kUrl | kColour;

// `asked`: the words of the question, in lower case without accents: a name or a number that it
// holds is not what it asks for.
unsigned KindsIn(std::string_view sentence, std::span<const std::string> asked = {});

// The kinds that the cells under this heading have: numbers under "Warranty (months)" are
// durations, names under "Owner" are persons.
unsigned KindsOfHeading(std::string_view heading);

}  // namespace strata::knowledge
