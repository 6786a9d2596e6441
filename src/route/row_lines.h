#pragma once
// Files of rows, one JSON object a line: read whole or refused whole.

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::route {

// Takes one line and gives the id of its row.
using TakeRow = std::function<Result<std::string>(std::string_view line)>;

// Hands over every line that is not blank. When any is refused, or an id stands twice, or there
// are more than `rows_max`: kInvalidArgument lists the first twenty, each `NAME:LINE: what`.
Result<> TakeRows(std::string_view text, std::string_view name, std::size_t rows_max,
                  const TakeRow& take);

}  // namespace strata::route
