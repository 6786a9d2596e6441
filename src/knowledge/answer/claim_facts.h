#pragma once
// What a sentence claims beyond its words: the values of its numbers, and whether it denies.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::knowledge {

// One number of a text, in digits or in words, with every value that it may mean: "1.042" is 1042
// in German and 1.042 in English, "0.9 million" 900000, "10:00" ten o'clock.
struct ClaimNumber {
  std::vector<double> readings;  // at least one
  std::size_t begin = 0;         // bytes of the text
  std::size_t end = 0;
  std::string next;  // the word behind it, in small letters: "june" of "4 June"; often a unit
};

// English, German and French; a single "one" ("ein", "un") counts as no number. Parts of names
// ("A40", "W-0312") and of versions ("4.1.2") are left out: they are words. Any bytes are accepted.
std::vector<ClaimNumber> NumbersOf(std::string_view text);

// Whether `number` is among `held`, in any reading; a number of three digits or more also when it
// is sum or difference of two of them.
bool HoldsNumber(const std::vector<ClaimNumber>& held, const ClaimNumber& number);

// The same for the numbers of a heading, of which small ones say something else ("Item 3") unless
// the same word follows ("13 May").
bool HoldsHeadingNumber(const std::vector<ClaimNumber>& held, const ClaimNumber& number);

// The same where the word behind a small number must agree: "three monthly rents" holds no "three
// months", "7 m" does hold "seven metres".
bool HoldsCount(const std::vector<ClaimNumber>& held, const ClaimNumber& number);

// Whether they hold another number of what `number` counts: "6 July" against "13 July".
bool Contradicts(const std::vector<ClaimNumber>& held, const ClaimNumber& number);

// The units of measure that the text names, in letters or as symbols, as bits: "metres" and "m" are
// the same.
std::uint64_t UnitsOf(std::string_view text);

// Whether the text denies: an odd count of "not", "no", "without", "forbidden" and their like.
// Bounds ("no later than", "not more than") deny nothing.
bool Denies(std::string_view text);
// Whether a word (in small letters) is one of those.
bool IsNegation(std::string_view word);
// Whether it is one that forbids, which says by itself what a denial of "allowed" says.
bool IsForbidding(std::string_view word);

// Words of German and French ("de", "fr") that say nothing by themselves; English ones are
// text::IsStopWord's.
bool IsFunctionWord(std::string_view word, std::string_view language);

// `sentence` without the numbers of sources that models write, "[1]", "(source 2)", and without
// Markdown's marks for emphasis.
std::string WithoutMarks(std::string_view sentence);

// `sentence` without what only marks it: a list's mark, "Yes," or "No," that answers the question
// before the claim, and "According to the manual," which says where it stands. A view of its end.
std::string_view ClaimOf(std::string_view sentence);

}  // namespace strata::knowledge
