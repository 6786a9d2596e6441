#pragma once
// Several knowledge bases in one name: "A,B", as in the model kb/A,B@MODEL. No base has a comma in
// its name.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::knowledge {

// The names, each once, in their order. kInvalidArgument at `field`: one is empty, or there are
// more than kBasesMax.
Result<std::vector<std::string>> SplitBaseNames(std::string_view names, std::string_view field);

}  // namespace strata::knowledge
