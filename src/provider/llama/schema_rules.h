#pragma once
// What of a JSON Schema a grammar can hold an answer to. llama.cpp passes over what it cannot; here
// that is an error, so that a schema is followed whole or refused.

#include <boost/json/fwd.hpp>
#include <string_view>

#include "base/result.h"

namespace strata::provider::llama {

// Refuses every constraint that the grammar would not enforce, naming its path in the schema
// ("properties.age.not"), and rewrites what can be said in a form that it does: patterns
// (schema_pattern.h), and references to the schema itself ("#"). Formats and descriptions are
// annotations and stay. Error: kInvalidArgument at `field`.
Result<> MakeEnforceable(boost::json::value& schema, std::string_view field);

}  // namespace strata::provider::llama
