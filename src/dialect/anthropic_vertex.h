#pragma once
// Claude on Vertex AI: where its bodies (rawPredict) are not those of the Messages API.

#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/conversation.h"
#include "domain/wire.h"

namespace strata::dialect::anthropic {

inline constexpr std::string_view kVertexVersion = "vertex-2023-10-16";

// A client's body as it is forwarded: `anthropic_version` stands in the place of the model, the
// rest as it is. Not where the client says something that Vertex AI has not.
bool VertexTakes(const domain::WireRequest& wire);
std::string VertexWireBody(const domain::WireRequest& wire);

// What is counted names its model in the body, beside the version.
Result<std::string> EncodeVertexCount(const domain::ChatRequest& request);

}  // namespace strata::dialect::anthropic
