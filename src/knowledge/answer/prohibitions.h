#pragma once
// What is not allowed, asked for ("Which dogs may not enter …?") and said ("is closed to dogs",
// "dogs are prohibited").

#include <string_view>
#include <vector>

#include "knowledge/answer/tokens.h"

namespace strata::knowledge {

// Whether a question, in any form but one that is answered by yes or no, asks for it.
bool AsksWhatIsNotAllowed(const std::vector<Token>& question);

// What is not allowed according to such a question, "enter" in "may not enter": the first content
// word behind the negation, in lower case. A view of a token; empty for none.
std::string_view WhatIsBarred(const std::vector<Token>& question);

// Whether the text prohibits by a word of its own, whatever it is that one may not do.
bool Prohibits(std::string_view text);

// Whether it denies, prohibits or makes an exception: what does none of them lists nothing that is
// not allowed.
bool SaysWhatIsNot(std::string_view text);

}  // namespace strata::knowledge
