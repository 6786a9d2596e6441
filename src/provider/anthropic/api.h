#pragma once
// The Anthropic API: BASE/v1/messages with x-api-key and anthropic-version; counts tokens upstream.

#include "provider/remote/api.h"

namespace strata::provider::anthropic {

class AnthropicApi final : public remote::Api {
 public:
  AnthropicApi(ProviderSpec spec, std::string key);

  dialect::Dialect dialect() const override { return dialect::Dialect::kAnthropic; }
  Result<remote::Call> Chat(const domain::ChatRequest& request,
                            const std::string& upstream_id) const override;
  Result<domain::ChatResponse> DecodeChat(std::string_view body) const override;
  std::unique_ptr<dialect::StreamDecoder> MakeStreamDecoder() const override;
  const dialect::WireCodec* Wire(const domain::WireRequest& wire,
                                 std::string_view upstream_id) const override;
  remote::Call Forward(const domain::ChatRequest& request,
                       const std::string& upstream_id) const override;
  Result<remote::Call> Count(const domain::ChatRequest& request,
                             const std::string& upstream_id) const override;
  Result<std::int64_t> DecodeCount(std::string_view body) const override;
  std::size_t EmbedBatchMax(const std::string&) const override { return 0; }
  Result<remote::Call> Embed(const dialect::EmbedRequest& request) const override;
  Result<dialect::EmbeddingRows> DecodeEmbed(const dialect::EmbedRequest& request,
                                             std::string_view body) const override;
  remote::Call ListModels() const override;
  Result<std::vector<std::string>> DecodeModels(std::string_view body) const override;
  void Authorize(remote::Call& call, WallTime now) const override;
  const std::vector<std::string>& secrets() const override { return secrets_; }

 private:
  remote::Call Post(std::string_view path, std::string body) const;

  ProviderSpec spec_;
  std::string base_;  // ends before "/v1"
  std::vector<std::string> secrets_;
};

}  // namespace strata::provider::anthropic
