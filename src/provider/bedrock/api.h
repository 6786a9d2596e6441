#pragma once
// AWS Bedrock's runtime: Converse, ConverseStream (event-stream answers), CountTokens, InvokeModel
// for embeddings and for what is forwarded; signed with SigV4 as service "bedrock", or with a
// bearer key.

#include "dialect/bedrock.h"
#include "net/sigv4.h"
#include "provider/remote/api.h"

namespace strata::provider::bedrock {

class BedrockApi final : public remote::Api {
 public:
  // `key`: a bearer key; "" signs with the credentials of `env` and the AWS files.
  // kUnauthenticated when there are none.
  static Result<std::shared_ptr<const Api>> Make(ProviderSpec spec, std::string key,
                                                 const EnvReader& env);
  BedrockApi(ProviderSpec spec, std::string key, net::SigV4Credentials credentials);

  dialect::Dialect dialect() const override { return dialect::Dialect::kBedrock; }
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
  std::string runtime_;  // https://bedrock-runtime.REGION.amazonaws.com, or the configured address
  std::string control_;  // https://bedrock.REGION.amazonaws.com, or the configured address
  std::string key_;
  net::SigV4Credentials credentials_;
  std::vector<std::string> secrets_;
};

}  // namespace strata::provider::bedrock
