#pragma once
// Which vendor's body an InvokeModel call has, for reading it whole and for scanning it.

#include <functional>
#include <optional>
#include <string_view>

#include "dialect/bedrock.h"
#include "dialect/json_value.h"

namespace strata::dialect::bedrock {

// By the vendor that the id names, wherever it stands in it; only of an id that names none by the
// members that the body `has`. nullopt: nobody's that we know; kOther: the vendor's own.
std::optional<InvokeFormat> FormatOf(std::string_view model_id,
                                     const std::function<bool(std::string_view member)>& has);

// A body of a chat format; `root` is `text` parsed.
Result<domain::ChatRequest> DecodeInvokeChat(InvokeFormat format, std::string_view model_id,
                                             std::string_view text, const JsonValue& root);

// Why a body of no known format cannot be read.
Error UnknownFormat();

}  // namespace strata::dialect::bedrock
