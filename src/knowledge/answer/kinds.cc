#include "knowledge/answer/kinds.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <vector>

#include "knowledge/answer/reasons.h"
#include "knowledge/answer/tokens.h"
#include "text/normalize.h"
#include "text/search_words.h"

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
    {"what days", kDate},
    {"which days", kDate},
    {"which month", kDate},
    {"which weekday", kDate},
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
    {"how fast", kNumber | kLength | kSpeed},
    {"percentage", kPercent},
    {"what percent", kPercent},
    {"what number", kNumber},
    {"what amount", kNumber | kMoney},
    {"what was the total", kNumber | kMoney},
    {"cost", kMoney | kNumber},
    {"costs", kMoney | kNumber},
    {"worth", kMoney | kNumber},
    {"price", kMoney | kNumber},
    {"fee", kMoney | kNumber},
    {"salary", kMoney | kNumber},
    {"weight", kMass},
    {"weigh", kMass},
    {"weighs", kMass},
    {"heavy", kMass},
    {"temperature", kTemperature},
    {"how hot", kTemperature},
    {"how cold", kTemperature},
    {"how warm", kTemperature},
    {"speed of", kSpeed},
    {"top speed", kSpeed},
    {"height", kLength},
    {"length", kLength | kDuration},
    {"width", kLength},
    {"diameter", kLength},
    {"thickness", kLength},
    {"distance", kLength},
    {"altitude", kLength},
    {"capacity", kNumber},
    {"what time", kDate},
    {"which day", kDate},
    {"where", kPlace},
    {"what country", kPlace},
    {"which country", kPlace},
    {"what city", kPlace},
    {"which city", kPlace},
    {"place of", kPlace},
    {"why", kReason},
    {"what reason", kReason},
};
constexpr Cue kMoreCues[] = {
    {"what caused", kReason},     {"what causes", kReason},
    {"cause of", kReason},        {"reason for", kReason},
    {"what led to", kReason},     {"how come", kReason},
    {"phone number", kPhone},     {"telephone number", kPhone},
    {"fax number", kPhone},       {"email address", kEmail},
    {"e mail address", kEmail},   {"mail address", kEmail},
    {"web address", kUrl},        {"the url", kUrl},
    {"how much memory", kData},   {"how much storage", kData},
    {"how much disk", kData},     {"what colour", kColour},
    {"which colour", kColour},    {"which colours", kColour},
    {"what color", kColour},      {"which color", kColour},
    {"welche farbe", kColour},    {"what is the volume", kVolume},
    {"what volume", kVolume},     {"what is the pressure", kPressure},
    {"what pressure", kPressure}, {"what is the power", kPower},
    {"what is the area", kArea},  {"what is the humidity", kPercent},
    {"what humidity", kPercent},
};
// German and French.
constexpr Cue kForeignCues[] = {
    {"wer", kPerson},
    {"wem", kPerson},
    {"wen", kPerson},
    {"wessen", kPerson},
    {"wie heisst", kPerson},
    {"wann", kDate},
    {"wo", kPlace},
    {"wie viel", kNumber | kMoney},
    {"wie viele", kNumber},
    {"wieviel", kNumber | kMoney},
    {"wieviele", kNumber},
    {"was kostet", kNumber | kMoney},
    {"was kosten", kNumber | kMoney},
    {"wie lang", kLength | kDuration},
    {"wie lange", kDuration},
    {"wie hoch", kLength | kNumber},
    {"wie tief", kLength},
    {"wie breit", kLength},
    {"wie weit", kLength},
    {"wie schwer", kMass},
    {"wie alt", kDuration | kDate},
    {"warum", kReason},
    {"weshalb", kReason},
    {"wieso", kReason},
    {"wie teuer", kMoney | kNumber},
    {"wie viel uhr", kDate},
    {"welche uhrzeit", kDate},
    {"welcher uhrzeit", kDate},
    {"welchem tag", kDate},
    {"welchen tagen", kDate},
    {"welcher tag", kDate},
    {"welchem jahr", kDate},
    {"welchem monat", kDate},
    {"kostet", kMoney | kNumber},
    {"kosten", kMoney | kNumber},
    {"preis", kMoney | kNumber},
    {"gebühr", kMoney | kNumber},
    {"qui", kPerson},
    {"comment s appelle", kPerson},
    {"quand", kDate},
    {"quel jour", kDate},
    {"quels jours", kDate},
    {"quelle heure", kDate},
    {"quelles heures", kDate},
    {"quelle date", kDate},
    {"quel mois", kDate},
    {"quelle année", kDate},
    {"où", kPlace},
    {"combien", kNumber | kMoney},
    {"combien de temps", kDuration},
    {"coûte", kMoney | kNumber},
    {"coûtent", kMoney | kNumber},
    {"coût", kMoney | kNumber},
    {"prix", kMoney | kNumber},
    {"tarif", kMoney | kNumber},
    {"montant", kMoney | kNumber},
    {"quelle couleur", kColour},
    {"pourquoi", kReason},
};
// Spanish and Italian: they count only where the question begins, for "dove" and "chi" are words
// elsewhere too.
constexpr Cue kOpeningCues[] = {
    {"quién", kPerson},
    {"quiénes", kPerson},
    {"cuándo", kDate},
    {"qué día", kDate},
    {"qué días", kDate},
    {"qué hora", kDate},
    {"qué año", kDate},
    {"dónde", kPlace},
    {"cuánto", kNumber | kMoney},
    {"cuánto cuesta", kNumber | kMoney},
    {"cuánta", kNumber},
    {"cuántos", kNumber},
    {"cuántas", kNumber},
    {"por qué", kReason},
    {"cuánto tiempo", kDuration},
    {"cuánto dura", kDuration},
    {"chi", kPerson},
    {"quando", kDate},
    {"che ora", kDate},
    {"che giorno", kDate},
    {"quale giorno", kDate},
    {"dove", kPlace},
    {"quanto", kNumber | kMoney},
    {"quanto costa", kNumber | kMoney},
    {"quanta", kNumber},
    {"quanti", kNumber},
    {"quante", kNumber},
    {"perché", kReason},
    {"quanto dura", kDuration},
};

