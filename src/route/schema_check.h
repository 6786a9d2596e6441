#pragma once
// Whether an answer keeps to the JSON Schema that was asked for: the keywords that providers'
// structured outputs know. Others (pattern, format) are not looked at.

#include <string>
#include <string_view>

#include "dialect/json_value.h"

namespace strata::route {

// What is wrong, with its place: "$.items[2].price: expected a number"; "" when nothing is. A
// schema that is no object allows everything.
std::string SchemaProblem(const dialect::JsonValue& value, const dialect::JsonValue& schema);

// The same of an answer's text: "not valid JSON …" when it is none.
std::string AnswerProblem(std::string_view answer, std::string_view schema);

}  // namespace strata::route
