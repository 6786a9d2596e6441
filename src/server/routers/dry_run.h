#pragma once
// What a router would do with requests that are not sent: which model each takes and what that is
// expected to cost, against always asking its strongest or its cheapest, and against now.

#include <memory>
#include <string>
#include <string_view>

#include "base/context.h"
#include "domain/conversation.h"
#include "provider/registry.h"
#include "route/policy_router.h"

namespace strata::server {

// One line: {"prompt": "…"} or {"question": "…"} (other members are ignored), or the body of an
// OpenAI chat completion, whose `model` is what is asked now.
struct Sample {
  std::string id;  // "" when the line has none
  domain::ChatRequest request;
};
Result<Sample> DecodeSample(std::string_view line);

// On one thread. `ctx` outlives it.
struct DryRun {
  std::shared_ptr<const route::PolicyRouter> router;
  std::shared_ptr<const provider::RegistrySnapshot> models;
  const RequestContext& ctx;
  const observe::Spending* spending = nullptr;

  // JSON lines, at most 100,000 → {"requests": [{id, model, decided_by, reason, cost_usd, of a
  // cascade: ask, check, tie_break, …}], "totals": {…}}. Errors: kInvalidArgument with the line.
  Result<std::string> Of(std::string_view lines) const;
};

}  // namespace strata::server
