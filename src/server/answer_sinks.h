#pragma once
// The two ways an answer leaves: in one piece of JSON, or as a stream. Dialects bring functions and
// encoders.

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

// Fills in cost and latency, which are known only when the answer is whole.
void CompleteMeta(const AnswerFrame& frame, dialect::AnswerMeta& meta);

net::Headers ToHeaders(const dialect::HeaderList& list);

using ResponseEncoder = std::function<std::string(const domain::ChatResponse& response,
                                                  const dialect::AnswerMeta& meta)>;
std::unique_ptr<gateway::AnswerSink> MakeJsonSink(AnswerFrame frame, ResponseEncoder encode);

using EncoderMaker =
    std::function<std::unique_ptr<dialect::StreamEncoder>(dialect::AnswerMeta meta)>;
std::unique_ptr<gateway::AnswerSink> MakeStreamSink(AnswerFrame frame, EncoderMaker make);

// Sends a JSON body with status 200 and the exchange's trace headers.
Task<Result<>> SendJson(Exchange& exchange, const TraceLinks& links, dialect::Dialect dialect,
                        std::string body, int status = 200);

}  // namespace strata::server
