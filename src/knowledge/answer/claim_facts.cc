#include "knowledge/answer/claim_facts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <string>
#include <utility>

#include "knowledge/answer/tokens.h"

namespace strata::knowledge {
namespace {

using Value = std::pair<std::string_view, double>;

constexpr auto kNumberWords = std::to_array<Value>({
    {"two", 2},        {"three", 3},     {"four", 4},      {"five", 5},       {"six", 6},
    {"seven", 7},      {"eight", 8},     {"nine", 9},      {"ten", 10},       {"eleven", 11},
    {"twelve", 12},    {"thirteen", 13}, {"fourteen", 14}, {"fifteen", 15},   {"sixteen", 16},
    {"seventeen", 17}, {"eighteen", 18}, {"nineteen", 19}, {"twenty", 20},    {"thirty", 30},
    {"forty", 40},     {"fifty", 50},    {"sixty", 60},    {"seventy", 70},   {"eighty", 80},
    {"ninety", 90},    {"hundred", 100}, {"zwei", 2},      {"drei", 3},       {"vier", 4},
    {"fünf", 5},       {"sechs", 6},     {"sieben", 7},    {"acht", 8},       {"neun", 9},
    {"zehn", 10},      {"elf", 11},      {"zwölf", 12},    {"zwanzig", 20},   {"dreißig", 30},
    {"vierzig", 40},   {"fünfzig", 50},  {"sechzig", 60},  {"hundert", 100},  {"zweimal", 2},
    {"dreimal", 3},    {"deux", 2},      {"trois", 3},     {"quatre", 4},     {"cinq", 5},
    {"sept", 7},       {"huit", 8},      {"neuf", 9},      {"dix", 10},       {"onze", 11},
    {"douze", 12},     {"quinze", 15},   {"vingt", 20},    {"trente", 30},    {"quarante", 40},
    {"cinquante", 50}, {"soixante", 60}, {"cent", 100},    {"thousand", 1e3}, {"tausend", 1e3},
    {"mille", 1e3},
});

constexpr auto kScales = std::to_array<Value>({{"hundred", 100},
                                               {"thousand", 1e3},
                                               {"tausend", 1e3},
                                               {"mille", 1e3},
                                               {"million", 1e6},
                                               {"millions", 1e6},
                                               {"millionen", 1e6},
                                               {"mio", 1e6},
                                               {"billion", 1e9}});

constexpr auto kNegations = std::to_array<std::string_view>(
    {"not",        "no",        "never",     "none",       "nobody", "nothing",  "nowhere",
     "neither",    "nor",       "cannot",    "without",    "unless", "except",   "excepted",
     "apart",      "forbidden", "forbids",   "prohibited", "banned", "fails",    "nicht",
     "kein",       "keine",     "keinen",    "keinem",     "keiner", "keines",   "nie",
     "niemals",    "niemand",   "ohne",      "weder",      "außer",  "verboten", "untersagt",
     "unzulässig", "pas",       "aucun",     "aucune",     "jamais", "sans",     "sauf",
     "interdit",   "interdite", "interdits", "interdites"});

constexpr auto kForbidding = std::to_array<std::string_view>(
    {"forbidden", "forbids", "forbid", "prohibited", "prohibits", "banned", "ban", "verboten",
     "untersagt", "unzulässig", "interdit", "interdite", "interdits", "interdites"});

// "don't" is written in two tokens.
constexpr auto kBeforeContraction = std::to_array<std::string_view>(
    {"don", "doesn", "didn", "won", "can", "isn", "aren", "wasn", "weren", "couldn", "wouldn",
     "shouldn", "mustn", "hasn", "haven", "hadn", "needn"});

// After a negation these make a bound of it, or a phrase that denies nothing.
constexpr auto kBounds = std::to_array<std::string_view>(
    {"more", "later", "less", "fewer", "only", "earlier", "than", "mehr", "weniger", "später",
     "nur", "just", "plus", "delay", "doubt", "exception"});

constexpr auto kGermanFunctionWords = std::to_array<std::string_view>(
    {"der",   "die",    "das",  "den",    "dem",  "des",    "ein",     "eine",   "einen", "einem",
     "einer", "eines",  "und",  "oder",   "ist",  "sind",   "war",     "waren",  "von",   "vom",
     "zu",    "zum",    "zur",  "mit",    "bei",  "beim",   "auf",     "aus",    "an",    "am",
     "im",    "in",     "ins",  "es",     "er",   "sie",    "man",     "sich",   "als",   "auch",
     "aber",  "nur",    "noch", "für",    "wird", "werden", "wurde",   "wurden", "kann",  "können",
     "darf",  "dürfen", "muss", "müssen", "hat",  "haben",  "nach",    "vor",    "über",  "unter",
     "durch", "um",     "bis",  "wie",    "wenn", "dass",   "so",      "da",     "dort",  "hier",
     "gibt",  "ihr",    "ihre", "ihren",  "sein", "seine",  "deshalb", "selbst", "sogar"});
constexpr auto kFrenchFunctionWords = std::to_array<std::string_view>(
    {"le",    "la",   "les",  "l",    "de",     "des", "d",     "du",  "un",  "une",  "et",
     "ou",    "est",  "sont", "sera", "seront", "en",  "à",     "au",  "aux", "dans", "sur",
     "pour",  "par",  "avec", "que",  "qui",    "ne",  "n",     "se",  "s",   "ce",   "cette",
     "ces",   "il",   "ils",  "elle", "elles",  "on",  "plus",  "son", "sa",  "ses",  "leur",
     "leurs", "dont", "qu",   "y",    "a",      "ont", "avant", "dès"});

// Names of units, those of one unit in one line.
constexpr auto kUnits = std::to_array<std::string_view>({
    "m metre metres meter meters metern mètre mètres",
    "km kilometre kilometres kilometer kilometers kilometern kilomètre kilomètres",
    "cm centimetre centimetres centimeter centimeters zentimeter",
    "mm millimetre millimetres millimeter millimeters",
    "kg kilogram kilograms kilogramm kilo kilos",
    "t ton tons tonne tonnes tonnen",
    "mg milligram milligrams milligramm",
    "mile miles meile meilen",
    "foot feet ft",
    "inch inches zoll",
    "ml millilitre millilitres milliliter milliliters",
    "kw kilowatt kilowatts",
    "v volt volts",
    "°c celsius",
    "°f fahrenheit",
    "franc francs franken chf",
    "krone kroner kronen krona kronor crowns",
    "yen jpy",
    "g gram grams gramm gramme grammes",
    "l litre litres liter liters litern",
    "w watt watts",
    "k kelvin",
    "s sec second seconds sekunde sekunden seconde secondes",
    "min minute minutes minuten",
    "h hr hour hours stunde stunden heure heures",
    "euro euros eur",
    "pound pounds gbp",
    "dollar dollars usd",
    "percent",
    "day days tag tage tagen jour jours",
    "week weeks woche wochen semaine semaines",
    "month months monat monate monaten mois",
    "year years jahr jahre jahren an ans année années",
});
constexpr auto kUnitSymbols = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"€", "euro"}, {"£", "pound"}, {"$", "dollar"}, {"%", "percent"}, {"per cent", "percent"}});

