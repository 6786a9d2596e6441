#include "knowledge/answer/amounts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "knowledge/answer/claim_facts.h"
#include "knowledge/answer/tokens.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();
constexpr double kAgeMax = 130;

constexpr auto kPersons = std::to_array<std::string_view>(
    {"child",    "children",   "kid",         "kids",       "pupil",    "pupils",    "student",
     "students", "adult",      "adults",      "senior",     "seniors",  "pensioner", "pensioners",
     "visitor",  "visitors",   "guest",       "guests",     "member",   "members",   "people",
     "person",   "persons",    "passenger",   "passengers", "men",      "women",     "boys",
     "girls",    "youths",     "teenagers",   "anyone",     "everyone", "anybody",   "everybody",
     "those",    "customers",  "residents",   "citizens",   "players",  "swimmers",  "riders",
     "kind",     "kinder",     "jugendliche", "erwachsene", "senioren", "besucher",  "gäste",
     "personen", "mitglieder", "enfant",      "enfants",    "jeunes",   "adulte",    "adultes",
     "personne", "personnes",  "visiteurs"});
// Who "is 63".
constexpr auto kWho = std::to_array<std::string_view>(
    {"i",       "he",          "she",         "we",       "they",          "who",
     "you",     "son",         "daughter",    "wife",     "husband",       "mother",
     "father",  "niece",       "nephew",      "brother",  "sister",        "friend",
     "partner", "grandmother", "grandfather", "grandson", "granddaughter", "boy",
     "girl",    "baby",        "mum",         "dad",      "aunt",          "uncle",
     "cousin",  "ich",         "er",          "sie",      "wir",           "sohn",
     "tochter", "mutter",      "vater",       "frau",     "mann",          "je",
     "j",       "il",          "elle",        "fils",     "fille",         "mère",
     "père",    "femme",       "mari"});
constexpr auto kBeing = std::to_array<std::string_view>(
    {"am", "m", "is", "s", "are", "re", "was", "turned", "turn", "turns", "just", "now", "aged",
     "bin", "ist", "sind", "ai", "a", "avons"});
constexpr auto kAged = std::to_array<std::string_view>({"aged", "age", "ages", "alter"});
constexpr auto kOld = std::to_array<std::string_view>(
    {"old", "olds", "older", "younger", "age", "alt", "älter", "jünger"});

constexpr auto kAtLeast =
    std::to_array<std::string_view>({"from", "ab", "mindestens", "least", "dès"});
constexpr auto kAbove = std::to_array<std::string_view>({"over", "above", "exceeding", "über"});
constexpr auto kAtMost = std::to_array<std::string_view>({"most", "bis", "höchstens"});
constexpr auto kBelow = std::to_array<std::string_view>({"under", "below", "unter"});
constexpr auto kMore = std::to_array<std::string_view>(
    {"more", "older", "heavier", "longer", "larger", "higher", "bigger", "greater", "taller",
     "wider", "mehr", "älter", "schwerer"});
constexpr auto kLess = std::to_array<std::string_view>(
    {"less", "younger", "lighter", "shorter", "smaller", "lower", "fewer", "weniger", "jünger"});
constexpr auto kThan = std::to_array<std::string_view>({"than", "als"});
// "60 and over", "10 or under".
constexpr auto kAnd = std::to_array<std::string_view>({"and", "or", "und", "oder", "et", "ou"});
constexpr auto kUpwards =
    std::to_array<std::string_view>({"over", "above", "older", "more", "up", "upwards", "onwards",
                                     "heavier", "longer", "älter", "mehr", "plus"});
constexpr auto kDownwards =
    std::to_array<std::string_view>({"under", "below", "younger", "less", "fewer", "lighter",
                                     "shorter", "jünger", "weniger", "moins"});

std::uint64_t Years() {
  static const auto years = UnitsOf("years");
  return years;
}

// A number of a text with the words around it.
struct Place {
  const ClaimNumber* number = nullptr;
  double value = 0;
  std::uint64_t unit = 0;
  std::size_t end = 0;             // behind its unit, bytes of the text
  std::vector<Token> before = {};  // without "the age of" right before it
  std::vector<Token> behind = {};  // a few in its clause, behind its unit
  bool aged = false;               // "the age of" stands before it
  bool clock = false;

  // The word so many places before it, from 1, or behind it, from 0; empty for none.
  std::string_view Back(std::size_t places) const {
    return places <= before.size() ? std::string_view(before[before.size() - places].lower)
                                   : std::string_view();
  }
  std::string_view Ahead(std::size_t places) const {
    return places < behind.size() ? std::string_view(behind[places].lower) : std::string_view();
  }
};

