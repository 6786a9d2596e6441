#pragma once
// Cohere's API v2: BASE/v2/chat, /v2/embed, /v2/rerank, /v1/models, with a bearer key.

#include "provider/remote/api.h"

namespace strata::provider::cohere {

class CohereApi final : public remote::Api {
 public:
  // `key` may be empty: a proxy may add it.
  CohereApi(ProviderSpec spec, std::string key);

  // Its errors read as OpenAI's do: a status, and a message in the body.
  dialect::Dialect dialect() const override { return dialect::Dialect::kOpenAi; }
  Result<remote::Call> Chat(const domain::ChatRequest& request,
                            const std::string& upstream_id) const override;
  Result<domain::ChatResponse> DecodeChat(std::string_view body) const override;
  std::unique_ptr<dialect::StreamDecoder> MakeStreamDecoder() const override;
  Result<remote::Call> Count(const domain::ChatRequest& request,
                             const std::string& upstream_id) const override;
  Result<std::int64_t> DecodeCount(std::string_view body) const override;
  std::size_t EmbedBatchMax(const std::string& upstream_id) const override;
  Result<remote::Call> Embed(const dialect::EmbedRequest& request) const override;
  Result<dialect::EmbeddingRows> DecodeEmbed(const dialect::EmbedRequest& request,
                                             std::string_view body) const override;
  bool CanRerank(std::string_view upstream_id) const override;
  Result<remote::Call> Rerank(const domain::RerankRequest& request,
                              const std::string& upstream_id) const override;
  Result<domain::Reranking> DecodeRerank(std::string_view body,
                                         std::size_t documents) const override;
  remote::Call ListModels() const override;
  Result<std::vector<std::string>> DecodeModels(std::string_view body) const override;
  void Authorize(remote::Call& call, WallTime now) const override;
  const std::vector<std::string>& secrets() const override { return secrets_; }

 private:
  ProviderSpec spec_;
  std::string base_;  // without trailing slash, version or path
  std::vector<std::string> secrets_;
};

}  // namespace strata::provider::cohere
