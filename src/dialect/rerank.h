#pragma once
// Rerank requests and answers: Cohere's form (v1 and v2, which Jina, vLLM and others share) both
// ways, and Bedrock's Rerank as a front door. Pure functions; errors as in openai.h.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/span.h"
#include "dialect/meta.h"
#include "domain/rerank.h"

namespace strata::dialect::rerank {

// Most documents of one request: Cohere's and Bedrock's limit.
inline constexpr std::size_t kDocumentsMax = 1000;

struct Request {
  std::string model;  // "" when the caller left it out (Cohere's form)
  domain::RerankRequest rerank;
  bool return_documents = false;
  std::vector<JsonText> documents;  // as they are given back, one an input
};

// POST /v1/rerank, /v2/rerank. Documents are strings, or objects whose `text` (or `rank_fields`) is
// read.
Result<Request> DecodeRequest(std::string_view body);
std::string EncodeResponse(const domain::Reranking& answer, const Request& request,
                           const AnswerMeta& meta);

// POST /rerank of bedrock-agent-runtime.
Result<Request> DecodeBedrockRequest(std::string_view body);
std::string EncodeBedrockResponse(const domain::Reranking& answer, const Request& request);

// What we send to a provider, and what it answers. `documents`: how many were sent; results may
// come in any order. Errors: kUnavailable when the answer is not what the API promises.
std::string EncodeProviderRequest(const domain::RerankRequest& request, std::string_view model);
Result<domain::Reranking> DecodeProviderResponse(std::string_view body, std::size_t documents);

}  // namespace strata::dialect::rerank
