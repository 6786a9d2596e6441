#pragma once
// Whether two words are forms of one root: "invented" and "inventor", "built" and "building",
// "weighs" and "weight". Beyond stems, which join only inflections.

#include <string>
#include <string_view>

namespace strata::knowledge {

// The base form of an irregular English form ("built" → "build"), and one name for the words that
// ask for the same measure ("heavy", "weigh" → "weight"); else `word` itself. Takes a word in lower
// case.
std::string_view BaseForm(std::string_view word);

// "entrée" of "l'entrée": the word without what French and Italian elide before it. Takes either
// apostrophe and either case; `word` itself where nothing is elided.
std::string_view WithoutElision(std::string_view word);

// The stem that the index makes of one word in lower case, its language unknown.
std::string StemOf(std::string_view word);

// Whether two words in lower case that share a stem are of two verbs, one of them being the other
// one's past: "found", of "find", and "founded".
bool AreOtherVerbs(std::string_view a, std::string_view b);

// `a` and `b` are stems in lower case. They share a root when they differ only in a suffix that
// derives a noun, a verb or an adjective, as in Lovins 1968 and the Porter stemmer's step 2 lists.
bool SameRoot(std::string_view a, std::string_view b);

}  // namespace strata::knowledge
