#include "knowledge/answer/loose_words.h"

#include <algorithm>
#include <array>

#include "knowledge/answer/word_forms.h"
#include "text/normalize.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

constexpr auto kCommon = std::to_array<std::string_view>(
    {"new",        "current",     "present",  "usual",      "normal",    "regular",   "standard",
     "ordinary",   "typical",     "average",  "basic",      "simple",    "whole",     "entire",
     "complete",   "main",        "general",  "official",   "private",   "personal",  "individual",
     "single",     "special",     "extra",    "additional", "separate",  "actual",    "exact",
     "precise",    "total",       "overall",  "initial",    "necessary", "mandatory", "urgent",
     "respective", "certain",     "relevant", "proper",     "own",       "local",     "available",
     "compulsory", "introductory"});
constexpr auto kSuffixes =
    std::to_array<std::string_view>({"ous", "ful", "less", "ional", "ical", "ible", "ed"});
constexpr std::size_t kDerivedMin = 6;  // "guided", not "shed"

// A line is one period: adjectives, then the unit behind "a" or "per".
struct Period {
  std::array<std::string_view, 3> words;
  std::string_view unit;
};
constexpr auto kPeriods = std::to_array<Period>({{{"hourly", "", ""}, "hour"},
                                                 {{"daily", "", ""}, "day"},
                                                 {{"nightly", "", ""}, "night"},
                                                 {{"weekly", "", ""}, "week"},
                                                 {{"monthly", "", ""}, "month"},
                                                 {{"quarterly", "", ""}, "quarter"},
                                                 {{"yearly", "annual", "annually"}, "year"}});

const Period* PeriodOf(std::string_view word) {
  const auto* at = std::ranges::find_if(
      kPeriods, [&](const Period& period) { return IsOneOf(word, period.words); });
  return word.empty() || at == kPeriods.end() ? nullptr : at;
}

// The period that token `i` says.
const Period* PeriodAt(const std::vector<Token>& text, std::size_t i) {
  constexpr auto kBefore = std::to_array<std::string_view>({"a", "an", "per", "each", "every"});
  if (const auto* period = PeriodOf(text[i].lower)) return period;
  if (i == 0 || !IsOneOf(text[i - 1].lower, kBefore)) return nullptr;
  const auto* at = std::ranges::find(kPeriods, text[i].lower, &Period::unit);
  return at == kPeriods.end() ? nullptr : at;
}

}  // namespace

bool IsLooseAdjective(std::string_view word) {
  if (IsOneOf(word, kCommon) || IsPeriod(word)) return true;
  return word.size() >= kDerivedMin && std::ranges::any_of(kSuffixes, [&](std::string_view suffix) {
           return word.ends_with(suffix);
         });
}

bool IsPeriod(std::string_view word) { return PeriodOf(word) != nullptr; }

bool HasPeriod(std::string_view period, const std::vector<Token>& text) {
  const auto* asked = PeriodOf(period);
  for (std::size_t i = 0; asked && i < text.size(); ++i) {
    if (PeriodAt(text, i) == asked) return true;
  }
  return false;
}

bool HasOtherPeriod(std::string_view period, const std::vector<Token>& text) {
  const auto* asked = PeriodOf(period);
  if (!asked || HasPeriod(period, text)) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (PeriodAt(text, i)) return true;
  }
  return false;
}

bool IsModifiedOtherwise(std::string_view noun, const std::vector<Token>& text,
                         const std::vector<std::string>& said) {
  const auto stem = StemOf(noun);
  for (std::size_t i = 1; i < text.size(); ++i) {
    const auto& before = text[i - 1];
    if (text[i].before != ' ' || before.after != ' ' || StemOf(text[i].lower) != stem) continue;
    const bool known = std::ranges::find(said, text::FoldAccents(before.lower)) != said.end();
    if (!known && !before.digits && !text::IsStopWord(before.lower)) return true;
  }
  return false;
}

}  // namespace strata::knowledge
