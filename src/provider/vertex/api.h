#pragma once
// Vertex AI: Gemini and Claude models at projects/PROJECT/locations/LOCATION/publishers/…, with an
// OAuth access token. Claude ids (claude-…) go to publishers/anthropic by rawPredict.

#include <memory>

#include "provider/remote/api.h"
#include "provider/vertex/tokens.h"

namespace strata::provider::vertex {

class VertexApi final : public remote::Api {
 public:
  // `secret`: the text of a service account's key file, or an access token.
  static Result<std::shared_ptr<const remote::Api>> Make(ProviderSpec spec, std::string secret);
  VertexApi(ProviderSpec spec, std::unique_ptr<Tokens> tokens, std::vector<std::string> secrets);

  dialect::Dialect dialect() const override { return dialect::Dialect::kGemini; }
  Result<remote::Call> Chat(const domain::ChatRequest& request,
                            const std::string& upstream_id) const override;
  // Both families answer here: which one it is shows in the answer.
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
  bool NeedsRefresh(WallTime now) const override { return tokens_->Stale(now); }
  Task<Result<>> Refresh(net::Client& client, SteadyTime deadline, std::stop_token cancel,
                         WallTime now) const override;
  void Authorize(remote::Call& call, WallTime now) const override;
  const std::vector<std::string>& secrets() const override;

 private:
  std::string Address(std::string_view upstream_id, std::string_view operation) const;

  ProviderSpec spec_;
  std::string base_;
  std::unique_ptr<Tokens> tokens_;
  std::vector<std::string> secrets_;  // what never changes: the key, or the token
};

}  // namespace strata::provider::vertex
