#pragma once
// The two ways an answer leaves: in one piece of JSON, or as a stream. Dialects bring functions and
// encoders; an answer that is forwarded (domain/stream.h) leaves as the provider wrote it.

#include <functional>
#include <memory>
#include <string>

#include "dialect/meta.h"
#include "dialect/stream.h"
#include "gateway/chat_service.h"
#include "net/server.h"
#include "server/router.h"
#include "server/trace_links.h"

namespace strata::server {

// What both sinks need to write the answer of one exchange. The exchange outlives the sinks.
struct AnswerFrame {
  Exchange& exchange;
  dialect::Dialect dialect;
  Face face;
  WallTime started;
  dialect::AnswerMeta meta;  // filled further as facts become known
};

// A frame with ids, time and trace address filled. `model` is shown to the caller.
AnswerFrame MakeFrame(Exchange& exchange, const TraceLinks& links, dialect::Dialect dialect,
                      Face face, std::string model);

// Who answers is known: the model that a router chose takes the place of the router's id.
void NoteModel(AnswerFrame& frame, const domain::ModelInfo& model);

// Fills in cost and latency, which are known only when the answer is whole.
void CompleteMeta(const AnswerFrame& frame, dialect::AnswerMeta& meta);

net::Headers ToHeaders(const dialect::HeaderList& list);

using ResponseEncoder = std::function<std::string(const domain::ChatResponse& response,
                                                  const dialect::AnswerMeta& meta)>;
std::unique_ptr<gateway::AnswerSink> MakeJsonSink(AnswerFrame frame, ResponseEncoder encode);

using EncoderMaker =
    std::function<std::unique_ptr<dialect::StreamEncoder>(dialect::AnswerMeta meta)>;
// When the head of a streamed answer leaves: when the provider has accepted, or, for a request
// whose answer may be forwarded, with the first event, which says whose headers it has.
enum class FirstHead : std::uint8_t { kOnAccept, kWithFirstEvent };
inline FirstHead FirstHeadOf(const domain::ChatRequest& request) {
  return request.wire ? FirstHead::kWithFirstEvent : FirstHead::kOnAccept;
}
std::unique_ptr<gateway::AnswerSink> MakeStreamSink(AnswerFrame frame, EncoderMaker make,
                                                    FirstHead first_head = FirstHead::kOnAccept);

// Sends a JSON body with status 200 and the exchange's trace headers.
Task<Result<>> SendJson(Exchange& exchange, const TraceLinks& links, dialect::Dialect dialect,
                        std::string body, int status = 200);

}  // namespace strata::server
