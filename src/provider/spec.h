#pragma once
// What is configured, or was detected, about one provider account: enough to make its models, and
// nothing secret.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/labels.h"
#include "base/result.h"
#include "base/retention.h"

namespace strata::provider {

enum class ProviderKind : std::uint8_t {
  kOpenAi,     // api.openai.com and every compatible server (vLLM, Ollama, LM Studio, …)
  kAzure,      // Azure OpenAI: the deployments form with api_version, else the v1 form
  kAnthropic,  // api.anthropic.com and compatible
  kBedrock,    // AWS Bedrock runtime
  kGemini,     // the Gemini API (generativelanguage.googleapis.com)
  kVertex,     // Vertex AI of Google Cloud: Gemini and Claude models
  kCohere,     // api.cohere.com, API v2
};

std::string_view KindName(ProviderKind kind);  // "openai", "azure", "anthropic", "bedrock", …
Result<ProviderKind> ParseKind(std::string_view name);

// A price list of one's own, in pico-USD a token (domain/money.h); unset members are not known.
struct ModelPrice {
  std::optional<std::int64_t> input;
  std::optional<std::int64_t> output;
  std::optional<std::int64_t> cache_read;
  std::optional<std::int64_t> cache_write;
  std::string as_of;  // the day from which it holds, "2026-11-01"
  friend bool operator==(const ModelPrice&, const ModelPrice&) = default;
};

// What one model of an account declares in place of its account; unset: as the account does.
struct ModelTerms {
  std::string model;  // upstream id
  std::optional<std::string> data_region;
  std::optional<bool> cleared_for_all_labels;
  std::optional<LabelSet> clearance;
  std::optional<Retention> retention;
  std::optional<ModelPrice> price;  // unset: the catalog's
  friend bool operator==(const ModelTerms&, const ModelTerms&) = default;

  // Whether it says where data may go.
  bool LimitsData() const {
    return data_region || cleared_for_all_labels || clearance || retention;
  }
};

struct ProviderSpec {
  std::string name;  // the prefix of its model ids: [a-z0-9][a-z0-9-]{0,62}
  ProviderKind kind = ProviderKind::kOpenAi;
  // OpenAI: ends before "/chat/completions" ("https://api.openai.com/v1"). Azure:
  // "https://RES.openai.azure.com". Anthropic: ends before "/v1/messages". Cohere: ends before
  // "/v2/chat". Bedrock: empty means
  // https://bedrock-runtime.REGION.amazonaws.com. Gemini: ends before "/models", with or without
  // the version. Vertex: empty means https://REGION-aiplatform.googleapis.com.
  std::string base_url;
  // "env:NAME" or "file:path"; empty when the server needs no key. Bedrock: a bearer key; empty
  // means signing with AWS credentials. Vertex: the key file of a service account, or an access
  // token.
  std::string secret;
  std::string api_version;  // Azure's deployments form; empty: the v1 form
  std::string region;       // Bedrock: signed for and called; Vertex: the location
  std::string project;      // Vertex; empty: the key file's
  // Whether it speaks OpenAI's Responses API; unset: OpenAI's own address and Azure's v1 form do.
  std::optional<bool> responses;
  std::string profile;  // Bedrock: profile of the AWS files; empty: env, then "default"
  std::vector<std::pair<std::string, std::string>> headers;  // sent with every call; never secrets
  std::vector<std::string> models;  // upstream ids that it is known to have
  std::string detected_by;  // "environment variable OPENAI_API_KEY"; empty: configured by hand
  // Where it runs and what may be sent there; copied into every ModelInfo (DESIGN.md §7).
  std::string data_region;
  bool cleared_for_all_labels = false;
  LabelSet clearance;
  std::optional<Retention> retention;
  std::vector<ModelTerms> model_terms;  // of models that differ; others have the members above
};

// Everything that is wrong with `spec`, each naming its member: the name's form, the URL, a missing
// region. CheckSpec gives the first.
std::vector<Error> SpecProblems(const ProviderSpec& spec);
Result<> CheckSpec(const ProviderSpec& spec);

// Reads a secret by its reference. Errors: kNotFound (naming the reference, never the value),
// kInvalidArgument (unknown scheme).
using SecretReader = std::function<Result<std::string>(std::string_view reference)>;

// An environment variable; "" when it is unset. Tests pass a map's.
using EnvReader = std::function<std::string(std::string_view name)>;
EnvReader ProcessEnv();

// Knows "env:NAME" and "file:path" (trailing line end removed, at most 64 KiB).
SecretReader ReadSecretsFrom(EnvReader env);

// USD per million tokens as people write it ("0.15"), as pico-USD a token. kInvalidArgument: no
// number from 0 to 1,000,000 with at most six decimals.
Result<std::int64_t> ParsePrice(std::string_view usd_per_million);
std::string FormatPrice(std::int64_t picousd_per_token);
// The day as one of the calendar: "2026-11-01".
bool IsDay(std::string_view text);

}  // namespace strata::provider
