#pragma once
// Words of a question that tell no thing from another unless the sources use them so: "the *usual*
// fee", "a *guided* tour".

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/answer/tokens.h"

namespace strata::knowledge {

// An adjective by its form or one of the most common ones, none of size, age or colour. Takes a
// word in lower case.
bool IsLooseAdjective(std::string_view word);

// Whether the word says how often something falls due: "yearly", "monthly".
bool IsPeriod(std::string_view word);

// Whether the text says how often, and other than `period` does: "3 euros a day" for "yearly".
bool HasOtherPeriod(std::string_view period, const std::vector<Token>& text);
bool HasPeriod(std::string_view period, const std::vector<Token>& text);

// Whether the noun stands in the text behind a word that says which, other than those of the
// question: "day pass" where a pass is asked for. `said`: Question::said.
bool IsModifiedOtherwise(std::string_view noun, const std::vector<Token>& text,
                         const std::vector<std::string>& said);

}  // namespace strata::knowledge
