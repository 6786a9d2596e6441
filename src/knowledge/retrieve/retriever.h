#pragma once
// One retrieval over one open knowledge base: embed the query, correct its spelling, search by
// words and by vectors, blend what both find (retrieve/candidates.h), smooth over neighbours,
// follow names, read the chunks, drop what repeats, join what adjoins, rerank. Each stage is a span
// with its hits and what it dropped, and why.

#include <memory>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/pool.h"
#include "base/task.h"
#include "knowledge/base/open_bases.h"
#include "knowledge/retrieval.h"
#include "knowledge/retrieve/fuse.h"
#include "knowledge/retrieve/rerank.h"
#include "provider/embedder.h"

namespace strata::knowledge {

struct RetrieverOptions {
  double dense_weight = 0.5;
  double dense_weight_foreign = 0.2;  // of questions in a language that the embedder does not know
  double context_share = 0.5;         // as BlendOptions::context_share
  int candidates = 100;               // of each leg; never fewer than the results asked for
  bool spelling = true;
  int join = 0;  // as RetrieveRequest::join
  RerankOptions rerank;
};

// A question as the embedder of a base has it.
struct EmbeddedQuery {
  std::string model;          // the embedder's id
  std::vector<float> values;  // empty: the search needs no vector
};

// Thread-safe. Parts outlive it.
class Retriever {
 public:
  Retriever(Pool& pool, RetrieverOptions options, RerankerLookup rerankers)
      : pool_(pool), options_(std::move(options)), rerankers_(std::move(rerankers)) {}

  // The query of a request, whose mode is not kDefault. Errors: kInvalidArgument (field), those of
  // the embedder.
  static Task<Result<EmbeddedQuery>> Embed(provider::Embedder& embedder,
                                           const RetrieveRequest& request, RequestContext& ctx);
  // `query`: what Embed made of `request`, or of one for another base that has the same embedder.
  // Errors: those of a reranker that the request names.
  Task<Result<RetrieveResponse>> Run(std::shared_ptr<OpenBase> base, const EmbeddedQuery& query,
                                     RetrieveRequest request, RequestContext& ctx) const;

 private:
  Pool& pool_;
  RetrieverOptions options_;
  RerankerLookup rerankers_;
};

}  // namespace strata::knowledge
