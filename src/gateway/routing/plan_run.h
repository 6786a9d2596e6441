#pragma once
// Runs one plan of a router for one request.

#include <memory>
#include <vector>

#include "base/pool.h"
#include "gateway/check_hooks.h"
#include "gateway/router_memory.h"
#include "gateway/routing/plan_stream.h"
#include "gateway/routing/step.h"
#include "guard/guardrails.h"
#include "route/agreement.h"
#include "route/plan.h"
#include "vector/static_embedder.h"

namespace strata::gateway {

// What plans are run with.
struct PlanTools {
  std::shared_ptr<const vector::StaticEmbedder> embedder;  // null: free texts never agree
  // What may not leave does not settle a request; null: none judge answers.
  std::shared_ptr<const guard::Guardrails> guardrails;
  std::shared_ptr<const CheckHooks> hooks;  // null: none are configured
  net::Client* client = nullptr;            // to ask hooks; null: none can be
  Pool* pool = nullptr;                     // to try statements of SQL; null: where they come
};

// Used once, by the request's coroutine. `ctx` outlives the stream that it gives.
class PlanRun {
 public:
  PlanRun(route::Plan plan, PlanTools tools, SessionNote note, std::shared_ptr<RouterRecord> record,
          RequestContext& ctx);

  // Errors: the escalation's, or the one model's; when nothing answered.
  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& request);

 private:
  using Steps = std::vector<std::shared_ptr<Step>>;

  Task<Result<std::unique_ptr<provider::ChatStream>>> StartModel(domain::ChatRequest&& request,
                                                                 std::string_view role);
  // The step whose answer stands; null: escalate, and `why`.
  Task<std::shared_ptr<Step>> Settle(const domain::ChatRequest& request, Message& why);
  Task<std::shared_ptr<Step>> SettleByAgreement(const Steps& steps,
                                                const domain::ChatRequest& request, Message& why);
  std::shared_ptr<Step> SettleBySchema(const Steps& steps, const domain::ChatRequest& request,
                                       Message& why) const;
  std::shared_ptr<Step> SettleByConfidence(const Steps& steps, Message& why) const;
  std::shared_ptr<Step> SettleByCitations(const Steps& steps, Message& why) const;
  Task<std::shared_ptr<Step>> SettleBySql(const Steps& steps, Message& why);
  Task<std::shared_ptr<Step>> SettleByHook(const Steps& steps, const domain::ChatRequest& request,
                                           Message& why);
  // Why nobody need be asked first; empty: the check can be made.
  Message CannotCheck() const;
  // What of an answer is compared. What is wrong with one that cannot be is added to `problems`.
  Task<route::Comparable> Read(const Step& step, std::string& problems);
  // The step, unless a guardrail blocks what it says.
  Task<std::shared_ptr<Step>> Guarded(std::shared_ptr<Step> step, Message& why);
  // For the strongest and the cheapest model of the decision, against the model that is named.
  void CompareWith(RequestContext& ctx, std::string_view model) const;

  route::Plan plan_;
  PlanTools tools_;
  SessionNote note_;
  std::shared_ptr<RouterRecord> record_;
  RequestContext& ctx_;
  std::string detail_;  // of a failed check, which may hold words of the answer
};

}  // namespace strata::gateway
