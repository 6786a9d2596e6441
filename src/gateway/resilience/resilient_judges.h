#pragma once
// Reranker and Moderator over the deployments of one pool. Scores of different models cannot be
// compared, but one answer has those of one model only.

#include <memory>

#include "gateway/resilience/pool_model.h"
#include "provider/moderator.h"
#include "provider/reranker.h"

namespace strata::gateway {

class ResilientReranker final : public PoolModel<provider::Reranker> {
 public:
  using PoolModel::PoolModel;

  Task<Result<domain::Reranking>> Rerank(domain::RerankRequest request,
                                         RequestContext& ctx) override;
};

class ResilientModerator final : public PoolModel<provider::Moderator> {
 public:
  using PoolModel::PoolModel;

  Task<Result<domain::Moderation>> Moderate(domain::ModerationRequest request,
                                            RequestContext& ctx) override;
};

}  // namespace strata::gateway
