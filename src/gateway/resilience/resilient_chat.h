#pragma once
// ChatModel over the deployments of one pool.

#include <memory>
#include <optional>

#include "gateway/headroom.h"
#include "gateway/resilience/attempt.h"
#include "gateway/resilience/pool.h"
#include "provider/chat_model.h"

namespace strata::gateway {

class ResilientChat final : public provider::ChatModel,
                            public HasDeployments<provider::ChatModel>,
                            public HasHeadroom {
 public:
  ResilientChat(PoolSpec spec, Pool<provider::ChatModel>::Found find, domain::ModelInfo info,
                const Resilience::Parts& parts);
  ResilientChat(std::shared_ptr<provider::ChatModel> only, const Resilience::Parts& parts);

  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& request,
                                                            RequestContext& ctx) override;
  // Asks one deployment after the other until one counts; does not retry.
  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest request, RequestContext& ctx) override;
  const domain::ModelInfo& Info() const override { return info_; }

  std::vector<One> Own() override { return pool_.Own(); }
  bool direct() const override { return pool_.direct(); }
  route::Headroom Left() override;

 private:
  using Set = Deployments<provider::ChatModel>;
  Task<std::shared_ptr<Attempt>> Try(const Set& set, Attempts& attempts, Choice choice,
                                     const domain::ChatRequest& request, RequestContext& ctx);
  Task<std::shared_ptr<Attempt>> Race(const Set& set, Attempts& attempts,
                                      std::shared_ptr<Attempt> first,
                                      const domain::ChatRequest& request, RequestContext& ctx);
  std::optional<std::uint64_t> StickyKey(const domain::ChatRequest& request,
                                         const RequestContext& ctx) const;

  const domain::ModelInfo info_;
  const Resilience::Parts& parts_;
  Pool<provider::ChatModel> pool_;
  const AttemptRules rules_;
  RetryBudget budget_;
};

}  // namespace strata::gateway
