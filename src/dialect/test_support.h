#pragma once
// Conversations and answers that the tests of all dialects send through their codecs.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dialect/stream.h"
#include "domain/conversation.h"
#include "domain/stream.h"

namespace strata::dialect::test {

// Instructions, a question, two parallel calls, their results with a follow-up, a tool choice.
domain::ChatRequest ToolConversation();
domain::DocumentBlock PdfDocument();

// Signed reasoning, text, two parallel tool calls, usage with cache counts.
domain::ChatResponse ToolAnswer();
// One text block with one citation of its whole text.
domain::ChatResponse CitedAnswer();

std::string EncodeAll(StreamEncoder& encoder, const std::vector<domain::StreamEvent>& events);

// Encodes the events of `response` and decodes them whole, byte by byte, and cut in two at every
// third place: the sum must be `response` each time.
void ExpectStreamRoundTrip(StreamEncoder& encoder,
                           const std::function<std::unique_ptr<StreamDecoder>()>& make_decoder,
                           const domain::ChatResponse& response);

}  // namespace strata::dialect::test
