#pragma once
// Small readers that the parts of a router's definition share.

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/json_value.h"

namespace strata::route {

// A text, or a list of at least one; none is empty. At most 256.
Result<std::vector<std::string>> TextOrList(const dialect::JsonField& field);

// "unknown member langage (did you mean language?)"
std::string UnknownMember(std::span<const std::string_view> known, std::string_view name);

// Every member is one of `known`; else UnknownMember at its place.
Result<> OnlyKnown(const dialect::JsonField& field, std::initializer_list<std::string_view> known);

}  // namespace strata::route
