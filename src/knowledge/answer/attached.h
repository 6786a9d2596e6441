#pragma once
// Documents that a request brings along as bytes, and how errors name them.

#include <string>
#include <string_view>

#include "base/context.h"
#include "base/task.h"
#include "domain/conversation.h"
#include "domain/document.h"
#include "knowledge/parser.h"

namespace strata::knowledge {

// `block.bytes` as they are parsed: what the caller says of their format counts, a file of another
// one is broken. kInvalidArgument for one without text; errors name the document.
Task<Result<domain::ParsedDocument>> ReadAttached(Parser& parser,
                                                  const domain::DocumentBlock& block,
                                                  RequestContext& ctx);

// kInvalidArgument, naming the document.
Error Unreadable(const domain::DocumentBlock& block, std::string_view why);

// Where a block of a conversation stands: "messages[2].content[0]".
std::string PlaceOf(std::size_t message, std::size_t block);

}  // namespace strata::knowledge
