#pragma once
// Where a sentence gives a reason: by a word ("because", "weil"), by several ("so that", "as a
// result of"), by a clause that stands for one (", as paper rots", ", so it was closed") or by a
// purpose ("to keep the mice out", "um den Lärm zu dämpfen").

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "knowledge/answer/tokens.h"

namespace strata::knowledge {

// Whether one begins at token `at`. `asked`: the words of the question, in lower case without
// accents. A purpose counts only where they ask why, in its own language: "to", "pour" and "per"
// are other words elsewhere.
bool GivesReason(const std::vector<Token>& tokens, std::size_t at,
                 std::span<const std::string> asked);

}  // namespace strata::knowledge
