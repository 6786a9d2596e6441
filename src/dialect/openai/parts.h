#pragma once
// Pieces of requests that chat completions, completions and responses write alike.

#include "dialect/json_value.h"
#include "domain/conversation.h"

namespace strata::dialect::openai {

// An https: address or a data: address of an image → `image`.
Result<> ReadImageAddress(const JsonField& url, domain::ImageBlock& image);

// A data: address of a document → `document`, whose name may be set already.
Result<> ReadFileData(const JsonField& data, domain::DocumentBlock& document);

// {"name", "description", "parameters", "strict"}; which other members may stand there is the
// caller's to check. Without parameters the tool takes an empty object.
Result<domain::Tool> ReadFunction(const JsonField& function);

// A call that is played back. `arguments`: a string that holds a JSON object, or "" for an empty
// one.
Result<domain::ToolUseBlock> ReadCall(const JsonField& id, const JsonField& name,
                                      const JsonField& arguments);

// `stream` and `stream_options` of a body; both outputs stay as they are where the member is
// absent.
Result<> ReadStreamMembers(const JsonField& body, bool& stream, bool& include_usage);

}  // namespace strata::dialect::openai
