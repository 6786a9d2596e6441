#pragma once
// YAML as the tree that JSON gives, so that people write one and machines the other.

#include <string_view>

#include "base/result.h"
#include "dialect/json_value.h"

namespace strata::server {

// One document of at most 1 MiB, nested at most 32 deep. Plain scalars that look like numbers,
// true, false or null are such; quoted ones are texts. Errors: kInvalidArgument with the line,
// kTooLarge.
Result<dialect::JsonValue> ParseYaml(std::string_view text);

}  // namespace strata::server
