#pragma once
// What a Responses request makes of uploaded files: those that it names become documents, and the
// tool file_search is run before the model is asked, whose answer cites what was found.

#include <memory>
#include <string>
#include <vector>

#include "base/context.h"
#include "dialect/responses.h"
#include "gateway/chat_service.h"
#include "knowledge/retrieval.h"
#include "server/services.h"

namespace strata::server {

// Puts the uploaded files that a conversation names into it. Errors, at file_id: kNotFound (also
// another key's), kTooLarge (all of them together), kUnsupported.
Task<Result<>> PutNamedFiles(Services& services, domain::ChatRequest& chat, RequestContext& ctx);

// Searches and puts what it finds into `request`, whose settings tell of it. The labels of the
// passages are the request's from then on. Errors: those of the search, of the key's list of
// models, of guardrails; kInvalidArgument for a knowledge base as the model.
struct FileSearched {
  std::vector<knowledge::RetrievedChunk> passages;  // that the answer is to be held against
  std::vector<std::string> shown_chunks;            // that it shows as results of the search
};
Task<Result<FileSearched>> RunFileSearch(Services& services, dialect::responses::Request& request,
                                         RequestContext& ctx);

// Puts citations of `passages` between the events of an answer on their way to `sink`.
std::unique_ptr<gateway::AnswerSink> MakeCitingSink(
    std::unique_ptr<gateway::AnswerSink> sink, std::vector<knowledge::RetrievedChunk> passages);

}  // namespace strata::server
