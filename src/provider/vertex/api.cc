#include "provider/vertex/api.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/format_message.h"
#include "dialect/anthropic.h"
#include "dialect/anthropic_vertex.h"
#include "dialect/gemini.h"
#include "dialect/json_value.h"
#include "provider/gemini/api.h"

namespace strata::provider::vertex {
namespace {

constexpr std::size_t kEmbedBatchMax = 250;  // instances of one predict, by its contract
// Stands in the place of a model; which one is asked stands in the body.
constexpr std::string_view kClaudeCounter = "count-tokens";

bool IsClaude(std::string_view upstream_id) { return upstream_id.starts_with("claude"); }

std::string_view ClaudeOperation(const domain::ChatRequest& request) {
  return request.stream ? "streamRawPredict" : "rawPredict";
}

// Whether the outermost `type` of an answer is that word, as Anthropic's are marked.
bool IsOfType(std::string_view body, std::string_view type) {
  auto root = dialect::ParseJson(body);
  const auto* said = root.has_value() ? root->Find("type") : nullptr;
  return said != nullptr && said->string() != nullptr && *said->string() == type;
}

// Of two decoders the one that the first bytes speak: Anthropic names its events, Gemini does not.
class EitherDecoder final : public dialect::StreamDecoder {
 public:
  using Events = std::vector<domain::StreamEvent>;

  Result<Events> Feed(std::string_view bytes) override {
    if (chosen_ != nullptr) return chosen_->Feed(bytes);
    start_ += bytes;
    const auto colon = start_.find(':');
    if (colon == start_.npos && start_.size() < kNameBytesMax) return Events();
    const bool claude = start_.substr(0, colon).find("event") != start_.npos;
    chosen_ =
        claude ? dialect::anthropic::MakeStreamDecoder() : dialect::gemini::MakeStreamDecoder();
    return chosen_->Feed(std::exchange(start_, {}));
  }
  Result<Events> Finish() override {
    if (chosen_ != nullptr) return chosen_->Finish();
    return Fail(Code::kUnavailable, "the provider closed the stream before its end");
  }
  bool ended() const override { return chosen_ != nullptr && chosen_->ended(); }
  domain::Usage usage() const override {
    return chosen_ != nullptr ? chosen_->usage() : domain::Usage{};
  }

 private:
  static constexpr std::size_t kNameBytesMax = 64;