Place PlaceOf(std::string_view text, const ClaimNumber& number) {
  constexpr std::size_t kBehind = 6;
  constexpr auto kClock = std::to_array<std::string_view>({"o", "am", "pm", "uhr", "h", "heures"});
  Place place{.number = &number, .value = number.readings.front(), .end = number.end};
  place.before = Tokens(text.substr(0, number.begin));
  place.aged = place.Back(1) == "of" && place.Back(2) == "age";
  if (place.aged) {
    const std::size_t words = place.Back(3) == "the" ? 3 : 2;
    place.before.resize(place.before.size() - words);
  }
  place.behind = Tokens(text.substr(number.end), kBehind);
  const auto written = text.substr(number.begin, number.end - number.begin);
  place.clock = written.contains(':') || IsOneOf(place.Ahead(0), kClock);
  const bool joins =
      !place.behind.empty() && std::string_view(" -\0", 3).contains(place.behind.front().before);
  if (joins) place.unit = UnitsOf(place.Ahead(0));
  if (place.unit != 0) {
    const auto gap = text.substr(number.end).find_first_not_of(" -");
    place.end = std::min(text.size(), number.end + gap + place.Ahead(0).size());
    place.behind.erase(place.behind.begin());
  }
  const bool ends = place.end < text.size() && std::string_view(".,;!?)").contains(text[place.end]);
  if (ends) place.behind.clear();
  return place;
}

std::vector<Place> PlacesIn(std::string_view text, const std::vector<ClaimNumber>& numbers) {
  std::vector<Place> places;
  places.reserve(numbers.size());
  for (const auto& number : numbers) places.push_back(PlaceOf(text, number));
  return places;
}

// The range that begins at places[i], "from 10 to 17", "10–17"; none when it ends there.
bool JoinsNext(std::string_view text, const std::vector<Place>& places, std::size_t i) {
  constexpr auto kTo = std::to_array<std::string_view>({"to", "bis", "à", "-", "–", "—"});
  if (i + 1 >= places.size()) return false;
  const auto from = places[i].end;
  auto between = text.substr(from, places[i + 1].number->begin - from);
  while (between.starts_with(' ')) between.remove_prefix(1);
  while (between.ends_with(' ')) between.remove_suffix(1);
  if (IsOneOf(between, kTo)) return true;
  return between == "and" && places[i].Back(1) == "between";
}

struct Limits {
  double least = -kNone;
  double most = kNone;
};

// Whether the words before or behind the number make a bound of it.
std::optional<Limits> LimitsAt(const Place& place) {
  const double value = place.value;
  const auto above = [&] { return Limits{.least = std::nextafter(value, kNone)}; };
  const auto below = [&] { return Limits{.most = std::nextafter(value, -kNone)}; };
  const auto word = place.Back(1);
  if (IsOneOf(word, kThan)) {
    const bool bound = place.Back(3) == "no" || place.Back(3) == "not" || place.Back(3) == "nicht";
    if (IsOneOf(place.Back(2), kMore)) return bound ? Limits{.most = value} : above();
    if (IsOneOf(place.Back(2), kLess)) return bound ? Limits{.least = value} : below();
    return std::nullopt;
  }
  if (IsOneOf(word, kAbove)) return above();
  if (IsOneOf(word, kBelow)) return below();
  if (IsOneOf(word, kAtMost) || (word == "to" && place.Back(2) == "up") ||
      (word == "à" && place.Back(2) == "jusqu")) {
    return Limits{.most = value};
  }
  // "60 years and over", "60 or older", "60+".
  const std::size_t old = IsOneOf(place.Ahead(0), kOld) ? 1 : 0;
  if (IsOneOf(place.Ahead(old), kAnd)) {
    if (IsOneOf(place.Ahead(old + 1), kUpwards)) return Limits{.least = value};
    if (IsOneOf(place.Ahead(old + 1), kDownwards)) return Limits{.most = value};
  }
  if (!place.behind.empty() && place.behind.front().before == '+') return Limits{.least = value};
  if (IsOneOf(word, kAtLeast)) return Limits{.least = value};
  return std::nullopt;
}

bool IsPerson(std::string_view word) { return IsOneOf(word, kPersons) || IsOneOf(word, kAged); }

