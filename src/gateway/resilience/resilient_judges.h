#pragma once
// Reranker and Moderator over the deployments of one pool. Scores of different models cannot be
// compared, but one answer has those of one model only.

#include <memory>

#include "gateway/resilience/pool.h"
#include "provider/moderator.h"
#include "provider/reranker.h"

namespace strata::gateway {

class ResilientReranker final : public provider::Reranker,
                                public HasDeployments<provider::Reranker> {
 public:
  ResilientReranker(PoolSpec spec, Pool<provider::Reranker>::Found find, domain::ModelInfo info,
                    const Resilience::Parts& parts);
  ResilientReranker(std::shared_ptr<provider::Reranker> only, const Resilience::Parts& parts);

  Task<Result<domain::Reranking>> Rerank(domain::RerankRequest request,
                                         RequestContext& ctx) override;
  const domain::ModelInfo& Info() const override { return info_; }

  std::vector<One> Own() override { return pool_.Own(); }
  bool direct() const override { return pool_.direct(); }

 private:
  const domain::ModelInfo info_;
  const Resilience::Parts& parts_;
  Pool<provider::Reranker> pool_;
  const AttemptRules rules_;
  RetryBudget budget_;
};

class ResilientModerator final : public provider::Moderator,
                                 public HasDeployments<provider::Moderator> {
 public:
  ResilientModerator(PoolSpec spec, Pool<provider::Moderator>::Found find, domain::ModelInfo info,
                     const Resilience::Parts& parts);
  ResilientModerator(std::shared_ptr<provider::Moderator> only, const Resilience::Parts& parts);

  Task<Result<domain::Moderation>> Moderate(domain::ModerationRequest request,
                                            RequestContext& ctx) override;
  const domain::ModelInfo& Info() const override { return info_; }

  std::vector<One> Own() override { return pool_.Own(); }
  bool direct() const override { return pool_.direct(); }

 private:
  const domain::ModelInfo info_;
  const Resilience::Parts& parts_;
  Pool<provider::Moderator> pool_;
  const AttemptRules rules_;
  RetryBudget budget_;
};

}  // namespace strata::gateway
