#pragma once
// Images and files inside requests, as chat completions and responses both write them.

#include "dialect/json_value.h"
#include "domain/conversation.h"

namespace strata::dialect::openai {

// An https: address or a data: address of an image → `image`.
Result<> ReadImageAddress(const JsonField& url, domain::ImageBlock& image);

// A data: address of a document → `document`, whose name may be set already.
Result<> ReadFileData(const JsonField& data, domain::DocumentBlock& document);

}  // namespace strata::dialect::openai