constexpr auto kMonths = std::to_array<std::string_view>(
    {"january", "february",  "march",   "april",    "may",      "june",    "july",
     "august",  "september", "october", "november", "december", "januar",  "februar",
     "märz",    "mai",       "juni",    "juli",     "oktober",  "dezember"});
constexpr auto kDays = std::to_array<std::string_view>(
    {"monday",  "tuesday",  "wednesday",  "thursday",   "friday",  "saturday",  "sunday",
     "mondays", "tuesdays", "wednesdays", "thursdays",  "fridays", "saturdays", "sundays",
     "montag",  "dienstag", "mittwoch",   "donnerstag", "freitag", "samstag",   "sonntag"});
// German weekdays as they recur: "dienstags".
constexpr auto kRecurring = std::to_array<std::string_view>(
    {"montags",     "dienstags",   "mittwochs",  "donnerstags", "freitags",   "samstags",
     "sonnabend",   "sonnabends",  "sonntags",   "werktags",    "wochentags", "feiertags",
     "täglich",     "wöchentlich", "jährlich",   "morgens",     "vormittags", "mittags",
     "nachmittags", "abends",      "mitternacht"});
// Weekdays and times of day of French, Spanish and Italian, which write them in small letters.
constexpr auto kSmallDays = std::to_array<std::string_view>(
    {"lundi",     "mardi",     "mercredi",   "jeudi",     "vendredi",    "samedi",
     "dimanche",  "lundis",    "mardis",     "mercredis", "jeudis",      "vendredis",
     "samedis",   "dimanches", "midi",       "minuit",    "lunes",       "martes",
     "miércoles", "jueves",    "viernes",    "sábado",    "sábados",     "domingo",
     "domingos",  "mediodía",  "medianoche", "lunedì",    "martedì",     "mercoledì",
     "giovedì",   "venerdì",   "sabato",     "domenica",  "mezzogiorno", "mezzanotte"});
constexpr auto kSmallMonths = std::to_array<std::string_view>(
    {"janvier",   "février",   "avril",     "juin",      "juillet",  "août",
     "septembre", "octobre",   "novembre",  "décembre",  "enero",    "febrero",
     "abril",     "mayo",      "junio",     "julio",     "agosto",   "septiembre",
     "octubre",   "noviembre", "diciembre", "gennaio",   "febbraio", "aprile",
     "maggio",    "giugno",    "luglio",    "settembre", "ottobre",  "dicembre"});
// Those that are other words too: after a number or one of these they are months.
constexpr auto kDoubtfulMonths = std::to_array<std::string_view>({"mars", "mai", "marzo"});
constexpr auto kBeforeMonths = std::to_array<std::string_view>(
    {"en", "de", "du", "à", "au", "dès", "depuis", "fin", "début", "entre", "et", "di", "a", "in",
     "al", "dal", "del", "desde", "hasta"});
