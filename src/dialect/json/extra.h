#pragma once
// ChatRequest::extra: members of one dialect that the domain has no word for, on their way to a
// provider of the same family.

#include <initializer_list>
#include <span>
#include <string_view>

#include "base/result.h"
#include "dialect/json/json_writer.h"
#include "dialect/json_scan.h"
#include "dialect/json_value.h"
#include "domain/conversation.h"

namespace strata::dialect {

// Names of the members that a dialect reads.
using MemberNames = std::span<const std::string_view>;

// The members of the object `body` that are not null and not `known`, as a JSON object; "" for
// none. One that is `known` but for the case of its letters is refused: servers written in Go match
// names without case, and would take "Model" for the model that was asked for behind the back of
// what is checked here.
Result<std::string> OtherMembers(const JsonField& body, MemberNames known);
// Puts them into request.extra.
Result<> KeepExtra(const JsonField& body, MemberNames known, std::string_view dialect,
                   domain::ChatRequest& request);
// The same check alone; and of a body that was scanned, which is to be decoded then.
Result<> RefuseOtherCase(const JsonField& body, MemberNames known);
bool HoldsOtherCase(const ScannedObject& body, MemberNames known);

// Writes request.extra's members into the open object, except those that are `written` already.
// Members of another dialect are treated as by RefuseExtra (dialect/extra.h).
Result<> WriteExtra(JsonWriter& out, const domain::ChatRequest& request, std::string_view dialect,
                    std::initializer_list<std::string_view> written);

}  // namespace strata::dialect
