#include "provider/cohere/api.h"

#include "dialect/cohere.h"
#include "dialect/rerank.h"

namespace strata::provider::cohere {
namespace {

constexpr std::size_t kEmbedBatchMax = 96;  // the API's
constexpr std::string_view kNoCount = "the Cohere API does not count tokens of a conversation";

// Clients are configured with and without the version.
std::string WithoutVersion(std::string base) {
  for (std::string_view tail : {"/v1", "/v2"}) {
    if (base.ends_with(tail)) base.resize(base.size() - tail.size());
  }
  return base;
}

}  // namespace

CohereApi::CohereApi(ProviderSpec spec, std::string key)
    : spec_(std::move(spec)), base_(WithoutVersion(remote::TrimmedBase(spec_.base_url))) {
  if (!key.empty()) secrets_.push_back(std::move(key));
}

Result<remote::Call> CohereApi::Chat(const domain::ChatRequest& request, const std::string&) const {
  STRATA_TRY(auto body, dialect::cohere::EncodeChatRequest(request));
  return remote::JsonCall(spec_, base_ + "/v2/chat", std::move(body));
}

Result<domain::ChatResponse> CohereApi::DecodeChat(std::string_view body) const {
  return dialect::cohere::DecodeChatResponse(body);
}

std::unique_ptr<dialect::StreamDecoder> CohereApi::MakeStreamDecoder() const {
  return dialect::cohere::MakeStreamDecoder();
}

Result<remote::Call> CohereApi::Count(const domain::ChatRequest&, const std::string&) const {
  return Fail(Code::kUnsupported, std::string(kNoCount));
}

Result<std::int64_t> CohereApi::DecodeCount(std::string_view) const {
  return Fail(Code::kUnsupported, std::string(kNoCount));
}

std::size_t CohereApi::EmbedBatchMax(const std::string& upstream_id) const {
  return upstream_id.find("embed") == std::string::npos ? 0 : kEmbedBatchMax;
}

Result<remote::Call> CohereApi::Embed(const dialect::EmbedRequest& request) const {
  return remote::JsonCall(spec_, base_ + "/v2/embed", dialect::cohere::EncodeEmbedRequest(request));
}

Result<dialect::EmbeddingRows> CohereApi::DecodeEmbed(const dialect::EmbedRequest& request,
                                                      std::string_view body) const {
  return dialect::cohere::DecodeEmbedResponse(body, request.texts.size());
}

bool CohereApi::CanRerank(std::string_view upstream_id) const {
  return upstream_id.find("rerank") != std::string_view::npos;
}

Result<remote::Call> CohereApi::Rerank(const domain::RerankRequest& request,
                                       const std::string& upstream_id) const {
  return remote::JsonCall(spec_, base_ + "/v2/rerank",
                          dialect::rerank::EncodeProviderRequest(request, upstream_id));
}

Result<domain::Reranking> CohereApi::DecodeRerank(std::string_view body,
                                                  std::size_t documents) const {
  return dialect::rerank::DecodeProviderResponse(body, documents);
}

remote::Call CohereApi::ListModels() const {
  auto call = remote::JsonCall(spec_, base_ + "/v1/models?page_size=1000", "");
  call.method = "GET";
  call.headers.Remove("Content-Type");
  return call;
}

Result<std::vector<std::string>> CohereApi::DecodeModels(std::string_view body) const {
  return dialect::cohere::DecodeModelList(body);
}

void CohereApi::Authorize(remote::Call& call, WallTime) const {
  if (!secrets_.empty()) call.headers.Set("Authorization", "Bearer " + secrets_.front());
}

}  // namespace strata::provider::cohere
