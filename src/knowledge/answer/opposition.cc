#include "knowledge/answer/opposition.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "knowledge/answer/claim_clauses.h"
#include "knowledge/answer/contrasts.h"
#include "knowledge/answer/date_words.h"
#include "knowledge/answer/pieces.h"
#include "knowledge/answer/tokens.h"
#include "knowledge/answer/word_forms.h"
#include "text/language.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

using Words = std::vector<Opposition::Word>;

Words WordsOf(std::string_view text) {
  Words words;
  const auto tokens = Tokens(text);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto& token = tokens[i];
    const bool says = !text::IsStopWord(token.lower) && !token.digits;
    const bool goes_on = i + 1 < tokens.size() && tokens[i + 1].capitalised && token.after == ' ';
    words.push_back({.lower = token.lower,
                     .stem = StemOf(token.lower),
                     .capitalised = token.capitalised && (i > 0 || goes_on),
                     .contracted = token.after == '\'',
                     .says = says,
                     .contrasts = HasContrary(token.lower)});
  }
  return words;
}

bool Holds(const Words& words, const Opposition::Word& word) {
  return std::ranges::any_of(words, [&](const auto& other) {
    return other.lower == word.lower || other.stem == word.stem;
  });
}

bool Contrast(const Opposition::Word& a, const Opposition::Word& b) {
  return a.contrasts && b.contrasts && AreContrary(a.lower, b.lower);
}

bool IsName(const Opposition::Word& word) {
  return word.capitalised && word.says && word.lower.size() > 1 && !IsMonthName(word.lower) &&
         !IsWeekday(word.lower);
}

// "may" and "march" in small letters are no months.
bool IsVerbOfMonth(const Opposition::Word& word) {
  return IsMonthName(word.lower) && !word.capitalised;
}

// Whether there is a name, of one word or several in a row, of which `holds` no word.
template <class Holding>
bool HasUnheldName(const Words& words, Holding holds) {
  for (std::size_t at = 0; at < words.size(); ++at) {
    if (!IsName(words[at])) continue;
    bool held = false;
    for (; at < words.size() && IsName(words[at]); ++at) held = held || holds(words[at]);
    if (!held) return true;
  }
  return false;
}

constexpr std::size_t kParticle = 3;  // bytes: "in", "on", "up" stand everywhere

bool DeniesByItself(std::string_view word) { return IsNegation(word) && !IsForbidding(word); }

// Two sides of one thing: what one buys another sells.
constexpr auto kConverse = std::to_array<std::string_view>(
    {"buy",      "purchase", "sell",     "sale",     "lend",    "loan",   "borrow", "give",
     "take",     "send",     "receive",  "deliver",  "collect", "win",    "lose",   "employ",
     "landlord", "tenant",   "employer", "employee", "buyer",   "seller", "parent", "child"});

bool AreConverse(std::string_view a, std::string_view b) {
  const auto listed = [](std::string_view word) {
    return std::ranges::any_of(kConverse, [&](std::string_view base) {
      return base == BaseForm(word) || StemOf(base) == StemOf(word);
    });
  };
  return listed(a) && listed(b);
}

// Whether `words` deny, with an odd count of "not", "no" and their like. "Without heating" and
// "except on Sundays" count only where `others` speak of heating and Sundays.
bool DeniesAnyOf(const Words& words, const Words& others) {
  constexpr auto kBeforeObject = std::to_array<std::string_view>(
      {"without", "except", "excepted", "apart", "ohne", "außer", "sans", "sauf"});
  constexpr auto kPaying = std::to_array<std::string_view>(
      {"pay", "pays", "paid", "paying", "charge", "charged", "charges"});
  const bool pays =
      std::ranges::any_of(others, [&](const auto& other) { return IsOneOf(other.lower, kPaying); });
  std::string text;
  for (std::size_t at = 0; at < words.size(); ++at) {
    if (IsForbidding(words[at].lower)) continue;
    if (IsOneOf(words[at].lower, kBeforeObject)) {
      auto object = at + 1;
      while (object < words.size() && !words[object].says) ++object;
      if (object == words.size() || !Holds(others, words[object])) continue;
    }
    const bool free_of =
        words[at].lower == "free" && at + 1 < words.size() && words[at + 1].lower == "of";
    // Who goes in free does not pay.
    const bool unpaid = words[at].lower == "free" && !free_of && pays;
    text += free_of || unpaid ? "no" : words[at].lower;
    text += words[at].contracted ? '\'' : ' ';
  }
  return Denies(text);
}

bool IsPlural(std::string_view word) {
  constexpr std::size_t kShortest = 4;
  return word.size() >= kShortest && word.ends_with('s') && !text::IsStopWord(word);
}