  std::string start_;
  std::unique_ptr<dialect::StreamDecoder> chosen_;
};

}  // namespace

Result<std::shared_ptr<const remote::Api>> VertexApi::Make(ProviderSpec spec, std::string secret) {
  if (secret.empty()) {
    return Fail(Code::kUnauthenticated,
                "no Google credentials: set secret to file:KEY.json of a service account, or "
                "GOOGLE_APPLICATION_CREDENTIALS");
  }
  std::unique_ptr<Tokens> tokens;
  std::vector<std::string> secrets;
  if (secret.find('{') != secret.npos) {
    auto account = ParseServiceAccount(secret);
    if (!account) {
      return Fail(
          InvalidArgument("secret", FormatMessage("{} is no service account's key file: {}",
                                                  Own(spec.secret), account.error().words())));
    }
    if (spec.project.empty()) spec.project = account->project_id;
    secrets.push_back(account->private_key);
    tokens = std::make_unique<Tokens>(std::move(*account));
  } else {
    secrets.push_back(secret);
    tokens = std::make_unique<Tokens>(std::move(secret));
  }
  if (spec.project.empty()) return Fail(InvalidArgument("project", "is missing"));
  return std::make_shared<const VertexApi>(std::move(spec), std::move(tokens), std::move(secrets));
}

VertexApi::VertexApi(ProviderSpec spec, std::unique_ptr<Tokens> tokens,
                     std::vector<std::string> secrets)
    : spec_(std::move(spec)),
      base_(remote::TrimmedBase(spec_.base_url)),
      tokens_(std::move(tokens)),
      secrets_(std::move(secrets)) {
  if (base_.empty()) {
    base_ = spec_.region == "global"
                ? "https://aiplatform.googleapis.com"
                : fmt::format("https://{}-aiplatform.googleapis.com", spec_.region);
  }
}

std::string VertexApi::Address(std::string_view upstream_id, std::string_view operation) const {
  return fmt::format(
      "{}/v1/projects/{}/locations/{}/publishers/{}/models/{}:{}", base_,
      PercentEncode(spec_.project), PercentEncode(spec_.region),
      IsClaude(upstream_id) || upstream_id == kClaudeCounter ? "anthropic" : "google",
      PercentEncode(upstream_id, "@"), operation);
}

Result<remote::Call> VertexApi::Chat(const domain::ChatRequest& request,
                                     const std::string& upstream_id) const {
  dialect::DropNotes notes;
  std::string body;
  std::string_view operation;
  if (IsClaude(upstream_id)) {
    dialect::anthropic::EncodeOptions options;
    options.stream = request.stream;
    options.form = dialect::anthropic::Form::kVertex;
    options.notes = &notes;
    STRATA_TRY(body, dialect::anthropic::EncodeChatRequest(request, options));
    operation = ClaudeOperation(request);
  } else {
    dialect::gemini::EncodeOptions options;
    options.notes = &notes;
    options.mark_unsigned_calls = gemini::DemandsSignatures(upstream_id);
    STRATA_TRY(body, dialect::gemini::EncodeGenerate(request, options));
    operation = request.stream ? dialect::gemini::StreamOperation(dialect::gemini::kWireFormat)
                               : "generateContent";
  }
  auto call = remote::JsonCall(spec_, Address(upstream_id, operation), std::move(body));
  call.dropped = notes.dropped();
  return call;
}

Result<domain::ChatResponse> VertexApi::DecodeChat(std::string_view body) const {
  if (IsOfType(body, "message")) return dialect::anthropic::DecodeChatResponse(body);
  return dialect::gemini::DecodeGenerateResponse(body);
}

std::unique_ptr<dialect::StreamDecoder> VertexApi::MakeStreamDecoder() const {
  return std::make_unique<EitherDecoder>();
}

const dialect::WireCodec* VertexApi::Wire(const domain::WireRequest& wire,
                                          std::string_view upstream_id) const {
  if (IsClaude(upstream_id)) {
    return dialect::anthropic::VertexTakes(wire) ? &dialect::anthropic::MessagesWire() : nullptr;
  }
  const auto* codec = dialect::gemini::GenerateWire(wire.format);
  if (codec == nullptr || !dialect::gemini::NamesRoles(wire.body)) return nullptr;
  const bool marked =
      gemini::DemandsSignatures(upstream_id) && dialect::gemini::LacksSignature(wire.body);
  return marked ? nullptr : codec;
}

remote::Call VertexApi::Forward(const domain::ChatRequest& request,
                                const std::string& upstream_id) const {
  if (IsClaude(upstream_id)) {
    auto call = remote::ForwardCall(spec_, Address(upstream_id, ClaudeOperation(request)),
                                    *request.wire, upstream_id);
    call.body = dialect::anthropic::VertexWireBody(*request.wire);
    return call;
  }
  auto operation =
      request.stream ? dialect::gemini::StreamOperation(request.wire->format) : "generateContent";
  return remote::ForwardCall(spec_, Address(upstream_id, operation), *request.wire, upstream_id);
}

Result<remote::Call> VertexApi::Count(const domain::ChatRequest& request,
                                      const std::string& upstream_id) const {
  if (IsClaude(upstream_id)) {
    STRATA_TRY(auto body, dialect::anthropic::EncodeVertexCount(request));
    return remote::JsonCall(spec_, Address(kClaudeCounter, "rawPredict"), std::move(body));
  }
  STRATA_TRY(auto body, dialect::gemini::EncodePredictCount(request));
  return remote::JsonCall(spec_, Address(upstream_id, "countTokens"), std::move(body));
}

Result<std::int64_t> VertexApi::DecodeCount(std::string_view body) const {
  auto root = dialect::ParseJson(body);
  if (root.has_value() && root->Find("input_tokens") != nullptr) {
    return dialect::anthropic::DecodeCountResponse(body);
  }
  return dialect::gemini::DecodeCountResponse(body);
}

std::size_t VertexApi::EmbedBatchMax(const std::string& upstream_id) const {
  return IsClaude(upstream_id) ? 0 : kEmbedBatchMax;
}

Result<remote::Call> VertexApi::Embed(const dialect::EmbedRequest& request) const {
  return remote::JsonCall(spec_, Address(request.model, "predict"),
                          dialect::gemini::EncodePredictEmbed(request));
}

Result<dialect::EmbeddingRows> VertexApi::DecodeEmbed(const dialect::EmbedRequest& request,
                                                      std::string_view body) const {
  return dialect::gemini::DecodePredictEmbedResponse(body, request.texts.size());
}

// The list of Google's own models is not bound to a project.
remote::Call VertexApi::ListModels() const {
  auto call = remote::JsonCall(spec_, base_ + "/v1beta1/publishers/google/models?pageSize=300", "");
  call.method = "GET";
  call.headers.Remove("Content-Type");
  return call;
}

Result<std::vector<std::string>> VertexApi::DecodeModels(std::string_view body) const {
  return dialect::gemini::DecodePublisherModelList(body);
}

Task<Result<>> VertexApi::Refresh(net::Client& client, SteadyTime deadline, std::stop_token cancel,
                                  WallTime now) const {
  co_return co_await tokens_->Refresh(client, deadline, std::move(cancel), now);
}

void VertexApi::Authorize(remote::Call& call, WallTime) const {
  call.headers.Set("Authorization", "Bearer " + tokens_->current());
}

// Tokens come and go, so the list is made anew for whoever asks, on its own thread.
const std::vector<std::string>& VertexApi::secrets() const {
  thread_local std::vector<std::string> now;
  now = secrets_;
  if (auto token = tokens_->current(); !token.empty()) now.push_back(std::move(token));
  return now;
}

}  // namespace strata::provider::vertex