// "Children up to 6", "guests who are over 60": nothing but the words of the bound stands between.
bool IsOfPersons(const Place& place) {
  constexpr auto kBetween = std::to_array<std::string_view>(
      {"up",   "to", "of",    "from",  "over", "under", "above", "below", "between",
       "than", "at", "least", "most",  "or",   "who",   "are",   "is",    "not",
       "no",   "ab", "bis",   "unter", "über", "von",   "de"});
  if (place.aged) return true;
  for (std::size_t back = 1; back <= place.before.size(); ++back) {
    const auto word = place.Back(back);
    if (IsPerson(word)) return true;
    if (!IsOneOf(word, kBetween) && !IsOneOf(word, kMore) && !IsOneOf(word, kLess)) return false;
  }
  return false;
}

// Whether the bound at this number is one of persons' ages. `first`: the range's first number.
bool IsAgeBound(const Place& place, const Place& first, bool range) {
  if (place.clock || place.value > kAgeMax) return false;
  if (place.unit != 0 && place.unit != Years()) return false;
  const std::size_t conjunction = IsOneOf(place.Ahead(0), kAnd) ? 1 : 0;
  if (IsOneOf(place.Ahead(conjunction), kOld)) return true;
  if (place.unit == 0) return IsOfPersons(first);
  return range || std::ranges::any_of(first.before,
                                      [](const Token& token) { return IsPerson(token.lower); });
}

std::string NounBefore(const Place& place) {
  for (std::size_t back = 1; back <= place.before.size(); ++back) {
    const auto word = place.Back(back);
    if (text::IsStopWord(word) || IsOneOf(word, kMore) || IsOneOf(word, kLess)) continue;
    if (IsOneOf(word, kAtLeast) || IsOneOf(word, kAbove)) continue;
    return std::string(word);
  }
  return {};
}

// "I am 63", "my son, who is 8 years old", "a 9-year-old".
bool IsAge(const Place& place) {
  constexpr std::size_t kSubjectBack = 4;
  if (place.clock || place.value > kAgeMax) return false;
  if (place.unit != 0 && place.unit != Years()) return false;
  if (place.aged || IsOneOf(place.Back(1), kAged)) return true;
  const auto next = place.Ahead(0);
  const bool old = IsOneOf(next, kOld);
  if (place.unit != 0 && old && place.behind.front().before == '-') return true;
  // "I am 12 miles away", "there are 12 of us".
  const bool counts =
      place.unit == 0 && !old && !next.empty() && (next == "of" || !text::IsStopWord(next));
  if (counts || !IsOneOf(place.Back(1), kBeing)) return false;
  for (std::size_t back = 2; back <= kSubjectBack; ++back) {
    const auto who = place.Back(back);
    if (IsOneOf(who, kWho) || IsOneOf(who, kPersons)) return true;
  }
  return false;
}

}  // namespace

std::vector<Amount> AmountsIn(std::string_view text) {
  std::vector<Amount> amounts;
  const auto numbers = NumbersOf(text);
  const auto places = PlacesIn(text, numbers);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& place = places[i];
    const bool range = JoinsNext(text, places, i) || (i > 0 && JoinsNext(text, places, i - 1));
    if (place.clock || range || LimitsAt(place)) continue;
    Amount amount{.of = {}, .value = place.value, .begin = place.number->begin, .end = place.end};
    amount.of.age = IsAge(place);
    if (!amount.of.age) amount.of.unit = place.unit;
    if (amount.of.age || amount.of.unit != 0) amounts.push_back(amount);
  }
  return amounts;
}

std::vector<Bounds> BoundsIn(std::string_view text) {
  std::vector<Bounds> bounds;
  const auto numbers = NumbersOf(text);
  const auto places = PlacesIn(text, numbers);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& first = places[i];
    const bool range = JoinsNext(text, places, i);
    if (range) ++i;
    const auto& place = places[i];
    const auto limits =
        range ? std::optional(Limits{.least = first.value, .most = place.value}) : LimitsAt(place);
    if (!limits || place.clock || first.clock) continue;
    Bounds found{.of = {},
                 .least = limits->least,
                 .most = limits->most,
                 .begin = first.number->begin,
                 .noun = NounBefore(first)};
    found.of.age = IsAgeBound(place, first, range);
    if (!found.of.age) found.of.unit = place.unit;
    if (found.of.age || found.of.unit != 0) bounds.push_back(std::move(found));
  }
  return bounds;
}

bool SpeaksOfTheRest(std::string_view text) {
  constexpr auto kRest = std::to_array<std::string_view>(
      {"else", "others", "rest", "otherwise", "ones", "sonst", "übrigen", "autres"});
  return std::ranges::any_of(Tokens(text),
                             [&](const Token& token) { return IsOneOf(token.lower, kRest); });
}

}  // namespace strata::knowledge
