#pragma once
// The tool file_search of a request.

#include "dialect/json_value.h"
#include "dialect/responses.h"

namespace strata::dialect::responses {

// `tool`: an object of that type.
Result<FileSearchTool> DecodeFileSearch(const JsonField& tool);

}  // namespace strata::dialect::responses
