#pragma once
// The embedding bodies of InvokeModel: Amazon Titan's and Cohere's.

#include "dialect/bedrock.h"
#include "dialect/json_value.h"

namespace strata::dialect::bedrock {

Result<InvokeRequest> DecodeTitan(const JsonField& body);
Result<InvokeRequest> DecodeCohere(const JsonField& body);

}  // namespace strata::dialect::bedrock
