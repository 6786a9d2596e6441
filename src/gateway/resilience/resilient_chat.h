#pragma once
// ChatModel over the deployments of one pool.

#include <memory>
#include <optional>

#include "gateway/headroom.h"
#include "gateway/resilience/pool_model.h"
#include "provider/chat_model.h"

namespace strata::gateway {

class ResilientChat final : public PoolModel<provider::ChatModel>, public HasHeadroom {
 public:
  using PoolModel::PoolModel;

  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& request,
                                                            RequestContext& ctx) override;
  // Asks one deployment after the other until one counts; does not retry.
  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest request, RequestContext& ctx) override;
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
};

}  // namespace strata::gateway
