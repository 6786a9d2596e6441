#pragma once
// The OpenAI API and every server compatible with it, and Azure's two forms of it:
//   deployments  BASE/openai/deployments/DEPLOYMENT/chat/completions?api-version=V, header api-key
//   v1           BASE/openai/v1/chat/completions, header api-key

#include "provider/remote/api.h"

namespace strata::provider::openai {

class OpenAiApi final : public remote::Api {
 public:
  // `key` may be empty: local servers need none.
  OpenAiApi(ProviderSpec spec, std::string key);

  dialect::Dialect dialect() const override { return dialect::Dialect::kOpenAi; }
  Result<remote::Call> Chat(const domain::ChatRequest& request,
                            const std::string& upstream_id) const override;
  Result<domain::ChatResponse> DecodeChat(std::string_view body) const override;
  std::unique_ptr<dialect::StreamDecoder> MakeStreamDecoder() const override;
  const dialect::WireCodec* Wire(const domain::WireRequest& wire,
                                 std::string_view upstream_id) const override;
  remote::Call Forward(const domain::ChatRequest& request,
                       const std::string& upstream_id) const override;
  bool CountsWire(const domain::WireRequest& wire, std::string_view upstream_id) const override;
  Result<remote::Call> Count(const domain::ChatRequest& request,
                             const std::string& upstream_id) const override;
  Result<std::int64_t> DecodeCount(std::string_view body) const override;
  std::size_t EmbedBatchMax(const std::string& upstream_id) const override;
  bool EmbedsAsOpenAi() const override { return true; }
  Result<remote::Call> Embed(const dialect::EmbedRequest& request) const override;
  Result<dialect::EmbeddingRows> DecodeEmbed(const dialect::EmbedRequest& request,
                                             std::string_view body) const override;
  bool CanRerank(std::string_view upstream_id) const override;
  Result<remote::Call> Rerank(const domain::RerankRequest& request,
                              const std::string& upstream_id) const override;
  Result<domain::Reranking> DecodeRerank(std::string_view body,
                                         std::size_t documents) const override;
  bool CanModerate(std::string_view upstream_id) const override;
  Result<remote::Call> Moderate(const domain::ModerationRequest& request,
                                const std::string& upstream_id) const override;
  Result<domain::Moderation> DecodeModeration(std::string_view body) const override;
  // A call about a response that the API keeps: "/responses/ID…".
  remote::Call Kept(std::string method, const std::string& target) const;
  remote::Call ListModels() const override;
  Result<std::vector<std::string>> DecodeModels(std::string_view body) const override;
  void Authorize(remote::Call& call, WallTime now) const override;
  const std::vector<std::string>& secrets() const override { return secrets_; }

 private:
  bool IsCompatibleServer() const;
  std::string Address(std::string_view upstream_id, std::string_view operation) const;

  ProviderSpec spec_;
  std::string base_;        // without trailing slash; Azure's ends before "/openai"
  bool deployments_;        // Azure's deployments form
  bool completion_tokens_;  // max_completion_tokens is understood
  bool responses_;          // the Responses API is spoken
  std::vector<std::string> secrets_;
};

}  // namespace strata::provider::openai
