#pragma once
// Embedder over any remote Api that embeds.

#include "provider/counting_embedder.h"
#include "provider/embedder.h"
#include "provider/remote/call.h"

namespace strata::provider::remote {

class RemoteEmbedder final : public Embedder, public CountingEmbedder {
 public:
  RemoteEmbedder(std::shared_ptr<const Account> account, domain::ModelInfo info)
      : account_(std::move(account)), info_(std::move(info)) {}

  // Batches as the Api allows, one call after the other. Vectors are normalised here, as not every
  // server does it. kUnavailable when the rows do not fit the texts.
  Task<Result<Embeddings>> Embed(std::vector<std::string> texts, EmbedPurpose purpose,
                                 RequestContext& ctx) override;
  Task<Result<Embeddings>> EmbedCounting(std::vector<std::string> texts, EmbedPurpose purpose,
                                         RequestContext& ctx, domain::Usage& used) override;
  std::int64_t CountTokens(std::string_view text) const override;
  std::int64_t tokens_max() const override;
  const domain::ModelInfo& Info() const override { return info_; }
  bool SpeaksOpenAi() const override { return account_->api->EmbedsAsOpenAi(); }

 private:
  Task<Result<>> EmbedBatch(const dialect::EmbedRequest& request, RequestContext& ctx,
                            Embeddings& out, domain::Usage& used);

  std::shared_ptr<const Account> account_;
  domain::ModelInfo info_;
};

}  // namespace strata::provider::remote