// Bit of the unit that `word` (in small letters) names; 0 for none.
std::uint64_t UnitBit(std::string_view word) {
  if (word.empty()) return 0;
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    const std::string_view names = kUnits[i];
    for (std::size_t at = names.find(word); at != names.npos; at = names.find(word, at + 1)) {
      const std::size_t end = at + word.size();
      const bool begins = at == 0 || names[at - 1] == ' ';
      if (begins && (end == names.size() || names[end] == ' ')) return std::uint64_t{1} << i;
    }
  }
  return 0;
}

constexpr double kSmall = 100;  // numbers below this say little by themselves

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 128;
}

double ToDouble(const std::string& digits) {
  double value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

void AddReading(double value, std::vector<double>& readings) {
  if (std::ranges::find(readings, value) == readings.end()) readings.push_back(value);
}

// What digits with separators may mean: "1,100" is 1100 and 1.1.
std::vector<double> ReadingsOf(std::string_view digits) {
  std::vector<double> readings;
  std::string whole;  // without separators
  std::string decimal;
  std::size_t separators = 0;
  std::size_t last = std::string_view::npos;
  bool thousands = true;  // each group behind a separator has three digits
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (IsDigit(digits[i])) {
      whole += digits[i];
      decimal += digits[i];
      continue;
    }
    if (last != std::string_view::npos) thousands = thousands && i - last == 4;
    last = i;
    ++separators;
    decimal += '.';
  }
  if (separators == 0) return {ToDouble(whole)};
  thousands = thousands && digits.size() - last == 4 && digits[last] != ':';
  if (thousands) AddReading(ToDouble(whole), readings);
  if (separators == 1) {
    AddReading(ToDouble(decimal), readings);
    // Ten o'clock. Other times keep to "hours.minutes" on both sides.
    if (digits[last] == ':' && digits.substr(last + 1) == "00") {
      AddReading(ToDouble(std::string(digits.substr(0, last))), readings);
    }
  }
  return readings;
}