// The part of `place` that says most of the claim; all of it when no part says as much.
std::string_view PartAbout(const Words& claim, std::string_view place) {
  const auto said = [&](std::string_view text) {
    const auto words = WordsOf(text);
    return std::ranges::count_if(claim, [&](const auto& word) {
      return word.says && (Holds(words, word) || std::ranges::any_of(words, [&](const auto& other) {
                             return Contrast(word, other);
                           }));
    });
  };
  const auto whole = said(place);
  for (auto clause : ClausesOf(place)) {
    for (const std::string_view but : {" except ", " außer ", " sauf "}) {
      clause = clause.substr(0, clause.find(but));
    }
    if (said(clause) >= whole) return clause;
  }
  return place;
}

}  // namespace

Opposition::Opposition(std::string_view claim)
    : words_(WordsOf(claim)), numbers_(NumbersOf(claim)), text_(claim) {}

// "Monday" where the place has "Tuesday", of which the claim says nothing.
bool Opposition::HasRival(const Words& place, const Words& around) const {
  // "At 14:00 on Friday and at 10:00 on the other days".
  constexpr auto kRest = std::to_array<std::string_view>(
      {"other", "others", "rest", "remaining", "daily", "übrigen", "anderen", "autres"});
  if (std::ranges::any_of(place, [&](const Word& word) { return IsOneOf(word.lower, kRest); })) {
    return false;
  }
  return std::ranges::any_of(words_, [&](const Word& word) {
    if (!word.contrasts || IsVerbOfMonth(word)) return false;
    if (Holds(place, word) || Holds(around, word)) return false;
    return std::ranges::any_of(place, [&](const Word& other) {
      return other.contrasts && AreRivals(word.lower, other.lower) && !IsVerbOfMonth(other) &&
             !Holds(words_, other);
    });
  });
}

bool Opposition::HasOtherName(const Words& place, const Words& around) const {
  const auto held = [&](const Word& word) { return Holds(place, word) || Holds(around, word); };
  if (!HasUnheldName(words_, held)) return false;
  return std::ranges::any_of(
      place, [&](const Word& word) { return IsName(word) && !Holds(words_, word); });
}

// "14 schools" where the place counts 14 goats.
bool Opposition::CountsOther(std::string_view place, const Words& words) const {
  const auto said = NumbersOf(place);
  const auto says = [](const Words& all, std::string_view word) {
    return Holds(all, {.lower = std::string(word), .stem = StemOf(word)});
  };
  return std::ranges::any_of(numbers_, [&](const ClaimNumber& number) {
    if (!IsPlural(number.next) || UnitsOf(number.next) != 0 || says(words, number.next)) {
      return false;
    }
    bool other = false;
    for (const auto& held : said) {
      if (!HoldsNumber({held}, number)) continue;
      if (!IsPlural(held.next) || UnitsOf(held.next) != 0 || says(words_, held.next)) return false;
      other = true;
    }
    return other;
  });
}

// Denials and contraries turn what is said around, two of them turn it back. A word that forbids is
// as good as a denial, or as a word of its own.
bool Opposition::IsContrary(std::string_view place) const {
  const auto part = PartAbout(words_, place);
  const auto words = WordsOf(part);
  // "There is no fee, but a box at the gate": the box is not denied.
  const auto claim = WordsOf(PartAbout(words, text_));
  bool turned = DeniesAnyOf(claim, words) != DeniesAnyOf(words, claim);
  bool forbids = false;
  for (const auto& word : claim) {
    const bool lexical = IsForbidding(word.lower);
    if (word.lower.size() <= kParticle || DeniesByItself(word.lower) || Holds(words, word)) {
      continue;
    }
    if (std::ranges::any_of(words,
                            [&](const Word& other) { return AreAlike(word.lower, other.lower); })) {
      continue;
    }
    const bool contrary = std::ranges::any_of(words, [&](const Word& other) {
      return other.lower.size() > kParticle && !DeniesByItself(other.lower) &&
             Contrast(word, other) && !AreRivals(word.lower, other.lower) &&
             !AreConverse(word.lower, other.lower) && !Holds(claim, other);
    });
    turned ^= contrary;
    forbids = forbids || (lexical && !contrary);
  }
  forbids = forbids || std::ranges::any_of(words, [&](const Word& word) {
              return IsForbidding(word.lower) && !Holds(claim, word) &&
                     std::ranges::none_of(claim,
                                          [&](const Word& other) { return Contrast(word, other); });
            });
  return turned && !forbids;
}

bool Opposition::By(std::string_view place, std::string_view around, bool row) const {
  const auto words = WordsOf(place);
  const auto surroundings = WordsOf(around);
  if (HasRival(words, surroundings) || CountsOther(place, words)) return true;
  // In German all nouns are written like names.
  const bool names = !row && text::GuessLanguage(text_ + ' ' + std::string(place)) != "de";
  if (names && HasOtherName(words, surroundings)) return true;
  // What stands in a cell denies nothing of the row.
  return !row && IsContrary(place);
}

}  // namespace strata::knowledge
