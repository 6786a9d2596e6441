#include "gateway/resilience/resilient_judges.h"

#include "gateway/resilience/one_answer.h"

namespace strata::gateway {

Task<Result<domain::Reranking>> ResilientReranker::Rerank(domain::RerankRequest request,
                                                          RequestContext& ctx) {
  auto ask = [&request](provider::Reranker& model, RequestContext& attempt) {
    auto copy = request;
    return model.Rerank(std::move(copy), attempt);
  };
  co_return co_await AskInTurn<domain::Reranking>(pool_, rules_, budget_, parts_, ctx, ask);
}

Task<Result<domain::Moderation>> ResilientModerator::Moderate(domain::ModerationRequest request,
                                                              RequestContext& ctx) {
  auto ask = [&request](provider::Moderator& model, RequestContext& attempt) {
    auto copy = request;
    return model.Moderate(std::move(copy), attempt);
  };
  co_return co_await AskInTurn<domain::Moderation>(pool_, rules_, budget_, parts_, ctx, ask);
}

}  // namespace strata::gateway
