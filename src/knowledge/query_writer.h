#pragma once
// QueryWriter: what a knowledge base is searched for. A language model, where one is configured or
// asked for, makes a follow-up stand alone, and cuts a question of several parts into one query
// each (query decomposition; Press et al., "Measuring and Narrowing the Compositionality Gap",
// 2023, sub-questions). Without one, a follow-up is searched together with the question before it.

#include <cstdint>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/options.h"
#include "base/task.h"
#include "knowledge/answerer.h"
#include "knowledge/retrieval.h"
#include "provider/registry.h"

namespace strata::knowledge {

// Thread-safe. `models` outlives it and holds metered models only.
class QueryWriter {
 public:
  // Options kb.query.*.
  QueryWriter(const provider::Registry& models, const Options& options);

  // 1..kb.query.parts_max queries of at most kQueryBytesMax bytes. A model that answers something
  // else than queries, or fails, leaves the question as it is, and the trace says so. Errors: those
  // of a model that the caller named; kInvalidArgument at `queryTransformationConfiguration` or
  // `promptTemplate` when what is wished for has no model; the caller's time is up.
  Task<Result<std::vector<std::string>>> Write(const std::string& question,
                                               const std::vector<Turn>& history,
                                               const QueryWish& wish, RequestContext& ctx) const;

 private:
  struct Call {
    GenerationOptions generation;
    bool named = false;  // by the caller
    int parts_max = 1;
  };
  Result<Call> CallFor(const std::vector<Turn>& history, const QueryWish& wish) const;
  Task<Result<std::vector<std::string>>> Ask(const std::string& question,
                                             const std::vector<Turn>& history, const Call& call,
                                             RequestContext& ctx) const;

  const provider::Registry& models_;
  const std::string model_;  // "": none
  const int parts_max_;
};

// Passages for all of `queries`: the best of each, then the second of each, and so on, each passage
// once. At most `request.results`, or kPartResultsMin for each query where that is more.
// `request.query` is filled here.
inline constexpr int kPartResultsMin = 3;
Task<Result<FoundPassages>> RetrieveForAll(KnowledgeBases& bases, RetrieveRequest request,
                                           std::vector<std::string> queries, RequestContext& ctx);

}  // namespace strata::knowledge
