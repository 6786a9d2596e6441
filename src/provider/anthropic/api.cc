#include "provider/anthropic/api.h"

#include "dialect/anthropic.h"

namespace strata::provider::anthropic {
namespace {

// The version of the wire format that dialect/anthropic speaks. Not 2026-10-21, which refuses the
// sampling parameters that conversations may carry; a header of the spec overrides it.
constexpr std::string_view kVersion = "2023-06-01";

// People write the base both with and without "/v1".
std::string Base(std::string_view base_url) {
  std::string base = remote::TrimmedBase(base_url);
  if (base.ends_with("/v1")) base.resize(base.size() - 3);
  return base;
}

remote::Call WithVersion(remote::Call call) {
  if (!call.headers.Has("anthropic-version")) {
    call.headers.Add("anthropic-version", std::string(kVersion));
  }
  return call;
}

}  // namespace

AnthropicApi::AnthropicApi(ProviderSpec spec, std::string key)
    : spec_(std::move(spec)), base_(Base(spec_.base_url)) {
  if (!key.empty()) secrets_.push_back(std::move(key));
}

remote::Call AnthropicApi::Post(std::string_view path, std::string body) const {
  return WithVersion(remote::JsonCall(spec_, base_ + std::string(path), std::move(body)));
}

Result<remote::Call> AnthropicApi::Chat(const domain::ChatRequest& request,
                                        const std::string&) const {
  dialect::DropNotes notes;
  dialect::anthropic::EncodeOptions options;
  options.stream = request.stream;
  options.notes = &notes;
  STRATA_TRY(auto body, dialect::anthropic::EncodeChatRequest(request, options));
  auto call = Post("/v1/messages", std::move(body));
  call.dropped = notes.dropped();
  return call;
}

Result<domain::ChatResponse> AnthropicApi::DecodeChat(std::string_view body) const {
  return dialect::anthropic::DecodeChatResponse(body);
}

std::unique_ptr<dialect::StreamDecoder> AnthropicApi::MakeStreamDecoder() const {
  return dialect::anthropic::MakeStreamDecoder();
}

const dialect::WireCodec* AnthropicApi::Wire(const domain::WireRequest& wire,
                                             std::string_view) const {
  return wire.format == dialect::anthropic::kWireFormat ? &dialect::anthropic::MessagesWire()
                                                        : nullptr;
}

remote::Call AnthropicApi::Forward(const domain::ChatRequest& request,
                                   const std::string& upstream_id) const {
  return WithVersion(
      remote::ForwardCall(spec_, base_ + "/v1/messages", *request.wire, upstream_id));
}

Result<remote::Call> AnthropicApi::Count(const domain::ChatRequest& request,
                                         const std::string&) const {
  STRATA_TRY(auto body, dialect::anthropic::EncodeCountRequest(request));
  return Post("/v1/messages/count_tokens", std::move(body));
}

Result<std::int64_t> AnthropicApi::DecodeCount(std::string_view body) const {
  return dialect::anthropic::DecodeCountResponse(body);
}

Result<remote::Call> AnthropicApi::Embed(const dialect::EmbedRequest&) const {
  return Fail(Code::kUnsupported, "the Anthropic API has no embeddings");
}

Result<dialect::EmbeddingRows> AnthropicApi::DecodeEmbed(const dialect::EmbedRequest&,
                                                         std::string_view) const {
  return Fail(Code::kUnsupported, "the Anthropic API has no embeddings");
}

remote::Call AnthropicApi::ListModels() const {
  auto call = Post("/v1/models?limit=1000", "");
  call.method = "GET";
  call.headers.Remove("Content-Type");
  return call;
}

Result<std::vector<std::string>> AnthropicApi::DecodeModels(std::string_view body) const {
  return dialect::anthropic::DecodeModelList(body);
}

void AnthropicApi::Authorize(remote::Call& call, WallTime) const {
  if (!secrets_.empty()) call.headers.Set("x-api-key", secrets_.front());
}

}  // namespace strata::provider::anthropic
