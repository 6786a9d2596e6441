#pragma once
// Retrieval as its callers get it: guardrails judge the query as text that goes to a model, and the
// passages as text that leaves.

#include <optional>
#include <string>
#include <vector>

#include "knowledge/retrieval.h"
#include "server/services.h"

namespace strata::server {

struct GuardedResults {
  knowledge::RetrieveResponse found;
  std::optional<bool> intervened;  // whether something was masked or left out; absent: none judged
};

// Errors: kBlocked, for the query; those of the search.
Task<Result<GuardedResults>> GuardedRetrieve(Services& services, knowledge::RetrieveRequest request,
                                             RequestContext& ctx);

// Masks queries in place.
Task<Result<>> JudgeQueries(const guard::Guardrails& guardrails, std::vector<std::string*> queries,
                            RequestContext& ctx);

}  // namespace strata::server
