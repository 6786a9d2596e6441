#pragma once
// The Gemini API: BASE/v1beta/models/MODEL:generateContent with x-goog-api-key; counts tokens
// upstream.

#include "provider/remote/api.h"

namespace strata::provider::gemini {

class GeminiApi final : public remote::Api {
 public:
  GeminiApi(ProviderSpec spec, std::string key);

  dialect::Dialect dialect() const override { return dialect::Dialect::kGemini; }
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
  std::size_t EmbedBatchMax(const std::string& upstream_id) const override;
  Result<remote::Call> Embed(const dialect::EmbedRequest& request) const override;
  Result<dialect::EmbeddingRows> DecodeEmbed(const dialect::EmbedRequest& request,
                                             std::string_view body) const override;
  remote::Call ListModels() const override;
  Result<std::vector<std::string>> DecodeModels(std::string_view body) const override;
  void Authorize(remote::Call& call, WallTime now) const override;
  const std::vector<std::string>& secrets() const override { return secrets_; }

 private:
  std::string Address(std::string_view upstream_id, std::string_view operation) const;

  ProviderSpec spec_;
  std::string base_;  // ends with the version: "https://…/v1beta"
  std::vector<std::string> secrets_;
};

// Whether a model refuses function calls without their thought signature.
bool DemandsSignatures(std::string_view upstream_id);

}  // namespace strata::provider::gemini
