#pragma once
// A Reranker orders documents by how well they answer a query. Implementations: llama/ (late
// interaction over MiniLM), openai/ (servers with a /rerank of Cohere's form), cohere/; the fake is
// in tests/fakes.

#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "domain/model_info.h"
#include "domain/rerank.h"

namespace strata::provider {

// Thread-safe.
class Reranker {
 public:
  virtual ~Reranker() = default;

  // Errors as ChatModel::Start.
  virtual Task<Result<domain::Reranking>> Rerank(domain::RerankRequest request,
                                                 RequestContext& ctx) = 0;

  virtual const domain::ModelInfo& Info() const = 0;
};

// Scores of documents 0, 1, … → what a caller gets.
std::vector<domain::RankedDocument> RankByScore(const std::vector<double>& scores,
                                                std::size_t top_n);

}  // namespace strata::provider
