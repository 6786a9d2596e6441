#pragma once
// The kind of thing that a question asks for, by its words for asking in English, German, French,
// Spanish and Italian.

#include <string_view>
#include <vector>

#include "knowledge/answer/kinds.h"

namespace strata::knowledge {

// Any of these answers the question, the last one of several; kNoKind when it asks for nothing of a
// known form.
unsigned KindsAsked(std::string_view question);

// The words of the question that say so: "how", "long". Views of constants.
std::vector<std::string_view> CueWords(std::string_view question);

}  // namespace strata::knowledge
