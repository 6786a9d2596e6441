#pragma once
// OpenAI's filters over the attributes of files: comparisons, and `and`/`or` of filters.

#include "dialect/json_value.h"
#include "knowledge/filter.h"

namespace strata::server {

// Errors name the member below `field`. kInvalidArgument; kTooLarge: the limits of
// knowledge/filter.h.
Result<knowledge::Filter> ReadStoreFilter(const dialect::JsonField& field);

}  // namespace strata::server
