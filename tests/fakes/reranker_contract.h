#pragma once
// What every Reranker promises. Uses EXPECT_*, so that coroutine tests can await it.

#include "provider/reranker.h"

namespace strata::fakes {

// Runs the promises of provider/reranker.h against `reranker` with a few short documents; false
// when it could not even rank them.
Task<bool> CheckRerankerContract(provider::Reranker& reranker, RequestContext& ctx);

}  // namespace strata::fakes
