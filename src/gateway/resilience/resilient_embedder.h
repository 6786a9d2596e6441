#pragma once
// Embedder over the deployments of one pool. All of them must be the same model: vectors of
// different ones cannot be compared.

#include <memory>

#include "gateway/resilience/pool.h"
#include "provider/embedder.h"

namespace strata::gateway {

class ResilientEmbedder final : public provider::Embedder,
                                public HasDeployments<provider::Embedder> {
 public:
  ResilientEmbedder(PoolSpec spec, Pool<provider::Embedder>::Found find, domain::ModelInfo info,
                    const Resilience::Parts& parts);
  ResilientEmbedder(std::shared_ptr<provider::Embedder> only, const Resilience::Parts& parts);

  Task<Result<provider::Embeddings>> Embed(std::vector<std::string> texts,
                                           provider::EmbedPurpose purpose,
                                           RequestContext& ctx) override;
  std::int64_t CountTokens(std::string_view text) const override;
  std::int64_t tokens_max() const override;
  const domain::ModelInfo& Info() const override { return info_; }

  std::vector<One> Own() override { return pool_.Own(); }
  bool direct() const override { return pool_.direct(); }

 private:
  std::shared_ptr<provider::Embedder> Any() const;

  const domain::ModelInfo info_;
  const Resilience::Parts& parts_;
  mutable Pool<provider::Embedder> pool_;
  const AttemptRules rules_;
  RetryBudget budget_;
};

}  // namespace strata::gateway