// The digits with inner separators that begin at `at`.
std::size_t EndOfDigits(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (
      end < text.size() &&
      (IsDigit(text[end]) || (std::string_view(".,:'").find(text[end]) != std::string_view::npos &&
                              end + 1 < text.size() && IsDigit(text[end + 1])))) {
    ++end;
  }
  return end;
}

// Whether the digits at [begin, end) are part of a name: "A40", "W-0312", "2x".
bool IsPartOfName(std::string_view text, std::size_t begin, std::size_t end) {
  if (begin > 0 && IsLetter(text[begin - 1]) && static_cast<unsigned char>(text[begin - 1]) < 128) {
    return true;
  }
  const bool dashed = begin > 1 && text[begin - 1] == '-' && IsLetter(text[begin - 2]);
  return dashed || (end < text.size() && text[end] == '_');
}

std::string_view NextWord(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] == ' ') ++at;
  std::size_t end = at;
  while (end < text.size() && IsLetter(text[end])) ++end;
  return text.substr(at, end - at);
}

template <std::size_t N>
double ValueOf(std::string_view word, const std::array<Value, N>& values) {
  const auto tokens = Tokens(word, 1);
  if (tokens.empty()) return 0;
  const auto* at = std::ranges::find(values, std::string_view(tokens[0].lower), &Value::first);
  return at == values.end() ? 0 : at->second;
}

// One word in two numbers, or two names of one unit.
bool IsAlike(std::string_view a, std::string_view b) {
  constexpr std::size_t kEnding = 2;
  if (a.size() > b.size()) std::swap(a, b);
  if (b.starts_with(a) && b.size() - a.size() <= kEnding) return true;
  const auto unit = UnitBit(a);
  return unit != 0 && unit == UnitBit(b);
}

void ReadWordBehind(std::string_view text, ClaimNumber& number) {
  constexpr auto kDegrees =
      std::to_array<std::string_view>({"degrees", "degree", "grad", "degrés", "°", "nautical"});
  auto word = NextWord(text, number.end);
  auto next = Tokens(word, 1);
  if (!next.empty() && IsOneOf(next[0].lower, kDegrees)) {
    const auto behind =
        Tokens(NextWord(text, static_cast<std::size_t>(word.end() - text.begin())), 1);
    if (!behind.empty() && UnitBit(behind[0].lower) != 0) next = behind;
  }
  if (!next.empty()) number.next = next[0].lower;
  const double scale = ValueOf(NextWord(text, number.end), kScales);
  if (scale == 0) return;
  const auto plain = number.readings;
  for (const double value : plain) AddReading(std::round(value * scale), number.readings);
}

// False for "three months" and "three metres".
bool SameUnit(const ClaimNumber& a, const ClaimNumber& b) {
  const auto first = UnitBit(a.next);
  const auto second = UnitBit(b.next);
  return first == 0 || second == 0 || first == second;
}

bool Holds(const std::vector<ClaimNumber>& held, double value) {
  constexpr double kSame = 1e-9;
  return std::ranges::any_of(held, [&](const ClaimNumber& number) {
    return std::ranges::any_of(number.readings, [&](double reading) {
      return std::abs(reading - value) <= kSame * std::max(1.0, std::abs(value));
    });
  });
}

