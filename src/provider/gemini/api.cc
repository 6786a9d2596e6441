#include "provider/gemini/api.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "dialect/gemini.h"

namespace strata::provider::gemini {
namespace {

constexpr std::size_t kEmbedBatchMax = 100;  // requests of one batchEmbedContents, by its contract

constexpr std::string_view kOperation = "generateContent";

// People write the base with and without a version.
std::string Base(std::string_view base_url) {
  std::string base = remote::TrimmedBase(base_url);
  if (!base.ends_with("/v1beta") && !base.ends_with("/v1")) base += "/v1beta";
  return base;
}

std::string_view BareId(std::string_view upstream_id) {
  if (upstream_id.starts_with("models/")) upstream_id.remove_prefix(7);
  return upstream_id;
}

}  // namespace

bool DemandsSignatures(std::string_view upstream_id) {
  const auto at = upstream_id.find("gemini-");
  return at != upstream_id.npos && upstream_id.size() > at + 7 && upstream_id[at + 7] >= '3' &&
         upstream_id[at + 7] <= '9';
}

GeminiApi::GeminiApi(ProviderSpec spec, std::string key)
    : spec_(std::move(spec)), base_(Base(spec_.base_url)) {
  if (!key.empty()) secrets_.push_back(std::move(key));
}

std::string GeminiApi::Address(std::string_view upstream_id, std::string_view operation) const {
  return fmt::format("{}/models/{}:{}", base_, PercentEncode(BareId(upstream_id)), operation);
}

Result<remote::Call> GeminiApi::Chat(const domain::ChatRequest& request,
                                     const std::string& upstream_id) const {
  dialect::DropNotes notes;
  dialect::gemini::EncodeOptions options;
  options.notes = &notes;
  options.mark_unsigned_calls = DemandsSignatures(upstream_id);
  STRATA_TRY(auto body, dialect::gemini::EncodeGenerate(request, options));
  auto operation =
      request.stream ? dialect::gemini::StreamOperation(dialect::gemini::kWireFormat) : kOperation;
  auto call = remote::JsonCall(spec_, Address(upstream_id, operation), std::move(body));
  call.dropped = notes.dropped();
  return call;
}

Result<domain::ChatResponse> GeminiApi::DecodeChat(std::string_view body) const {
  return dialect::gemini::DecodeGenerateResponse(body);
}

std::unique_ptr<dialect::StreamDecoder> GeminiApi::MakeStreamDecoder() const {
  return dialect::gemini::MakeStreamDecoder();
}

const dialect::WireCodec* GeminiApi::Wire(const domain::WireRequest& wire,
                                          std::string_view upstream_id) const {
  const auto* codec = dialect::gemini::GenerateWire(wire.format);
  if (codec != nullptr && DemandsSignatures(upstream_id) &&
      dialect::gemini::LacksSignature(wire.body)) {
    return nullptr;
  }
  return codec;
}

remote::Call GeminiApi::Forward(const domain::ChatRequest& request,
                                const std::string& upstream_id) const {
  auto operation =
      request.stream ? dialect::gemini::StreamOperation(request.wire->format) : kOperation;
  return remote::ForwardCall(spec_, Address(upstream_id, operation), *request.wire, upstream_id);
}

Result<remote::Call> GeminiApi::Count(const domain::ChatRequest& request,
                                      const std::string& upstream_id) const {
  STRATA_TRY(auto body, dialect::gemini::EncodeCount(request, BareId(upstream_id)));
  return remote::JsonCall(spec_, Address(upstream_id, "countTokens"), std::move(body));
}

Result<std::int64_t> GeminiApi::DecodeCount(std::string_view body) const {
  return dialect::gemini::DecodeCountResponse(body);
}

std::size_t GeminiApi::EmbedBatchMax(const std::string&) const { return kEmbedBatchMax; }

Result<remote::Call> GeminiApi::Embed(const dialect::EmbedRequest& request) const {
  auto named = request;
  named.model = BareId(request.model);
  return remote::JsonCall(spec_, Address(request.model, "batchEmbedContents"),
                          dialect::gemini::EncodeBatchEmbed(named));
}

Result<dialect::EmbeddingRows> GeminiApi::DecodeEmbed(const dialect::EmbedRequest& request,
                                                      std::string_view body) const {
  return dialect::gemini::DecodeBatchEmbedResponse(body, request.texts.size());
}

remote::Call GeminiApi::ListModels() const {
  auto call = remote::JsonCall(spec_, base_ + "/models?pageSize=1000", "");
  call.method = "GET";
  call.headers.Remove("Content-Type");
  return call;
}

Result<std::vector<std::string>> GeminiApi::DecodeModels(std::string_view body) const {
  return dialect::gemini::DecodeModelList(body);
}

void GeminiApi::Authorize(remote::Call& call, WallTime) const {
  if (!secrets_.empty()) call.headers.Set("x-goog-api-key", secrets_.front());
}

}  // namespace strata::provider::gemini
