#include "text/abbreviations.h"

#include <algorithm>
#include <array>
#include <span>

namespace strata::text {
namespace {

using Words = std::span<const std::string_view>;

constexpr auto kEverywhere =
    std::to_array<std::string_view>({"ca", "cf", "dr", "ed", "eds", "ibid", "prof", "st", "vol"});
constexpr auto kEnglish = std::to_array<std::string_view>(
    {"adm", "approx", "asst",   "brig", "capt", "cmdr", "col", "dept", "e.g",
     "eg",  "esp",    "est",    "gen",  "gov",  "hon",  "i.e", "ie",   "jun",
     "lt",  "maj",    "messrs", "mr",   "mrs",  "ms",   "mt",  "rep",  "resp",
     "rev", "sen",    "sgt",    "sr",   "supt", "univ", "viz", "vs",   "wrt"});
constexpr auto kGerman = std::to_array<std::string_view>(
    {"abb", "abs", "bzw", "d.h", "ggf", "hr", "inkl", "insb", "kap", "nr", "s", "sog", "str", "tab",
     "u.a", "vgl", "z.b", "z.t", "zzgl"});
constexpr auto kFrench = std::to_array<std::string_view>(
    {"art", "av", "bd", "chap", "env", "fig", "m", "mgr", "mm", "p.ex", "réf", "tél"});
constexpr auto kSpanish = std::to_array<std::string_view>(
    {"art", "avda", "núm", "p.ej", "pág", "págs", "sr", "sra", "srta", "ud", "uds"});
constexpr auto kBeforeNumber = std::to_array<std::string_view>(
    {"al",  "app",  "apr",  "art", "aug",  "chap", "dec",  "eq",  "eqs", "feb",
     "fig", "figs", "jan",  "jul", "mar",  "no",   "nos",  "nov", "oct", "p",
     "pp",  "ref",  "refs", "sec", "sect", "sep",  "sept", "tab", "v"});

bool Has(Words words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

Words OfLanguage(std::string_view language) {
  if (language.empty() || language == "en") return kEnglish;
  if (language == "de") return kGerman;
  if (language == "fr") return kFrench;
  if (language == "es") return kSpanish;
  return {};
}

}  // namespace

Abbreviation FindAbbreviation(std::string_view word, std::string_view language) {
  if (Has(kEverywhere, word) || Has(OfLanguage(language), word)) return Abbreviation::kBeforeAny;
  return Has(kBeforeNumber, word) ? Abbreviation::kBeforeNumber : Abbreviation::kNone;
}

}  // namespace strata::text
