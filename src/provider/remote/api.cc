#include "provider/remote/api.h"

#include "base/check.h"
#include "provider/anthropic/api.h"
#include "provider/bedrock/api.h"
#include "provider/cohere/api.h"
#include "provider/gemini/api.h"
#include "provider/openai/api.h"
#include "provider/vertex/api.h"

namespace strata::provider::remote {

namespace {

constexpr std::string_view kNoRerank = "this provider's API does not rerank";
constexpr std::string_view kNoModeration = "this provider's API does not moderate";

}  // namespace

bool Api::CanRerank(std::string_view) const { return false; }
Result<Call> Api::Rerank(const domain::RerankRequest&, const std::string&) const {
  return Fail(Code::kUnsupported, std::string(kNoRerank));
}
Result<domain::Reranking> Api::DecodeRerank(std::string_view, std::size_t) const {
  return Fail(Code::kUnsupported, std::string(kNoRerank));
}

bool Api::CanModerate(std::string_view) const { return false; }
Result<Call> Api::Moderate(const domain::ModerationRequest&, const std::string&) const {
  return Fail(Code::kUnsupported, std::string(kNoModeration));
}
Result<domain::Moderation> Api::DecodeModeration(std::string_view) const {
  return Fail(Code::kUnsupported, std::string(kNoModeration));
}

Result<std::shared_ptr<const Api>> MakeApi(const ProviderSpec& spec, const SecretReader& secrets,
                                           const EnvReader& env) {
  STRATA_CHECK_OK(CheckSpec(spec));
  std::string key;
  if (!spec.secret.empty()) {
    STRATA_TRY(key, secrets(spec.secret));
    const bool is_file = spec.kind == ProviderKind::kVertex && key.find('{') != key.npos;
    for (unsigned char c : key) {
      if (!is_file && (c <= 0x20 || c >= 0x7f)) {
        return Fail(InvalidArgument(
            "secret", "the value behind " + spec.secret + " is no key: it has spaces or controls"));
      }
    }
  }
  switch (spec.kind) {
    case ProviderKind::kAnthropic:
      return std::make_shared<const anthropic::AnthropicApi>(spec, std::move(key));
    case ProviderKind::kBedrock:
      return bedrock::BedrockApi::Make(spec, std::move(key), env);
    case ProviderKind::kGemini:
      return std::make_shared<const gemini::GeminiApi>(spec, std::move(key));
    case ProviderKind::kVertex:
      return vertex::VertexApi::Make(spec, std::move(key));
    case ProviderKind::kCohere:
      return std::make_shared<const cohere::CohereApi>(spec, std::move(key));
    case ProviderKind::kOpenAi:
    case ProviderKind::kAzure:
      break;
  }
  return std::make_shared<const openai::OpenAiApi>(spec, std::move(key));
}

const dialect::WireCodec* Api::Wire(const domain::WireRequest&, std::string_view) const {
  return nullptr;
}
bool Api::CountsWire(const domain::WireRequest&, std::string_view) const { return false; }
Call Api::Forward(const domain::ChatRequest&, const std::string&) const {
  STRATA_CHECK(false, "this API forwards nothing");
  return {};
}

Call JsonCall(const ProviderSpec& spec, std::string url, std::string body) {
  Call call;
  call.url = std::move(url);
  call.body = std::move(body);
  call.headers.Add("Content-Type", "application/json");
  for (const auto& [name, value] : spec.headers) call.headers.Set(name, value);
  return call;
}

Call ForwardCall(const ProviderSpec& spec, std::string url, const domain::WireRequest& wire,
                 std::string_view upstream_id) {
  Call call;
  call.url = std::move(url);
  call.body = domain::WireBodyFor(wire, upstream_id);
  constexpr std::size_t kOfOurs = 4;  // these two, and what authorises the call
  call.headers.Reserve(wire.headers.size() + spec.headers.size() + kOfOurs);
  for (const auto& [name, value] : wire.headers) call.headers.Add(name, value);
  call.headers.Add("Content-Type", "application/json");
  // What is read along must not be compressed.
  call.headers.Add("Accept-Encoding", "identity");
  for (const auto& [name, value] : spec.headers) call.headers.Set(name, value);
  return call;
}

std::string TrimmedBase(std::string_view base_url) {
  while (base_url.ends_with('/')) base_url.remove_suffix(1);
  return std::string(base_url);
}

}  // namespace strata::provider::remote
