#include "knowledge/answer/kinds.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <vector>

#include "knowledge/answer/tokens.h"

namespace strata::knowledge {
namespace {

struct Cue {
  std::string_view phrase;  // matched at word boundaries in the lower-cased question
  unsigned kinds;
};
constexpr Cue kCues[] = {
    {"who", kPerson},
    {"whom", kPerson},
    {"whose", kPerson},
    {"when", kDate},
    {"what year", kDate},
    {"which year", kDate},
    {"what date", kDate},
    {"date of", kDate},
    {"what month", kDate},
    {"what day", kDate},
    {"how many", kNumber},
    {"how much", kNumber | kMoney | kPercent},
    {"how old", kDuration | kDate},
    {"how long", kLength | kDuration},
    {"how far", kLength},
    {"how high", kLength},
    {"how tall", kLength},
    {"how deep", kLength},
    {"how wide", kLength},
    {"how thick", kLength},
    {"how large", kNumber | kLength},
    {"how big", kNumber | kLength},
    {"how often", kNumber | kDuration},
    {"how fast", kNumber | kLength},
    {"percentage", kPercent},
    {"what percent", kPercent},
    {"what number", kNumber},
    {"what amount", kNumber | kMoney},
    {"what was the total", kNumber | kMoney},
    {"cost", kMoney},
    {"price", kMoney},
    {"where", kPlace},
    {"what country", kPlace},
    {"which country", kPlace},
    {"what city", kPlace},
    {"which city", kPlace},
    {"place of", kPlace},
    {"why", kReason},
    {"what reason", kReason},
};

constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};
constexpr std::array<std::string_view, 7> kDays = {"monday", "tuesday",  "wednesday", "thursday",
                                                   "friday", "saturday", "sunday"};
constexpr std::array<std::string_view, 22> kNumberWords = {
    "two",      "three",   "four",    "five",   "six",    "seven", "eight", "nine",
    "ten",      "eleven",  "twelve",  "twenty", "thirty", "forty", "fifty", "hundred",
    "thousand", "million", "billion", "half",   "twice",  "dozen"};
// Singular and plural; short forms count only right after a number.
constexpr std::array<std::string_view, 31> kLengthUnits = {
    "kilometre",  "kilometres", "kilometer",   "kilometers",  "metre",       "metres",
    "meter",      "meters",     "centimetre",  "centimeter",  "centimetres", "centimeters",
    "millimetre", "millimeter", "millimetres", "millimeters", "mile",        "miles",
    "foot",       "feet",       "inch",        "inches",      "yard",        "yards",
    "km",         "m",          "cm",          "mm",          "ft",          "nm",
    "hectares"};
constexpr std::array<std::string_view, 20> kDurationUnits = {
    "second", "seconds", "minute",  "minutes",   "hour",   "hours", "day",
    "days",   "week",    "weeks",   "month",     "months", "year",  "years",
    "decade", "decades", "century", "centuries", "h",      "min"};
constexpr std::array<std::string_view, 12> kMoneyUnits = {"dollar", "dollars", "euro", "euros",
                                                          "pound",  "pounds",  "usd",  "eur",
                                                          "gbp",    "cents",   "yen",  "francs"};
constexpr std::array<std::string_view, 3> kPercentUnits = {"percent", "per", "percentage"};
constexpr std::array<std::string_view, 5> kPlaceWords = {"in", "at", "from", "near", "of"};
constexpr std::array<std::string_view, 6> kReasonWords = {"because", "due",   "since",
                                                          "caused",  "owing", "therefore"};
bool IsYear(const Token& token) {
  return token.lower.size() == 4 &&
         std::ranges::all_of(token.lower, [](unsigned char c) { return std::isdigit(c) != 0; }) &&
         (token.lower[0] == '1' || token.lower[0] == '2');
}

bool IsNumber(const Token& token) { return token.digits || IsOneOf(token.lower, kNumberWords); }

// A unit counts after a number: "23 kilometres", "two hundred years", "5km".
unsigned UnitsOfToken(const std::vector<Token>& tokens, std::size_t i) {
  const Token& token = tokens[i];
  unsigned kinds = kNoKind;
  if (token.digits && (token.before == '$' || token.after == '%')) {
    kinds |= token.before == '$' ? kMoney : kPercent;
  }
  const auto digits = std::ranges::find_if_not(
      token.lower, [](unsigned char c) { return std::isdigit(c) != 0 || c == '.'; });
  const bool joined = token.digits && digits != token.lower.begin();  // "5km"
  if (!joined && (i == 0 || !IsNumber(tokens[i - 1]))) return kinds;
  const std::string_view unit =
      joined ? std::string_view(digits, token.lower.end()) : std::string_view(token.lower);
  if (IsOneOf(unit, kLengthUnits)) kinds |= kLength;
  if (IsOneOf(unit, kDurationUnits)) kinds |= kDuration;
  if (IsOneOf(unit, kMoneyUnits)) kinds |= kMoney;
  if (IsOneOf(unit, kPercentUnits)) kinds |= kPercent;
  return kinds;
}

unsigned KindsOfToken(const std::vector<Token>& tokens, std::size_t i) {
  const Token& token = tokens[i];
  unsigned kinds = kNoKind;
  if (IsNumber(token)) kinds |= kNumber;
  if (IsYear(token) || (token.capitalised && IsOneOf(token.lower, kMonths)) ||
      IsOneOf(token.lower, kDays)) {
    kinds |= kDate;
  }
  if (IsOneOf(token.lower, kReasonWords)) kinds |= kReason;
  kinds |= UnitsOfToken(tokens, i);
  const bool acronym = token.capitals > 1;  // TIFF, UNESCO
  const bool name = token.capitalised && !acronym && !IsOneOf(token.lower, kMonths) &&
                    !IsOneOf(token.lower, kDays);
  if (name && i > 0) kinds |= kPerson;
  if (name && i + 1 < tokens.size() && tokens[i + 1].capitalised) kinds |= kPerson;
  if (name && i > 0 && IsOneOf(tokens[i - 1].lower, kPlaceWords)) kinds |= kPlace;
  return kinds;
}

// Lower case, one space between words and one at both ends, so that phrases match at boundaries.
std::string Folded(std::string_view text) {
  std::string folded = " ";
  for (const auto& token : Tokens(text)) folded += token.lower + " ";
  return folded;
}

}  // namespace

unsigned KindsAsked(std::string_view question) {
  // A conversation brings its earlier questions along; what is asked for now stands last.
  if (const auto end = question.find_last_of('?'); end != std::string_view::npos && end > 0) {
    const auto before = question.find_last_of('?', end - 1);
    question = question.substr(before == std::string_view::npos ? 0 : before + 1);
  }
  const std::string folded = Folded(question);
  unsigned kinds = kNoKind;
  for (const auto& cue : kCues) {
    if (folded.find(" " + std::string(cue.phrase) + " ") != std::string::npos) kinds |= cue.kinds;
  }
  return kinds;
}

unsigned KindsIn(std::string_view sentence) {
  const auto tokens = Tokens(sentence);
  unsigned kinds = kNoKind;
  for (std::size_t i = 0; i < tokens.size(); ++i) kinds |= KindsOfToken(tokens, i);
  return kinds;
}

}  // namespace strata::knowledge
