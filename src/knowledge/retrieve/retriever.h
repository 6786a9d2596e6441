#pragma once
// One retrieval over one open knowledge base: embed the query, search by words and by vectors,
// blend, smooth over neighbours, follow names, read the chunks, drop what repeats. Each stage is a
// span with its hits and what it dropped, and why.

#include "base/context.h"
#include "base/pool.h"
#include "base/task.h"
#include "knowledge/base/open_bases.h"
#include "knowledge/retrieval.h"
#include "knowledge/retrieve/fuse.h"
#include "provider/embedder.h"

namespace strata::knowledge {

struct RetrieverOptions {
  double dense_weight = 0.5;
  int candidates = 100;  // of each leg; never fewer than the results asked for
};

// Thread-safe. Parts outlive it.
class Retriever {
 public:
  Retriever(Pool& pool, RetrieverOptions options) : pool_(pool), options_(options) {}

  // `request.mode` is not kDefault. Errors: kInvalidArgument (field), those of the embedder.
  Task<Result<RetrieveResponse>> Run(std::shared_ptr<OpenBase> base, provider::Embedder& embedder,
                                     RetrieveRequest request, RequestContext& ctx) const;

 private:
  Pool& pool_;
  RetrieverOptions options_;
};

}  // namespace strata::knowledge
