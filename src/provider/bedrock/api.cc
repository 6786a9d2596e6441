#include "provider/bedrock/api.h"

#include <fmt/format.h>

#include <optional>

#include "base/encoding.h"
#include "base/format_message.h"
#include "net/url.h"
#include "provider/bedrock/aws_profile.h"

namespace strata::provider::bedrock {
namespace {

using dialect::bedrock::InvokeFormat;

constexpr std::size_t kCohereBatchMax = 96;  // texts of one call, by its contract

// Which body InvokeModel takes for an embedding model; ids may be ARNs or carry a geography.
std::optional<InvokeFormat> EmbedFormat(std::string_view upstream_id) {
  if (upstream_id.find("amazon.titan-embed") != std::string_view::npos) {
    return InvokeFormat::kTitanEmbed;
  }
  if (upstream_id.find("cohere.embed") != std::string_view::npos) {
    return InvokeFormat::kCohereEmbed;
  }
  return std::nullopt;
}

Error DoesNotEmbed(std::string_view upstream_id) {
  return Error(
      Code::kUnsupported,
      FormatMessage("'{}' has no embedding form that strata speaks (Titan, Cohere)", upstream_id));
}

}  // namespace

Result<std::shared_ptr<const remote::Api>> BedrockApi::Make(ProviderSpec spec, std::string key,
                                                            const EnvReader& env) {
  AwsIdentity identity;
  if (key.empty()) {
    STRATA_TRY(identity, FindAwsIdentity(env, spec.profile));
    if (identity.credentials.access_key_id.empty()) {
      return Fail(Code::kUnauthenticated,
                  "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile "
                  "in ~/.aws, or AWS_BEARER_TOKEN_BEDROCK");
    }
  }
  return std::make_shared<const BedrockApi>(std::move(spec), std::move(key),
                                            std::move(identity.credentials));
}

BedrockApi::BedrockApi(ProviderSpec spec, std::string key, net::SigV4Credentials credentials)
    : spec_(std::move(spec)),
      runtime_(remote::TrimmedBase(spec_.base_url)),
      control_(runtime_),
      key_(std::move(key)),
      credentials_(std::move(credentials)) {
  if (runtime_.empty()) {
    runtime_ = fmt::format("https://bedrock-runtime.{}.amazonaws.com", spec_.region);
    control_ = fmt::format("https://bedrock.{}.amazonaws.com", spec_.region);
  }
  for (const auto& secret : {key_, credentials_.secret_access_key, credentials_.session_token}) {
    if (!secret.empty()) secrets_.push_back(secret);
  }
}

std::string BedrockApi::Address(std::string_view upstream_id, std::string_view operation) const {
  return fmt::format("{}/model/{}/{}", runtime_, PercentEncode(upstream_id), operation);
}

Result<remote::Call> BedrockApi::Chat(const domain::ChatRequest& request,
                                      const std::string& upstream_id) const {
  dialect::bedrock::ConverseRequest converse;
  converse.chat = request;
  dialect::DropNotes notes;
  STRATA_TRY(auto body, dialect::bedrock::EncodeConverse(converse, &notes));
  auto operation = request.stream ? "converse-stream" : "converse";
  auto call = remote::JsonCall(spec_, Address(upstream_id, operation), std::move(body));
  call.dropped = notes.dropped();
  return call;
}

Result<domain::ChatResponse> BedrockApi::DecodeChat(std::string_view body) const {
  return dialect::bedrock::DecodeConverseResponse(body);
}

std::unique_ptr<dialect::StreamDecoder> BedrockApi::MakeStreamDecoder() const {
  return dialect::bedrock::MakeConverseStreamDecoder();
}

const dialect::WireCodec* BedrockApi::Wire(const domain::WireRequest& wire,
                                           std::string_view) const {
  return wire.format == dialect::bedrock::kConverseWireFormat
             ? &dialect::bedrock::ConverseWire()
             : dialect::bedrock::InvokeWire(wire.format);
}

remote::Call BedrockApi::Forward(const domain::ChatRequest& request,
                                 const std::string& upstream_id) const {
  const auto& wire = *request.wire;
  std::string_view operation = request.stream ? "converse-stream" : "converse";
  if (wire.format != dialect::bedrock::kConverseWireFormat) {
    operation = request.stream ? "invoke-with-response-stream" : "invoke";
  }
  return remote::ForwardCall(spec_, Address(upstream_id, operation), wire, upstream_id);
}

Result<remote::Call> BedrockApi::Count(const domain::ChatRequest& request,
                                       const std::string& upstream_id) const {
  STRATA_TRY(auto body, dialect::bedrock::EncodeCountTokens(request));
  return remote::JsonCall(spec_, Address(upstream_id, "count-tokens"), std::move(body));
}

Result<std::int64_t> BedrockApi::DecodeCount(std::string_view body) const {
  return dialect::bedrock::DecodeCountTokensResponse(body);
}

std::size_t BedrockApi::EmbedBatchMax(const std::string& upstream_id) const {
  auto format = EmbedFormat(upstream_id);
  if (!format) return 0;
  return *format == InvokeFormat::kTitanEmbed ? 1 : kCohereBatchMax;
}

Result<remote::Call> BedrockApi::Embed(const dialect::EmbedRequest& request) const {
  auto format = EmbedFormat(request.model);
  if (!format) return Fail(DoesNotEmbed(request.model));
  STRATA_TRY(auto body, dialect::bedrock::EncodeInvokeEmbedRequest(*format, request));
  auto call = remote::JsonCall(spec_, Address(request.model, "invoke"), std::move(body));
  call.headers.Set("Accept", "application/json");
  return call;
}

Result<dialect::EmbeddingRows> BedrockApi::DecodeEmbed(const dialect::EmbedRequest& request,
                                                       std::string_view body) const {
  auto format = EmbedFormat(request.model);
  if (!format) return Fail(DoesNotEmbed(request.model));
  return dialect::bedrock::DecodeInvokeEmbedResponse(*format, body);
}

remote::Call BedrockApi::ListModels() const {
  auto call = remote::JsonCall(spec_, control_ + "/foundation-models", "");
  call.method = "GET";
  call.headers.Remove("Content-Type");
  return call;
}

Result<std::vector<std::string>> BedrockApi::DecodeModels(std::string_view body) const {
  return dialect::bedrock::DecodeModelList(body);
}

void BedrockApi::Authorize(remote::Call& call, WallTime now) const {
  if (!key_.empty()) {
    call.headers.Set("Authorization", "Bearer " + key_);
    return;
  }
  auto url = net::ParseUrl(call.url);
  if (!url.has_value()) return;  // the client refuses such an address with its own message
  net::SignSigV4(credentials_, {.region = spec_.region, .service = "bedrock"}, now, call.method,
                 url->Authority(), url->target, call.body, call.headers);
  call.headers.Remove("Host");  // the client sets the same one
}

}  // namespace strata::provider::bedrock
