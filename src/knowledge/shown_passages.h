#pragma once
// Guardrails on passages that a caller is shown as they were found: by Retrieve, by searches in
// vector stores, beside the answer that cites them.

#include <vector>

#include "guard/guardrails.h"
#include "knowledge/retrieval.h"

namespace strata::knowledge {

// Masks text, title, address and metadata of one passage in place; whether anything was masked.
// Errors: kBlocked; those of a policy that could not judge.
Task<Result<bool>> JudgeShown(const guard::Guardrails& guardrails, RetrievedChunk& passage,
                              RequestContext& ctx);

// The same for all that a search has found: what is blocked is left out. Whether anything was
// masked or left out. Errors: those of a policy that could not judge.
Task<Result<bool>> JudgeShown(const guard::Guardrails& guardrails,
                              std::vector<RetrievedChunk>& passages, RequestContext& ctx);

}  // namespace strata::knowledge
