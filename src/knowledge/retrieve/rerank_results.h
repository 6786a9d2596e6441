#pragma once
// When a search is reranked and what becomes of it then: as its caller asks, or as the
// configuration says.

#include <string>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "knowledge/retrieval.h"
#include "knowledge/retrieve/rerank.h"

namespace strata::knowledge {

// Who asks for a reranker by name must be allowed to use it, and gets its order alone.
Task<Result<>> RerankAsAsked(const RerankerLookup& rerankers, const RerankChoice& choice,
                             const std::string& query, std::vector<RetrievedChunk>& results,
                             RequestContext& ctx);

// Whether the reranker of the configuration has a part in this search.
bool IsReranked(const RetrieveRequest& request, const RerankOptions& options);

// That reranker betters an answer that is there without it: when it fails, the order stays. The
// best passages come in the order of the search and the reranker both, with scores in [0.5, 1]; the
// others stay behind them, in [0, 0.5]. Errors: the caller's time is up.
Task<Result<>> RerankByDefault(const RerankerLookup& rerankers, const RerankOptions& options,
                               const std::string& query, std::vector<RetrievedChunk>& results,
                               RequestContext& ctx);

}  // namespace strata::knowledge
