#include "knowledge/answer/measures.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "knowledge/answer/kinds.h"

namespace strata::knowledge {
namespace {

// Number words of French, Spanish and Italian that are no words of other languages.
constexpr auto kRomanceNumberWords = std::to_array<std::string_view>(
    {"deux",     "trois", "quatre", "cinq",   "sept",    "huit",     "neuf",
     "onze",     "douze", "quinze", "vingt",  "trente",  "quarante", "cinquante",
     "soixante", "dos",   "tres",   "cuatro", "cinco",   "seis",     "siete",
     "ocho",     "nueve", "diez",   "veinte", "treinta", "quattro",  "cinque",
     "sette",    "otto",  "nove",   "dieci",  "venti",   "cento",    "mille"});
constexpr auto kGermanNumberWords = std::to_array<std::string_view>(
    {"zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf",
     "zwanzig", "dreissig", "vierzig", "fünfzig", "hundert", "tausend"});
constexpr std::array<std::string_view, 34> kNumberWords = {
    "two",      "three",  "four",    "five",     "six",      "seven",     "eight",
    "nine",     "ten",    "eleven",  "twelve",   "thirteen", "fifteen",   "sixteen",
    "eighteen", "twenty", "thirty",  "forty",    "fifty",    "sixty",     "seventy",
    "eighty",   "ninety", "hundred", "hundreds", "thousand", "thousands", "million",
    "billion",  "half",   "twice",   "dozen",    "fourteen", "seventeen"};
// Singular and plural; short forms count only right after a number.
constexpr auto kLengthUnits = std::to_array<std::string_view>(
    {"kilometre",  "kilometres", "kilometer",   "kilometers",  "metre",       "metres",
     "meter",      "meters",     "centimetre",  "centimeter",  "centimetres", "centimeters",
     "millimetre", "millimeter", "millimetres", "millimeters", "mile",        "miles",
     "foot",       "feet",       "inch",        "inches",      "yard",        "yards",
     "km",         "m",          "cm",          "mm",          "ft",          "nm",
     "hectares",   "mètre",      "mètres",      "kilomètre",   "kilomètres",  "centimètres",
     "metern",     "kilometern", "metros",      "kilómetros",  "metri",       "chilometri"});
constexpr auto kDurationUnits = std::to_array<std::string_view>(
    {"second",  "seconds",   "minute", "minutes", "hour",     "hours",   "day",       "days",
     "week",    "weeks",     "month",  "months",  "year",     "years",   "decade",    "decades",
     "century", "centuries", "h",      "min",     "sekunden", "minuten", "stunde",    "stunden",
     "tag",     "tage",      "tagen",  "woche",   "wochen",   "monate",  "monaten",   "jahr",
     "jahre",   "jahren",    "monat",  "sekunde", "heure",    "heures",  "jour",      "jours",
     "semaine", "semaines",  "mois",   "ans",     "année",    "années",  "seconde",   "secondes",
     "hora",    "horas",     "día",    "días",    "semana",   "semanas", "mes",       "meses",
     "año",     "años",      "minuto", "minutos", "giorno",   "giorni",  "settimana", "settimane",
     "mesi",    "anni",      "minuti"});
constexpr auto kMoneyUnits = std::to_array<std::string_view>(
    {"dollar",   "dollars",   "euro",   "euros",  "pound",   "pounds", "usd",     "eur",
     "gbp",      "cents",     "yen",    "francs", "franken", "rappen", "chf",     "cent",
     "krone",    "kroner",    "kronor", "crown",  "crowns",  "pence",  "centime", "centimes",
     "céntimos", "centesimi", "pesos",  "€",      "£"});
constexpr auto kMassUnits = std::to_array<std::string_view>(
    {"kg",        "g",      "mg",          "t",      "lb",     "lbs",   "kilogram",
     "kilograms", "gram",   "grams",       "tonne",  "tonnes", "ton",   "tons",
     "pound",     "pounds", "ounce",       "ounces", "kilo",   "kilos", "kilogramm",
     "gramm",     "tonnen", "kilogrammes", "grammes"});
constexpr auto kTemperatureUnits =
    std::to_array<std::string_view>({"degree", "degrees", "c", "f", "k", "celsius", "fahrenheit",
                                     "kelvin", "°c", "grad", "degrés", "grados", "gradi"});
constexpr std::array<std::string_view, 6> kSpeedUnits = {"kmh",   "km",  "mph",
                                                         "knots", "rpm", "mbit"};
constexpr auto kVolumeUnits = std::to_array<std::string_view>(
    {"l",      "ml",      "hl",         "litre",       "litres",     "liter",
     "liters", "litern",  "millilitre", "millilitres", "milliliter", "milliliters",
     "gallon", "gallons", "litros",     "litri",       "barrel",     "barrels",
     "cubic",  "m3",      "pint",       "pints"});
constexpr auto kPressureUnits =
    std::to_array<std::string_view>({"bar", "mbar", "psi", "pa", "kpa", "hpa", "mpa"});
constexpr auto kPowerUnits =
    std::to_array<std::string_view>({"w", "kw", "mw", "watt", "watts", "kilowatt", "kilowatts",
                                     "megawatt", "megawatts", "horsepower", "hp"});
constexpr auto kDataUnits =
    std::to_array<std::string_view>({"kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib", "byte",
                                     "bytes", "megabytes", "gigabytes", "terabytes"});
constexpr auto kAreaUnits = std::to_array<std::string_view>(
    {"square", "hectare", "hectares", "acre", "acres", "ha", "m2", "km2"});
constexpr auto kPercentUnits =
    std::to_array<std::string_view>({"percent", "per", "percentage", "prozent"});

}  // namespace

bool IsNumber(const Token& token) {
  return token.digits || IsOneOf(token.lower, kNumberWords) ||
         IsOneOf(token.lower, kGermanNumberWords) ||
         (!token.capitalised && IsOneOf(token.lower, kRomanceNumberWords));
}

unsigned KindsOfUnit(std::string_view unit) {
  unsigned kinds = kNoKind;
  if (IsOneOf(unit, kLengthUnits)) kinds |= kLength;
  if (IsOneOf(unit, kDurationUnits)) kinds |= kDuration;
  if (IsOneOf(unit, kMoneyUnits)) kinds |= kMoney;
  if (IsOneOf(unit, kPercentUnits)) kinds |= kPercent;
  if (IsOneOf(unit, kMassUnits)) kinds |= kMass;
  if (IsOneOf(unit, kTemperatureUnits)) kinds |= kTemperature;
  if (IsOneOf(unit, kSpeedUnits)) kinds |= kSpeed;
  if (IsOneOf(unit, kVolumeUnits)) kinds |= kVolume;
  if (IsOneOf(unit, kPressureUnits)) kinds |= kPressure;
  if (IsOneOf(unit, kPowerUnits)) kinds |= kPower;
  if (IsOneOf(unit, kAreaUnits)) kinds |= kArea;
  if (IsOneOf(unit, kDataUnits)) kinds |= kData;
  return kinds;
}

unsigned KindsOfMeasure(const std::vector<Token>& tokens, std::size_t i) {
  const Token& token = tokens[i];
  unsigned kinds = kNoKind;
  if (token.digits && (token.before == '$' || token.after == '%')) {
    kinds |= token.before == '$' ? kMoney : kPercent;
  }
  if (token.digits && (token.lower.starts_with("€") || token.lower.starts_with("£")))
    kinds |= kMoney;
  if (token.digits && token.after == '\xC2') kinds |= kTemperature;  // "°"
  const auto digits = std::ranges::find_if_not(
      token.lower, [](unsigned char c) { return std::isdigit(c) != 0 || c == '.'; });
  const bool joined = token.digits && digits != token.lower.begin();  // "5km"
  constexpr std::array<std::string_view, 5> kVague = {"a", "an", "one", "few", "several"};
  const bool counted = i > 0 && (IsNumber(tokens[i - 1]) || IsOneOf(tokens[i - 1].lower, kVague));
  if (!joined && !counted) return kinds;
  return kinds | KindsOfUnit(joined ? std::string_view(digits, token.lower.end())
                                    : std::string_view(token.lower));
}

}  // namespace strata::knowledge
