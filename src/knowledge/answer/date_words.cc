#include "knowledge/answer/date_words.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "knowledge/answer/measures.h"

namespace strata::knowledge {
namespace {

constexpr auto kMonths = std::to_array<std::string_view>(
    {"january", "february",  "march",   "april",    "may",      "june",    "july",
     "august",  "september", "october", "november", "december", "januar",  "februar",
     "märz",    "mai",       "juni",    "juli",     "oktober",  "dezember"});
constexpr auto kWeekdays = std::to_array<std::string_view>(
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
constexpr std::array<std::string_view, 10> kTimeWords = {
    "noon", "midnight", "clock", "am", "pm", "daily", "weekly", "monthly", "yearly", "uhr"};

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

}  // namespace

bool IsYear(const Token& token) {
  return token.lower.size() == 4 &&
         std::ranges::all_of(token.lower, [](unsigned char c) { return std::isdigit(c) != 0; }) &&
         (token.lower[0] == '1' || token.lower[0] == '2');
}

bool IsMonthName(std::string_view word) { return IsOneOf(word, kMonths); }

bool IsWeekday(std::string_view word) { return IsOneOf(word, kWeekdays); }

bool IsMonth(const Token& token) { return token.capitalised && IsMonthName(token.lower); }

bool IsDay(const Token& token) {
  return IsWeekday(token.lower) || IsOneOf(token.lower, kRecurring) ||
         (!token.capitalised && IsOneOf(token.lower, kSmallDays));
}

bool SaysWhen(const std::vector<Token>& tokens, std::size_t i) {
  const Token& token = tokens[i];
  return IsYear(token) || IsMonth(token) || IsSmallMonth(tokens, i) || IsDay(token) ||
         IsTime(tokens, i);
}

}  // namespace strata::knowledge
