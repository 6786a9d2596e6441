#pragma once
// Parsing in the calling process: for the child, the tests and the fuzz targets. The server itself
// never calls it.

#include "base/result.h"
#include "knowledge/parser.h"

namespace strata::knowledge {

// `name` only helps to find the format. Errors as Parser::Parse, without the document's name.
Result<domain::ParsedDocument> ParseInProcess(std::string_view name, std::string_view media_type,
                                              std::string_view bytes, const ParseLimits& limits);

}  // namespace strata::knowledge
