#pragma once
// Words that exclude each other: "open" and "close", "first" and "last", "Monday" and "Tuesday". A
// sentence that holds one where the question asks for the other is about something else, although
// such words stand in the same surroundings, so that their vectors are near.

#include <string_view>

namespace strata::knowledge {

// Both in lower case, in any inflected form ("opened", "closes"); English and some German. False
// for two forms of one word.
bool AreContrary(std::string_view a, std::string_view b);

// Whether a text says the word, in lower case, by its contrary and an exception: "open every day
// except Monday" says when it is closed.
bool SaysByException(std::string_view asked, std::string_view text);

// Whether they are contrary as members of a set of more than two are: a Monday is not simply what a
// Tuesday is not.
bool AreRivals(std::string_view a, std::string_view b);

// Whether they stand on one side of a scale: "begin" and "start".
bool AreAlike(std::string_view a, std::string_view b);

// Whether any contrary of the word is known.
bool HasContrary(std::string_view word);

}  // namespace strata::knowledge