// "à 14 h", "dès 9 heures", "ore 9".
constexpr auto kHours = std::to_array<std::string_view>({"h", "heures", "heure", "horas"});
constexpr auto kBeforeHours =
    std::to_array<std::string_view>({"à", "dès", "vers", "avant", "après", "entre", "a"});
constexpr auto kBeforeClock = std::to_array<std::string_view>({"ore", "dalle"});
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
constexpr auto kPlaceWords = std::to_array<std::string_view>(
    {"in",       "at",    "from",   "near",     "on",      "of",     "behind", "beside", "below",
     "opposite", "above", "under",  "to",       "through", "im",     "bei",    "auf",    "nach",
     "aus",      "zur",   "zum",    "hinter",   "neben",   "über",   "unter",  "vor",    "am",
     "dans",     "sur",   "sous",   "derrière", "devant",  "chez",   "à",      "au",     "aux",
     "près",     "en",    "detrás", "nel",      "nella",   "dietro", "sul",    "sulla"});
// Between such a word and a name or a noun.
constexpr auto kForeignArticles = std::to_array<std::string_view>(
    {"der", "die", "das", "den", "dem", "le", "la", "l", "les", "el", "los", "las", "il", "lo"});
// What a place is called without a name.
constexpr auto kPlaceNouns = std::to_array<std::string_view>(
    {"floor",    "room",     "building", "street",   "town",    "city",   "village",  "office",
     "hall",     "cellar",   "attic",    "north",    "south",   "east",   "west",     "garden",
     "yard",     "river",    "lake",     "harbour",  "harbor",  "coast",  "hill",     "station",
     "square",   "entrance", "corner",   "cabinet",  "shelf",   "drawer", "store",    "archive",
     "desk",     "wing",     "basement", "corridor", "étage",   "salle",  "bâtiment", "rue",
     "ville",    "bureau",   "grenier",  "jardin",   "cour",    "gare",   "accueil",  "armoire",
     "couloir",  "cave",     "piso",     "edificio", "calle",   "ciudad", "oficina",  "sótano",
     "jardín",   "estación", "entrada",  "stanza",   "ufficio", "città",  "cantina",  "giardino",
     "stazione", "piazza",   "ingresso"});
// What a person, or those who act as one, is called without a name.
constexpr auto kRoles = std::to_array<std::string_view>(
    {"mr",        "mrs",         "ms",        "dr",        "prof",       "professor",
     "sir",       "manager",     "director",  "owner",     "president",  "chair",
     "chairman",  "secretary",   "staff",     "team",      "department", "committee",
     "council",   "board",       "company",   "office",    "officer",    "engineer",
     "architect", "conservator", "curator",   "librarian", "technician", "operator",
     "driver",    "doctor",      "nurse",     "teacher",   "engineers",  "employees",
     "members",   "visitors",    "customers", "caretaker", "keeper",     "assistant",
     "clerk",     "supervisor",  "guests",    "pupils",    "students",   "passengers",
     "residents", "tenants",     "patients",  "children",  "adults"});
constexpr std::array<std::string_view, 10> kTimeWords = {
    "noon", "midnight", "clock", "am", "pm", "daily", "weekly", "monthly", "yearly", "uhr"};
constexpr auto kColours = std::to_array<std::string_view>(
    {"black",  "white",  "grey",   "gray",       "red",     "green",  "blue",
     "yellow", "brown",  "orange", "purple",     "pink",    "violet", "beige",
     "silver", "golden", "gold",   "turquoise",  "crimson", "navy",   "ivory",
     "cream",  "amber",  "bronze", "colourless", "schwarz", "weiss",  "grau",
     "rot",    "grün",   "blau",   "gelb",       "braun"});
bool IsYear(const Token& token) {
  return token.lower.size() == 4 &&
         std::ranges::all_of(token.lower, [](unsigned char c) { return std::isdigit(c) != 0; }) &&
         (token.lower[0] == '1' || token.lower[0] == '2');
}

bool IsNumber(const Token& token) {
  return token.digits || IsOneOf(token.lower, kNumberWords) ||
         IsOneOf(token.lower, kGermanNumberWords) ||
         (!token.capitalised && IsOneOf(token.lower, kRomanceNumberWords));
}

