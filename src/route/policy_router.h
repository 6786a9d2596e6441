#pragma once
// A router as callers name it: its definition, and the learned router that belongs to it, if any.
// Chooses a plan; runs nothing and keeps nothing.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "observe/latencies.h"
#include "provider/registry.h"
#include "route/decision.h"
#include "route/definition.h"
#include "route/plan.h"
#include "route/router.h"
#include "route/shadow_price.h"
#include "route/signals.h"

namespace strata::route {

// ModelInfo::provider of routers, so that none is a candidate of another by way of an alias.
inline constexpr std::string_view kRouterProvider = "router";

// The model that gave a conversation's last answer, and how many tokens it has in its prompt cache.
struct SessionMemory {
  std::string model;
  std::int64_t tokens = 0;
};

// What is known of the candidates' capacity when a request comes.
struct Capacity {
  const ShadowPrices& prices;      // of this version
  ShadowPrices* learns = nullptr;  // the same, where the decision is one to learn from
  std::function<Headroom(provider::ChatModel&)> headroom;
  const observe::Latencies* latencies = nullptr;  // null: how long models take is not known
};

// Immutable; thread-safe.
class PolicyRouter {
 public:
  struct Parts {
    std::string name;
    std::string version;  // "router/mix:3"
    RouterDefinition definition;
    std::shared_ptr<const Router> learned;  // null: rules alone
  };
  // kInvalidArgument: the learned router does not know the fallback, or no other candidate.
  static Result<std::shared_ptr<const PolicyRouter>> Make(Parts parts);

  const std::string& name() const { return parts_.name; }
  const std::string& version() const { return parts_.version; }
  const RouterDefinition& definition() const { return parts_.definition; }
  const Router* learned() const { return parts_.learned.get(); }
  const std::shared_ptr<const Router>& learned_router() const { return parts_.learned; }

  // Candidates that lack a capability, are too small, or that the outbound check forbids never take
  // part. `session`: of the conversation, null when it has none. `capacity`: null, quotas have no
  // price. Prices move a request only among candidates that are good enough for it. The plan's
  // decision is set.
  // Errors, when none can serve: kUnavailable while a candidate's reason passes by itself, else
  // kInvalidArgument when one lacks what this request needs or would go beyond a limit, else
  // kPermissionDenied when the outbound check or a rule forbids one, else kNotFound: no candidate
  // is a known model. The message says why each cannot, and names the nearest known model that
  // could.
  Result<Plan> Choose(const provider::RegistrySnapshot& models, const Signals& signals,
                      const SessionMemory* session = nullptr,
                      const Capacity* capacity = nullptr) const;

  // Of each candidate, its number in the learned router; -1: it does not know it.
  const std::vector<int>& learned_numbers() const { return learned_numbers_; }

 private:
  PolicyRouter(Parts parts, std::vector<int> numbers)
      : parts_(std::move(parts)), learned_numbers_(std::move(numbers)) {}

  const Parts parts_;
  const std::vector<int> learned_numbers_;
};

}  // namespace strata::route