bool Negates(const std::vector<Token>& tokens, std::size_t i) {
  if (tokens[i].lower == "t") {
    return i > 0 && tokens[i].before != ' ' && IsOneOf(tokens[i - 1].lower, kBeforeContraction);
  }
  if (!IsNegation(tokens[i].lower)) return false;
  return i + 1 == tokens.size() || !IsOneOf(tokens[i + 1].lower, kBounds);
}

}  // namespace

namespace {

// "Half an hour" is thirty minutes.
bool ReadHalfHour(std::string_view text, std::size_t begin, std::vector<ClaimNumber>& numbers) {
  constexpr double kMinutes = 30;
  constexpr auto kPhrases = std::to_array<std::string_view>(
      {"half an hour", "half-hour", "halbe Stunde", "halben Stunde", "demi-heure"});
  for (const auto phrase : kPhrases) {
    if (!text.substr(begin).starts_with(phrase)) continue;
    numbers.push_back({{kMinutes}, begin, begin + phrase.size(), "minutes"});
    return true;
  }
  return false;
}

}  // namespace

std::vector<ClaimNumber> NumbersOf(std::string_view text) {
  std::vector<ClaimNumber> numbers;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    if (IsDigit(text[at])) {
      at = EndOfDigits(text, at);
      if (IsPartOfName(text, begin, at)) continue;
      ClaimNumber number{ReadingsOf(text.substr(begin, at - begin)), begin, at, {}};
      if (number.readings.empty()) continue;
      ReadWordBehind(text, number);
      numbers.push_back(std::move(number));
    } else if (IsLetter(text[at])) {
      if (ReadHalfHour(text, at, numbers)) {
        at = numbers.back().end;
        continue;
      }
      // Letters that digits follow are a name; those digits see a letter before them.
      while (at < text.size() && IsLetter(text[at])) ++at;
      const double value = ValueOf(text.substr(begin, at - begin), kNumberWords);
      if (value == 0) continue;
      ClaimNumber number{{value}, begin, at, {}};
      ReadWordBehind(text, number);
      numbers.push_back(std::move(number));
    } else {
      ++at;
    }
  }
  return numbers;
}

bool HoldsNumber(const std::vector<ClaimNumber>& held, const ClaimNumber& number) {
  std::vector<ClaimNumber> alike;
  std::ranges::copy_if(held, std::back_inserter(alike),
                       [&](const ClaimNumber& other) { return SameUnit(other, number); });
  for (const double value : number.readings) {
    if (Holds(alike, value)) return true;
    // Small numbers come out of any two others, a year of the year before and a count.
    const auto derives = [&](double part, double other) {
      return part >= kSmall && other >= kSmall && Holds(held, other);
    };
    for (const auto& other : held) {
      for (const double part : other.readings) {
        if (value >= kSmall && (derives(part, value - part) || derives(part, value + part))) {
          return true;
        }
      }
    }
  }
  return false;
}

bool HoldsCount(const std::vector<ClaimNumber>& held, const ClaimNumber& number) {
  return std::ranges::any_of(held, [&](const ClaimNumber& other) {
    const bool agrees = number.next.empty() || other.next.empty() ||
                        IsAlike(number.next, other.next) || number.readings.front() >= kSmall;
    return agrees && HoldsNumber({other}, number);
  });
}

bool Contradicts(const std::vector<ClaimNumber>& held, const ClaimNumber& number) {
  if (number.next.empty() || HoldsNumber(held, number)) return false;
  return std::ranges::any_of(held, [&](const ClaimNumber& other) {
    return !other.next.empty() && IsAlike(number.next, other.next);
  });
}

bool HoldsHeadingNumber(const std::vector<ClaimNumber>& held, const ClaimNumber& number) {
  return std::ranges::any_of(held, [&](const ClaimNumber& other) {
    const bool same_word = !number.next.empty() && number.next == other.next;
    return (same_word || number.readings.front() >= kSmall) && HoldsNumber({other}, number);
  });
}

std::uint64_t UnitsOf(std::string_view text) {
  std::uint64_t units = 0;
  for (const auto& token : Tokens(text)) units |= UnitBit(token.lower);
  for (const auto& [symbol, unit] : kUnitSymbols) {
    if (text.find(symbol) != std::string_view::npos) units |= UnitBit(unit);
  }
  return units;
}

