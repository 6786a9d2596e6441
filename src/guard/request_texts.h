#pragma once
// Every text of a request, in one list, so that it can be judged and changed in place.

#include <functional>
#include <string>
#include <vector>

#include "dialect/json_value.h"
#include "domain/conversation.h"

namespace strata::guard {

// Pointers into `request`: system, messages with tool results and documents, the descriptions of
// tools.
std::vector<std::string*> TextsOf(domain::ChatRequest& request);

// JSON inside of the request: inputs of tool calls, schemas, members of another dialect.
std::vector<std::string*> JsonTextsOf(domain::ChatRequest& request);

// All strings of a JSON value, names of members left out.
std::vector<std::string*> StringsOf(dialect::JsonValue& value);

}  // namespace strata::guard