unsigned KindOfUnit(std::string_view unit) {
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

// A unit counts after a number: "23 kilometres", "two hundred years", "5km".
unsigned UnitsOfToken(const std::vector<Token>& tokens, std::size_t i) {
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
  return kinds | KindOfUnit(joined ? std::string_view(digits, token.lower.end())
                                   : std::string_view(token.lower));
}

bool IsWhole(const Token& token) {
  return std::ranges::all_of(token.lower, [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Digits from token `i` on that are dialled: "+44 1632 960118", "030/123456". No amounts ("1,200"),
// no dates ("2024-11-06") and no spans of years.
bool IsPhone(const std::vector<Token>& tokens, std::size_t i) {
  constexpr std::size_t kDigitsMin = 7;
  if (!IsWhole(tokens[i]) || (i > 0 && IsWhole(tokens[i - 1]) && tokens[i].before == ' ')) {
    return false;
  }
  const bool marked =
      tokens[i].before == '+' || tokens[i].before == '(' || tokens[i].lower[0] == '0';
  std::size_t digits = 0;
  std::size_t parts = 0;
  bool years = true;
  for (; i < tokens.size() && IsWhole(tokens[i]); ++i, ++parts) {
    const char before = tokens[i].before;
    if (parts > 0 && std::string_view(" -/()").find(before) == std::string_view::npos) break;
    if (parts > 0 && before == '-' && tokens[i].lower.size() == 2 &&
        tokens[i - 1].lower.size() <= 4 && !marked) {
      return false;
    }
    digits += tokens[i].lower.size();
    years = years && IsYear(tokens[i]);
  }
  return digits >= kDigitsMin && (marked || (parts > 1 && !years));
}

// Whether the number at `i` is an hour as French, Spanish or Italian write it: "à 14 h", "14h30",
// "a las 9", "dalle 9". "3 h" alone is a duration.
bool IsHour(const std::vector<Token>& tokens, std::size_t i) {
  const Token& token = tokens[i];
  if (!token.digits || i == 0) return false;
  const auto digits = [](unsigned char c) { return std::isdigit(c) != 0; };
  const auto unit = std::ranges::find_if_not(token.lower, digits);
  const std::string_view joined(unit, token.lower.end());
  // "14h30"
  if (joined.size() == 3 && joined[0] == 'h' && std::ranges::all_of(joined.substr(1), digits)) {
    return true;
  }
  const auto& before = tokens[i - 1].lower;
  if (IsOneOf(before, kBeforeClock)) return true;
  if (before == "las" && i > 1 && IsOneOf(tokens[i - 2].lower, kBeforeMonths)) return true;
  const bool hours =
      IsOneOf(joined, kHours) || (i + 1 < tokens.size() && IsOneOf(tokens[i + 1].lower, kHours));
  const bool from = before == "de" && i > 1 && tokens[i - 2].lower == "partir";
  return hours && (from || IsOneOf(before, kBeforeHours));
}

bool IsTime(const std::vector<Token>& tokens, std::size_t i) {
  const Token& token = tokens[i];
  if (IsOneOf(token.lower, kTimeWords)) return true;
  const bool hours = token.digits && token.after == ':' && i + 1 < tokens.size();
  if (hours && tokens[i + 1].digits && tokens[i + 1].before == ':') return true;
  if (IsNumber(token) && i > 0 && tokens[i - 1].lower == "at") return true;
  return IsHour(tokens, i);
}

// "avril", "en mars"; of German months those with a capital.
bool IsSmallMonth(const std::vector<Token>& tokens, std::size_t i) {
  const Token& token = tokens[i];
  if (token.capitalised) return false;
  if (IsOneOf(token.lower, kSmallMonths)) return true;
  if (!IsOneOf(token.lower, kDoubtfulMonths)) return false;
  return (i > 0 && (tokens[i - 1].digits || IsOneOf(tokens[i - 1].lower, kBeforeMonths))) ||
         (i + 1 < tokens.size() && IsYear(tokens[i + 1]));
}

bool IsDay(const Token& token) {
  return IsOneOf(token.lower, kDays) || IsOneOf(token.lower, kRecurring) ||
         (!token.capitalised && IsOneOf(token.lower, kSmallDays));
}

// Reads one sentence from left to right.
class KindReader {
 public:
  KindReader(const std::vector<Token>& tokens, std::span<const std::string> asked)
      : tokens_(tokens), asked_(asked) {}

  unsigned Read() {
    for (std::size_t i = 0; i < tokens_.size(); ++i) kinds_ |= OfToken(i) | OfName(i);
    return kinds_;
  }

 private:
  // What stands in the question is not its answer.
  bool IsAsked(const Token& token) const {
    return std::ranges::find(asked_, text::FoldAccents(token.lower)) != asked_.end();
  }

  unsigned OfToken(std::size_t i) const {
    const Token& token = tokens_[i];
    unsigned kinds = kNoKind;
    if (GivesReason(tokens_, i, asked_)) kinds |= kReason;
    if (IsOneOf(token.lower, kPlaceNouns) && AfterPlaceWord(i)) kinds |= kPlace;
    if (token.after == '@') kinds |= kEmail;
    // The unit may stand in the question, its number not: "How many litres …?"
    if (IsAsked(token)) {
      const bool unit = !token.digits && i > 0 && !IsAsked(tokens_[i - 1]);
      return unit ? kinds | UnitsOfToken(tokens_, i) : kinds;
    }
    if (IsOneOf(token.lower, kRoles)) kinds |= kPerson;
    if (IsNumber(token) && !IsMark(i)) kinds |= kNumber;
    if (IsPhone(tokens_, i)) kinds |= kPhone;
    if (IsOneOf(token.lower, kColours)) kinds |= kColour;
    if (token.lower == "http" || token.lower == "https" || token.lower == "www") kinds |= kUrl;
    if (IsYear(token) || IsMonth(token) || IsSmallMonth(tokens_, i) || IsDay(token) ||
        IsTime(tokens_, i)) {
      kinds |= kDate;
    }
    return kinds | UnitsOfToken(tokens_, i);
  }

  static bool IsMonth(const Token& token) {
    return token.capitalised && IsOneOf(token.lower, kMonths);
  }

  // A number that counts nothing: a year, the day of a date, what tells one thing from another
  // ("Tank 2").
  bool IsMark(std::size_t i) const {
    const Token& token = tokens_[i];
    if (!token.digits || token.before == '$' || token.after == '%') return false;
    const Token* next = i + 1 < tokens_.size() ? &tokens_[i + 1] : nullptr;
    const bool counts = next && token.after == ' ' && !next->capitalised && !next->digits &&
                        !text::IsStopWord(next->lower);
    if (next && IsMonth(*next)) return true;
    if (counts || i == 0) return false;
    const Token& before = tokens_[i - 1];
    if (IsMonth(before) || IsYear(token)) return true;
    return token.before == ' ' && before.capitalised && i > 1 && !text::IsStopWord(before.lower);
  }

  bool AfterPlaceWord(std::size_t i) const {
    for (std::size_t back = 1; back <= 3 && back <= i; ++back) {
      if (IsOneOf(tokens_[i - back].lower, kPlaceWords)) return true;
    }
    return false;
  }

  // A capitalised word that does not merely begin the sentence names a person, or a place after
  // "in" and the like; the words of one name are of the same kind. No person has an article.
  unsigned OfName(std::size_t i) {
    const Token& token = tokens_[i];
    const bool acronym = token.capitals > 1;  // TIFF, UNESCO
    const bool begins = i == 0 && (i + 1 == tokens_.size() || !tokens_[i + 1].capitalised);
    if (!token.capitalised || acronym || begins || IsMonth(token) ||
        text::IsStopWord(token.lower) || IsDay(token) || IsAsked(token)) {
      return name_ = kNoKind;
    }
    if (i > 0 && name_ != kNoKind && token.before == ' ') return name_;
    if (i == 0) return name_ = kPerson;
    std::string_view before = tokens_[i - 1].lower;
    const bool article = before == "the" || before == "a" || before == "an";
    if (article && i > 1) before = tokens_[i - 2].lower;
    const bool foreign =
        i > 1 && IsOneOf(before, kForeignArticles) && IsOneOf(tokens_[i - 2].lower, kPlaceWords);
    if (foreign) return name_ = kPlace | kPerson;
    const bool place = IsOneOf(before, kPlaceWords);
    name_ = place ? unsigned{kPlace} : unsigned{kNoKind};
    if (!article && (!place || before == "of" || before == "to" || before == "from")) {
      name_ |= kPerson;
    }
    return name_;
  }

  const std::vector<Token>& tokens_;
  const std::span<const std::string> asked_;
  unsigned kinds_ = kNoKind;
  unsigned name_ = kNoKind;  // of the name that the token before belongs to
};

// Lower case, one space between words and one at both ends, so that phrases match at boundaries.
std::string Folded(std::string_view text) {
  std::string folded = " ";
  for (const auto& token : Tokens(text)) folded += token.lower + " ";
  return folded;
}

std::vector<Cue> CuesIn(std::string_view question) {
  const std::string folded = Folded(question);
  std::vector<Cue> cues;
  for (const auto& list : {std::span<const Cue>(kCues), std::span<const Cue>(kMoreCues),
                           std::span<const Cue>(kForeignCues)}) {
    for (const auto& cue : list) {
      if (folded.find(" " + std::string(cue.phrase) + " ") != folded.npos) cues.push_back(cue);
    }
  }
  for (const auto& cue : kOpeningCues) {
    const auto at = folded.find(" " + std::string(cue.phrase) + " ");
    // Behind one word at most: "A qué hora".
    if (at != folded.npos && at <= folded.find(' ', 1)) cues.push_back(cue);
  }
  return cues;
}

// "What do I pay for the tour?", not "What do I pay for?" and "Who pays?".
bool AsksWhatIsPaid(std::string_view question) {
  const auto tokens = Tokens(question);
  const auto asks = std::ranges::find(tokens, "what", &Token::lower);
  const auto pays = std::find_if(asks, tokens.end(), [](const Token& token) {
    return token.lower == "pay" || token.lower == "pays" || token.lower == "paid";
  });
  if (pays == tokens.end()) return false;
  const auto last = tokens.end() - 1;
  return pays == last || (pays + 1)->lower != "for" || pays + 1 != last;
}

}  // namespace

unsigned KindsAsked(std::string_view question) {
  question = LastQuestion(question);
  unsigned kinds = kNoKind;
  unsigned of_nouns = kNoKind;  // "price": what is asked for, unless a word for asking says so
  for (const auto& cue : CuesIn(question)) {
    const bool noun = cue.kinds == (kMoney | kNumber) && cue.phrase.find(' ') == cue.phrase.npos;
    (noun ? of_nouns : kinds) |= cue.kinds;
  }
  if ((kinds & (kDate | kPerson | kPlace | kReason)) == 0) kinds |= of_nouns;
  if (AsksWhatIsPaid(question)) kinds |= kMoney | kNumber;
  // "How many litres", "the warranty in months": a number of that unit.
  const auto tokens = Tokens(question);
  for (std::size_t i = 2; i < tokens.size(); ++i) {
    const bool counted = tokens[i - 1].lower == "many" && tokens[i - 2].lower == "how";
    if (const auto of_unit = KindOfUnit(tokens[i].lower); counted && of_unit != kNoKind) {
      kinds = (kinds & ~unsigned{kNumber}) | of_unit;
    }
  }
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    if (tokens[i - 1].lower == "in" && tokens[i].lower.size() > 1) {
      kinds |= KindOfUnit(tokens[i].lower);
    }
  }
  return kinds;
}

std::vector<std::string_view> CueWords(std::string_view question) {
  std::vector<std::string_view> words;
  for (const auto& cue : CuesIn(LastQuestion(question))) {
    for (auto rest = cue.phrase; !rest.empty();) {
      const auto end = std::min(rest.find(' '), rest.size());
      words.push_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return words;
}

unsigned KindsIn(std::string_view sentence, std::span<const std::string> asked) {
  return KindReader(Tokens(sentence), asked).Read();
}

unsigned KindsOfHeading(std::string_view heading) {
  constexpr std::array<std::string_view, 8> kPersonHeadings = {
      "name", "author", "contact", "person", "responsible", "inventor", "by", "employee"};
  constexpr std::array<std::string_view, 6> kPhoneHeadings = {"phone",  "telephone", "tel",
                                                              "mobile", "telefon",   "téléphone"};
  unsigned kinds = kNoKind;
  const auto tokens = Tokens(heading);
  for (const auto& token : tokens) {
    kinds |= KindOfUnit(token.lower);
    if (IsOneOf(token.lower, kRoles) || IsOneOf(token.lower, kPersonHeadings)) kinds |= kPerson;
    if (IsOneOf(token.lower, kPhoneHeadings)) kinds |= kPhone;
  }
  return kinds;
}

std::string_view LastQuestion(std::string_view text) {
  if (const auto turn = text.rfind(kTurnBreak); turn != std::string_view::npos) {
    text.remove_prefix(turn + kTurnBreak.size());
  }
  const auto end = text.find_last_of('?');
  if (end == std::string_view::npos || end == 0) return text;
  const auto before = text.find_last_of('?', end - 1);
  return text.substr(before == std::string_view::npos ? 0 : before + 1);
}

}  // namespace strata::knowledge
