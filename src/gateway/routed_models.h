#pragma once
// Routers as models: `router/NAME` chooses a plan when the request comes, and runs it. As they are
// models, they answer in every dialect and behind every alias, prompt and knowledge base.
//
// A plan with several steps asks its cheap models at once, compares, and escalates; every call is a
// metered one with its role. What the caller gets is one answer: the settled one, from its start.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/pool.h"
#include "gateway/answer_taker.h"
#include "gateway/check_hooks.h"
#include "gateway/router_memory.h"
#include "guard/guardrails.h"
#include "observe/latencies.h"
#include "observe/spending.h"
#include "provider/registry.h"
#include "route/policy_router.h"
#include "vector/static_embedder.h"

namespace strata::gateway {

// The version of a router that one request gets.
struct RouterAssignment {
  std::shared_ptr<const route::PolicyRouter> router;
  // Of a test of two versions; "" without one.
  std::string test, arm;  // "b" is the version on trial, "a" the other
  std::string unit;       // hash of who was assigned: the session, the user or the key
};

// Who has the routers. Thread-safe; does not block.
class RouterBook {
 public:
  virtual ~RouterBook() = default;
  // `name`: "mix", "mix:3", or what an ARN ends in. kNotFound; any error of making it.
  virtual Result<std::shared_ptr<const route::PolicyRouter>> Find(
      std::string_view name, const WorkspaceId& workspace) const = 0;
  // The same for a request, which a test of two versions may give either.
  virtual Result<RouterAssignment> Assign(std::string_view name, const RequestContext& ctx) const {
    STRATA_TRY(auto router, Find(name, ctx.workspace));
    return RouterAssignment{.router = std::move(router), .test = {}, .arm = {}, .unit = {}};
  }
  // Whether any workspace has it; which one asks is known only when the request runs.
  virtual bool Has(std::string_view name) const = 0;
  // Names, for listings.
  virtual std::vector<std::string> Names() const = 0;
};

struct RoutedParts {
  const RouterBook& book;
  const provider::Registry& registry;
  // Compares free texts of two answers; null: they never agree.
  std::shared_ptr<const vector::StaticEmbedder> embedder;
  RouterMemory& memory;
  AnswerTaker* taker = nullptr;                 // null: nothing is learned from answers
  const observe::Spending* spending = nullptr;  // null: rules that look at it see nothing spent
  const observe::Latencies* latencies = nullptr;
  guard::GuardrailsNow guardrails = {};  // unset: none
  CheckHooksNow hooks = {};              // unset: none
  net::Client* client = nullptr;         // to ask hooks
  Pool* pool = nullptr;                  // to try statements of SQL; null: where they come
};

// Source "router". What `parts` refers to outlives it.
std::shared_ptr<provider::ModelSource> MakeRouterSource(const RoutedParts& parts);

}  // namespace strata::gateway
