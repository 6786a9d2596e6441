#pragma once
// Runs one plan of a router for one request.

#include <memory>
#include <vector>

#include "gateway/router_memory.h"
#include "gateway/routing/plan_stream.h"
#include "gateway/routing/step.h"
#include "guard/guardrails.h"
#include "route/plan.h"
#include "vector/static_embedder.h"

namespace strata::gateway {

// Used once, by the request's coroutine. `ctx` outlives the stream that it gives.
class PlanRun {
 public:
  // `guardrails`: what may not leave does not settle a request; null: none judge answers.
  PlanRun(route::Plan plan, std::shared_ptr<const vector::StaticEmbedder> embedder,
          SessionNote note, std::shared_ptr<RouterRecord> record,
          std::shared_ptr<const guard::Guardrails> guardrails, RequestContext& ctx);

  // Errors: the escalation's, or the one model's; when nothing answered.
  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& request);

 private:
  using Steps = std::vector<std::shared_ptr<Step>>;

  Task<Result<std::unique_ptr<provider::ChatStream>>> StartModel(domain::ChatRequest&& request,
                                                                 std::string_view role);
  // The step whose answer stands; null: escalate, and `why`.
  Task<std::shared_ptr<Step>> Settle(const domain::ChatRequest& request, std::string& why);
  Task<std::shared_ptr<Step>> SettleByAgreement(const Steps& steps,
                                                const domain::ChatRequest& request,
                                                std::string& why);
  std::shared_ptr<Step> SettleBySchema(const Steps& steps, const domain::ChatRequest& request,
                                       std::string& why) const;
  std::shared_ptr<Step> SettleByConfidence(const Steps& steps, std::string& why) const;
  std::shared_ptr<Step> SettleByCitations(const Steps& steps, std::string& why) const;
  // The step, unless a guardrail blocks what it says.
  Task<std::shared_ptr<Step>> Guarded(std::shared_ptr<Step> step, std::string& why);
  // For the strongest and the cheapest model of the decision, against the model that is named.
  void CompareWith(RequestContext& ctx, std::string_view model) const;

  route::Plan plan_;
  std::shared_ptr<const vector::StaticEmbedder> embedder_;
  SessionNote note_;
  std::shared_ptr<RouterRecord> record_;
  std::shared_ptr<const guard::Guardrails> guardrails_;
  RequestContext& ctx_;
};

}  // namespace strata::gateway
