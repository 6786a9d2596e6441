#include "gateway/resilience/resilient_judges.h"

#include "gateway/resilience/one_answer.h"

namespace strata::gateway {

ResilientReranker::ResilientReranker(PoolSpec spec, Pool<provider::Reranker>::Found find,
                                     domain::ModelInfo info, const Resilience::Parts& parts)
    : info_(std::move(info)),
      parts_(parts),
      pool_(std::move(spec), std::move(find), parts.board, *parts.env.clock),
      rules_(RulesOf(pool_.spec(), parts.Options())),
      budget_(parts.Budget(), *parts.env.clock) {}

ResilientReranker::ResilientReranker(std::shared_ptr<provider::Reranker> only,
                                     const Resilience::Parts& parts)
    : info_(only->Info()),
      parts_(parts),
      pool_(PoolSpec{.id = info_.id}, std::move(only), parts.board, *parts.env.clock),
      rules_(RulesOf(pool_.spec(), parts.Options())),
      budget_(parts.Budget(), *parts.env.clock) {}

Task<Result<domain::Reranking>> ResilientReranker::Rerank(domain::RerankRequest request,
                                                          RequestContext& ctx) {
  auto ask = [&request](provider::Reranker& model, RequestContext& attempt) {
    auto copy = request;
    return model.Rerank(std::move(copy), attempt);
  };
  co_return co_await AskInTurn<domain::Reranking>(pool_, rules_, budget_, parts_, ctx, ask);
}

ResilientModerator::ResilientModerator(PoolSpec spec, Pool<provider::Moderator>::Found find,
                                       domain::ModelInfo info, const Resilience::Parts& parts)
    : info_(std::move(info)),
      parts_(parts),
      pool_(std::move(spec), std::move(find), parts.board, *parts.env.clock),
      rules_(RulesOf(pool_.spec(), parts.Options())),
      budget_(parts.Budget(), *parts.env.clock) {}

ResilientModerator::ResilientModerator(std::shared_ptr<provider::Moderator> only,
                                       const Resilience::Parts& parts)
    : info_(only->Info()),
      parts_(parts),
      pool_(PoolSpec{.id = info_.id}, std::move(only), parts.board, *parts.env.clock),
      rules_(RulesOf(pool_.spec(), parts.Options())),
      budget_(parts.Budget(), *parts.env.clock) {}

Task<Result<domain::Moderation>> ResilientModerator::Moderate(domain::ModerationRequest request,
                                                              RequestContext& ctx) {
  auto ask = [&request](provider::Moderator& model, RequestContext& attempt) {
    auto copy = request;
    return model.Moderate(std::move(copy), attempt);
  };
  co_return co_await AskInTurn<domain::Moderation>(pool_, rules_, budget_, parts_, ctx, ask);
}

}  // namespace strata::gateway
