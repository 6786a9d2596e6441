#pragma once
// The last stage of a retrieval, optional: a reranker orders the passages that were found.

#include <string>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "knowledge/retrieval.h"
#include "provider/reranker.h"

namespace strata::knowledge {

// Of searches that name no reranker.
struct RerankOptions {
  std::string model;    // "": none
  int candidates = 20;  // the best passages, of which it puts the better ones first
  // Share of its scores in the order, the rest is that of the search; above 0, below 1.
  double weight = 0.5;
};

// What a reranker is given of a passage: its title where it is more than a name of the file, its
// text, and what of its metadata `choice` shows, a line each.
std::string RerankText(const RetrievedChunk& chunk, const RerankChoice& choice);

// Puts `chunks`, which are best first, into the order of their scores before and the reranker's,
// both as min-max over all of them. With a weight of 1 the score is the reranker's own. The labels
// of the passages count as the request's while the reranker is asked. Errors: those of the model.
Task<Result<>> RerankChunks(provider::Reranker& reranker, const RerankChoice& choice, double weight,
                            const std::string& query, std::vector<RetrievedChunk>& chunks,
                            RequestContext& ctx);

}  // namespace strata::knowledge
