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

// The texts, two at least, that stand in one message, tool result or the system prompt, where
// whoever reads them may put them together.
std::vector<std::vector<const std::string*>> JoinedTextsOf(const domain::ChatRequest& request);

// JSON inside of the request: inputs of tool calls, schemas. Not `extra`.
std::vector<std::string*> JsonTextsOf(domain::ChatRequest& request);

// What others refer to, so that it can be judged but not changed: names of participants, tools,
// calls and the schema (with its description), stop sequences. None is empty.
std::vector<const std::string*> NamesOf(const domain::ChatRequest& request);

// The names of all members of a JSON value.
std::vector<const std::string*> KeysOf(const dialect::JsonValue& value);

// All other strings of it.
std::vector<std::string*> StringsOf(dialect::JsonValue& value);

}  // namespace strata::guard
