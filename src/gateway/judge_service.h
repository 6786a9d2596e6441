#pragma once
// The pipelines of rerank and moderation: access to the model, route, metered call.

#include <string>

#include "base/context.h"
#include "base/task.h"
#include "guard/guardrails.h"
#include "provider/registry.h"

namespace strata::gateway {

// Thread-safe. `registry` outlives it and holds metered models only.
class JudgeService {
 public:
  explicit JudgeService(const provider::Registry& registry, guard::GuardrailsNow guardrails = {})
      : registry_(registry), guardrails_(std::move(guardrails)) {}

  // Guardrails judge the texts, as those of a chat request.
  // Errors as Reranker::Rerank and Registry::Rerank.
  Task<Result<domain::Reranking>> Rerank(std::string model, domain::RerankRequest request,
                                         RequestContext& ctx) const;

  // The same for moderation. A model that nobody serves: the error says what to configure.
  Task<Result<domain::Moderation>> Moderate(std::string model, domain::ModerationRequest request,
                                            RequestContext& ctx) const;

 private:
  Task<Result<>> Judge(std::vector<std::string*> texts, RequestContext& ctx) const;

  const provider::Registry& registry_;
  guard::GuardrailsNow guardrails_;
};

}  // namespace strata::gateway
