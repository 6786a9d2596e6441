#pragma once
// Embedder over the deployments of one pool. All of them must be the same model: vectors of
// different ones cannot be compared.

#include <memory>

#include "gateway/resilience/pool_model.h"
#include "provider/embedder.h"

namespace strata::gateway {

class ResilientEmbedder final : public PoolModel<provider::Embedder> {
 public:
  using PoolModel::PoolModel;

  Task<Result<provider::Embeddings>> Embed(std::vector<std::string> texts,
                                           provider::EmbedPurpose purpose,
                                           RequestContext& ctx) override;
  std::int64_t CountTokens(std::string_view text) const override;
  std::int64_t tokens_max() const override;

 private:
  std::shared_ptr<provider::Embedder> Any() const;
};

}  // namespace strata::gateway
