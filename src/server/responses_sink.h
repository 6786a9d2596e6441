#pragma once
// Sinks for answers of the Responses API: in one piece or as a stream, stored before the end of the
// answer leaves.

#include <memory>
#include <string>
#include <vector>

#include "dialect/responses.h"
#include "gateway/chat_service.h"
#include "server/answer_sinks.h"
#include "store/response_store.h"

namespace strata::server {

struct ResponsesSinkSpec {
  AnswerFrame frame;
  dialect::responses::Settings settings;
  std::string input;                           // items, as they are stored
  std::vector<std::string> shown_chunks = {};  // of results that the answer shows
  store::ResponseStore* storage = nullptr;     // null: the answer is not stored
};

std::unique_ptr<gateway::AnswerSink> MakeResponsesJsonSink(ResponsesSinkSpec spec);
std::unique_ptr<gateway::AnswerSink> MakeResponsesStreamSink(ResponsesSinkSpec spec);

// Whose responses a caller may store and find.
store::ResponseOwner OwnerOf(const RequestContext& ctx);

}  // namespace strata::server
