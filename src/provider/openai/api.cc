#include "provider/openai/api.h"

#include "base/encoding.h"
#include "dialect/moderation.h"
#include "dialect/openai.h"
#include "dialect/rerank.h"
#include "dialect/responses_wire.h"
#include "provider/kept.h"

namespace strata::provider::openai {
namespace {

// The API takes 2,048 texts and 300,000 tokens a request; smaller batches keep memory and the cost
// of a retry low.
constexpr std::size_t kEmbedBatchMax = 256;

// The first API version that knows max_completion_tokens on Azure's deployments form.
constexpr std::string_view kCompletionTokensSince = "2024-09-01";

std::string AzureBase(std::string base) {
  for (std::string_view tail : {"/openai/v1", "/openai"}) {
    if (base.ends_with(tail)) base.resize(base.size() - tail.size());
  }
  return base;
}

}  // namespace

OpenAiApi::OpenAiApi(ProviderSpec spec, std::string key)
    : spec_(std::move(spec)), base_(remote::TrimmedBase(spec_.base_url)) {
  bool azure = spec_.kind == ProviderKind::kAzure;
  if (azure) base_ = AzureBase(std::move(base_));
  deployments_ = azure && !spec_.api_version.empty();
  completion_tokens_ = deployments_ ? spec_.api_version >= kCompletionTokensSince
                                    : azure || base_.starts_with("https://api.openai.com");
  responses_ = SpeaksResponses(spec_);
  if (!key.empty()) secrets_.push_back(std::move(key));
}

std::string OpenAiApi::Address(std::string_view upstream_id, std::string_view operation) const {
  if (spec_.kind != ProviderKind::kAzure) {
    std::string url;
    url.reserve(base_.size() + operation.size());
    return url.append(base_).append(operation);
  }
  if (!deployments_) return base_ + "/openai/v1" + std::string(operation);
  std::string url = base_ + "/openai";
  if (!upstream_id.empty()) url += "/deployments/" + PercentEncode(upstream_id);
  return url + std::string(operation) + "?api-version=" + PercentEncode(spec_.api_version);
}

bool OpenAiApi::IsCompatibleServer() const {
  return spec_.kind == ProviderKind::kOpenAi && !base_.starts_with("https://api.openai.com");
}

bool OpenAiApi::CanRerank(std::string_view) const { return IsCompatibleServer(); }

Result<remote::Call> OpenAiApi::Rerank(const domain::RerankRequest& request,
                                       const std::string& upstream_id) const {
  return remote::JsonCall(spec_, Address(upstream_id, "/rerank"),
                          dialect::rerank::EncodeProviderRequest(request, upstream_id));
}

Result<domain::Reranking> OpenAiApi::DecodeRerank(std::string_view body,
                                                  std::size_t documents) const {
  return dialect::rerank::DecodeProviderResponse(body, documents);
}

bool OpenAiApi::CanModerate(std::string_view upstream_id) const {
  return spec_.kind == ProviderKind::kOpenAi &&
         upstream_id.find("moderation") != std::string_view::npos;
}

Result<remote::Call> OpenAiApi::Moderate(const domain::ModerationRequest& request,
                                         const std::string& upstream_id) const {
  return remote::JsonCall(spec_, Address(upstream_id, "/moderations"),
                          dialect::moderation::EncodeProviderRequest(request, upstream_id));
}

Result<domain::Moderation> OpenAiApi::DecodeModeration(std::string_view body) const {
  return dialect::moderation::DecodeProviderResponse(body);
}

Result<remote::Call> OpenAiApi::Chat(const domain::ChatRequest& request,
                                     const std::string& upstream_id) const {
  dialect::openai::EncodeOptions options;
  options.stream = request.stream;
  options.name_model = !deployments_;
  options.own_models = completion_tokens_;
  dialect::DropNotes notes;
  options.notes = &notes;
  STRATA_TRY(auto body, dialect::openai::EncodeChatRequest(request, options));
  auto call = remote::JsonCall(spec_, Address(upstream_id, "/chat/completions"), std::move(body));
  call.dropped = notes.dropped();
  return call;
}

Result<domain::ChatResponse> OpenAiApi::DecodeChat(std::string_view body) const {
  return dialect::openai::DecodeChatResponse(body);
}

std::unique_ptr<dialect::StreamDecoder> OpenAiApi::MakeStreamDecoder() const {
  return dialect::openai::MakeStreamDecoder();
}

const dialect::WireCodec* OpenAiApi::Wire(const domain::WireRequest& wire, std::string_view) const {
  if (wire.format == dialect::openai::kWireFormat) return &dialect::openai::ChatWire();
  if (!responses_) return nullptr;
  if (wire.format == dialect::responses::kCompactFormat) return &dialect::responses::CompactWire();
  const bool responses = wire.format == dialect::responses::kWireFormat;
  return responses ? &dialect::responses::ResponsesWire() : nullptr;
}

remote::Call OpenAiApi::Forward(const domain::ChatRequest& request,
                                const std::string& upstream_id) const {
  std::string_view operation = "/chat/completions";
  if (request.wire->format == dialect::responses::kWireFormat) operation = "/responses";
  if (request.wire->format == dialect::responses::kCompactFormat) operation = "/responses/compact";
  return remote::ForwardCall(spec_, Address(upstream_id, operation), *request.wire, upstream_id);
}

remote::Call OpenAiApi::Kept(std::string method, const std::string& target) const {
  auto call = remote::JsonCall(spec_, Address("", target), "");
  call.method = std::move(method);
  call.headers.Remove("Content-Type");
  return call;
}

bool OpenAiApi::CountsWire(const domain::WireRequest& wire, std::string_view) const {
  return responses_ && wire.format == dialect::responses::kWireFormat;
}

Result<remote::Call> OpenAiApi::Count(const domain::ChatRequest& request,
                                      const std::string& upstream_id) const {
  if (!request.wire) {
    return Fail(Code::kUnsupported,
                "the OpenAI API counts beforehand only what is asked in the form of its Responses "
                "API (POST /v1/responses/input_tokens), where the provider speaks that");
  }
  return remote::ForwardCall(spec_, Address(upstream_id, "/responses/input_tokens"), *request.wire,
                             upstream_id);
}

Result<std::int64_t> OpenAiApi::DecodeCount(std::string_view body) const {
  return dialect::responses::DecodeInputTokens(body);
}

std::size_t OpenAiApi::EmbedBatchMax(const std::string&) const { return kEmbedBatchMax; }

Result<remote::Call> OpenAiApi::Embed(const dialect::EmbedRequest& request) const {
  return remote::JsonCall(spec_, Address(request.model, "/embeddings"),
                          dialect::openai::EncodeEmbedRequest(request));
}

Result<dialect::EmbeddingRows> OpenAiApi::DecodeEmbed(const dialect::EmbedRequest& request,
                                                      std::string_view body) const {
  return dialect::openai::DecodeEmbedResponse(body, request.texts.size());
}

remote::Call OpenAiApi::ListModels() const {
  auto call = remote::JsonCall(spec_, Address("", "/models"), "");
  call.method = "GET";
  call.headers.Remove("Content-Type");
  return call;
}

Result<std::vector<std::string>> OpenAiApi::DecodeModels(std::string_view body) const {
  return dialect::openai::DecodeModelList(body);
}

void OpenAiApi::Authorize(remote::Call& call, WallTime) const {
  if (secrets_.empty()) return;
  if (spec_.kind == ProviderKind::kAzure) {
    call.headers.Set("api-key", secrets_.front());
  } else {
    call.headers.Set("Authorization", "Bearer " + secrets_.front());
  }
}

}  // namespace strata::provider::openai
