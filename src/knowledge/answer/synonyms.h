#pragma once
// Words of one meaning that share no root: "shut" and "close", "in charge" and "responsible". Word
// vectors know them too, but set contraries as near.

#include <string_view>

namespace strata::knowledge {

// Both in lower case, in any inflected form; false for one word.
bool AreSynonyms(std::string_view a, std::string_view b);

}  // namespace strata::knowledge
