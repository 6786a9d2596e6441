#pragma once
// What a message asks, without what people write around a question: greetings, thanks, "could you
// tell me", and what they say of themselves.

#include <string>
#include <string_view>
#include <vector>

#include "knowledge/answerer.h"

namespace strata::knowledge {

// The questions of the last turn in `text`, as they stand there but for what is around them; the
// turns before stay in front. Sentences before a question stay where it leans on them ("My pump
// hums. What can I do?"), and those that give an age or a size stay ("I am 63. What does the tour
// cost?"). The text itself where nothing is left, and where it asks nothing.
std::string Asked(std::string_view text);

// What to search for: the same, with the question before it where it leans on that; at most
// kQueryBytesMax bytes.
std::string SearchQuery(const std::string& question, const std::vector<Turn>& history);

}  // namespace strata::knowledge
