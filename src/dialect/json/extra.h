#pragma once
// ChatRequest::extra: members of one dialect that the domain has no word for, on their way to a
// provider of the same family.

#include <initializer_list>
#include <string_view>

#include "base/result.h"
#include "dialect/json/json_writer.h"
#include "dialect/json_value.h"
#include "domain/conversation.h"

namespace strata::dialect {

// Puts members of the object `body` that are not null and not `known` into request.extra.
void KeepExtra(const JsonField& body, std::initializer_list<std::string_view> known,
               std::string_view dialect, domain::ChatRequest& request);

// Writes request.extra's members into the open object, except those that are `written` already.
// Members of another dialect are treated as by RefuseExtra (dialect/extra.h).
Result<> WriteExtra(JsonWriter& out, const domain::ChatRequest& request, std::string_view dialect,
                    std::initializer_list<std::string_view> written);

}  // namespace strata::dialect
