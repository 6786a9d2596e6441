#pragma once
// Regular expressions of JSON Schema as far as a grammar can follow them.

#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::provider::llama {

// An equal expression of plain character classes, groups, alternatives and repetitions, from ^ to
// $, which llama.cpp turns into a grammar as it stands. Characters that JSON writes with a
// backslash (quotes, backslashes, control characters) are taken out of classes, so that no answer
// leaves its string. Error: kInvalidArgument without a field, naming what is wrong or cannot be
// followed: missing anchors, lookaround, back references, word boundaries, properties, repetitions
// beyond kSchemaRepeatMax, nested ones multiplied.
Result<std::string> PlainPattern(std::string_view pattern);

}  // namespace strata::provider::llama
