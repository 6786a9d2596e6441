#pragma once
// What the models over the deployments of one pool have in common, whatever they answer.

#include <memory>
#include <utility>
#include <vector>

#include "gateway/resilience/attempt.h"
#include "gateway/resilience/pool.h"

namespace strata::gateway {

// `Model`: ChatModel, Embedder, Reranker or Moderator. Thread-safe; `parts` outlives it.
template <class Model>
class PoolModel : public Model, public HasDeployments<Model> {
 public:
  using One = typename HasDeployments<Model>::One;

  PoolModel(PoolSpec spec, typename Pool<Model>::Found find, domain::ModelInfo info,
            const Resilience::Parts& parts)
      : info_(std::move(info)),
        parts_(parts),
        pool_(std::move(spec), std::move(find), parts.board, *parts.env.clock),
        rules_(RulesOf(pool_.spec(), parts.Options())),
        budget_(parts.Budget(), *parts.env.clock) {}
  // A pool of one.
  PoolModel(std::shared_ptr<Model> only, const Resilience::Parts& parts)
      : info_(only->Info()),
        parts_(parts),
        pool_(PoolSpec{.id = info_.id}, std::move(only), parts.board, *parts.env.clock),
        rules_(RulesOf(pool_.spec(), parts.Options())),
        budget_(parts.Budget(), *parts.env.clock) {}

  const domain::ModelInfo& Info() const final { return info_; }
  std::vector<One> Own() final { return pool_.Own(); }
  bool direct() const final { return pool_.direct(); }

 protected:
  const domain::ModelInfo info_;
  const Resilience::Parts& parts_;
  mutable Pool<Model> pool_;  // looks for its deployments when it is asked for them
  const AttemptRules rules_;
  RetryBudget budget_;
};

}  // namespace strata::gateway
