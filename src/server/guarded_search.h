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

// `implicit`: a filter that a model writes from the query and that holds beside the request's own.
// Errors: kBlocked, for the query; those of the search and of that model.
Task<Result<GuardedResults>> GuardedRetrieve(
    Services& services, knowledge::RetrieveRequest request, RequestContext& ctx,
    std::optional<knowledge::ImplicitFilter> implicit = std::nullopt);

// Masks queries in place.
Task<Result<>> JudgeQueries(const guard::Guardrails& guardrails, std::vector<std::string*> queries,
                            RequestContext& ctx);

}  // namespace strata::server