bool Denies(std::string_view text) {
  const auto tokens = Tokens(text);
  bool denies = false;
  for (std::size_t i = 0; i < tokens.size(); ++i) denies ^= Negates(tokens, i);
  return denies;
}

bool IsNegation(std::string_view word) {
  return IsOneOf(word, kNegations) || word.ends_with("n't");
}

bool IsForbidding(std::string_view word) { return IsOneOf(word, kForbidding); }

bool IsFunctionWord(std::string_view word, std::string_view language) {
  if (language == "de") return IsOneOf(word, kGermanFunctionWords);
  return language == "fr" && IsOneOf(word, kFrenchFunctionWords);
}

namespace {

// Bytes of "[1]", "[1, 2]", "(source 3)" at the beginning of `text`; 0 for none.
std::size_t SourceMark(std::string_view text) {
  constexpr std::size_t kBytesMax = 40;
  constexpr auto kWords =
      std::to_array<std::string_view>({"source", "sources", "passage", "passages", "document",
                                       "documents", "see", "quelle", "quellen", "siehe"});
  const bool round = text.starts_with('(');
  if (!round && !text.starts_with('[')) return 0;
  const auto end = text.substr(0, kBytesMax).find(round ? ')' : ']');
  if (end == text.npos) return 0;
  bool number = false;
  bool word = false;
  for (const auto& token : Tokens(text.substr(1, end - 1))) {
    if (IsOneOf(token.lower, kWords)) {
      word = true;
    } else if (token.digits && std::ranges::all_of(token.lower, IsDigit)) {
      number = true;
    } else {
      return 0;
    }
  }
  return number && (word || !round) ? end + 1 : 0;
}

// Bytes of "1. ", "2) " at the beginning of `text`; 0 for none.
std::size_t ListNumber(std::string_view text) {
  constexpr std::size_t kDigitsMax = 2;
  std::size_t at = 0;
  while (at < text.size() && at <= kDigitsMax && IsDigit(text[at])) ++at;
  if (at == 0 || at > kDigitsMax || at + 1 >= text.size()) return 0;
  return (text[at] == '.' || text[at] == ')') && text[at + 1] == ' ' ? at + 2 : 0;
}

}  // namespace

std::string WithoutMarks(std::string_view sentence) {
  std::string out;
  for (std::size_t at = 0; at < sentence.size();) {
    if (const auto mark = SourceMark(sentence.substr(at)); mark > 0) {
      at += mark;
      const bool joins =
          at == sentence.size() || std::string_view(".,;:!? ").contains(sentence[at]);
      while (joins && out.ends_with(' ')) out.pop_back();
      continue;
    }
    const char c = sentence[at++];
    if (c != '*' || (at == 1 && sentence.starts_with("* "))) out += c;  // a list's mark stays
  }
  return out;
}

std::string_view ClaimOf(std::string_view sentence) {
  if (const auto begin = sentence.find_first_not_of("-*+• \t"); begin != std::string_view::npos) {
    sentence.remove_prefix(begin);
  }
  sentence.remove_prefix(ListNumber(sentence));
  constexpr auto kReplies = std::to_array<std::string_view>(
      {"Yes, ", "No, ", "Ja, ", "Nein, ", "Oui, ", "Non, ",
       "Yes: ", "No: ", "Not directly: ", "Not quite: ", "Not really: "});
  for (const auto reply : kReplies) {
    if (sentence.starts_with(reply)) sentence.remove_prefix(reply.size());
  }
  constexpr auto kAttributions =
      std::to_array<std::string_view>({"According to ", "Laut ", "Gemäß ", "Selon ", "D'après "});
  constexpr std::size_t kAttributionMax = 80;  // bytes
  const auto comma = sentence.find(", ");
  const bool attributed = std::ranges::any_of(
      kAttributions, [&](std::string_view words) { return sentence.starts_with(words); });
  if (attributed && comma < kAttributionMax) sentence.remove_prefix(comma + 2);
  return sentence;
}

}  // namespace strata::knowledge
