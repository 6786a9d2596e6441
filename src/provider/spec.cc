#include "provider/spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "base/names.h"
#include "net/url.h"

namespace strata::provider {
namespace {

constexpr std::array<std::pair<ProviderKind, std::string_view>, 7> kKinds = {{
    {ProviderKind::kOpenAi, "openai"},
    {ProviderKind::kAzure, "azure"},
    {ProviderKind::kAnthropic, "anthropic"},
    {ProviderKind::kBedrock, "bedrock"},
    {ProviderKind::kGemini, "gemini"},
    {ProviderKind::kVertex, "vertex"},
    {ProviderKind::kCohere, "cohere"},
}};

constexpr std::size_t kNameBytesMax = 63;
constexpr std::size_t kSecretBytesMax = 64u << 10;

bool IsNameByte(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

Result<> CheckName(std::string_view name) {
  bool fits = !name.empty() && name.size() <= kNameBytesMax && name.front() != '-';
  for (char c : name) fits = fits && IsNameByte(c);
  if (!fits) {
    return Fail(InvalidArgument(
        "name",
        "expected 1 to 63 of a-z, 0-9 and '-', not starting with '-': it is the prefix of "
        "model ids"));
  }
  if (name == "kb" || name == "builtin" || name == "prompt" || name == "router" ||
      name == "application-inference-profile") {
    return Fail(InvalidArgument("name", fmt::format("'{}' is taken by strata itself", name)));
  }
  return {};
}

Result<std::string> ReadSecretFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Fail(Code::kNotFound, fmt::format("secret file {} cannot be read", path));
  std::string text(kSecretBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kSecretBytesMax) {
    return Fail(Code::kTooLarge, fmt::format("secret file {} is over 64 KiB", path));
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty()) return Fail(Code::kNotFound, fmt::format("secret file {} is empty", path));
  return text;
}

// A header that carries a control character would let its owner write further headers.
bool IsHeaderText(std::string_view text) {
  for (unsigned char c : text) {
    if (c < 0x20 || c == 0x7f) return false;
  }
  return true;
}

Result<> CheckHeaders(const ProviderSpec& spec) {
  for (const auto& [name, value] : spec.headers) {
    if (name.empty() || !IsHeaderText(name) || !IsHeaderText(value) ||
        name.find_first_of(" :") != std::string::npos) {
      return Fail(InvalidArgument("headers", fmt::format("'{}' is not a header", name)));
    }
  }
  return {};
}

// The message never repeats the value: it may be the secret itself.
Result<> CheckReference(std::string_view secret) {
  if (secret.empty()) return {};
  for (std::string_view scheme : {"env:", "file:"}) {
    if (secret.starts_with(scheme) && secret.size() > scheme.size()) return {};
  }
  return Fail(InvalidArgument("secret", "expected env:NAME or file:PATH"));
}

Result<> CheckBaseUrl(const ProviderSpec& spec) {
  if (spec.base_url.empty()) {
    bool by_region = spec.kind == ProviderKind::kBedrock || spec.kind == ProviderKind::kVertex;
    if (by_region) return {};
    return Fail(InvalidArgument("base_url", "is missing: expected the address of its API"));
  }
  auto url = net::ParseUrl(spec.base_url);
  if (!url.has_value()) return Fail(InvalidArgument("base_url", url.error().message()));
  if (url->target.find('?') != std::string::npos) {
    return Fail(InvalidArgument("base_url", "must not have a query; Azure's goes to api_version"));
  }
  return {};
}

Result<> CheckRegion(const ProviderSpec& spec) {
  if (!spec.region.empty() && !IsRegionName(spec.region)) {
    return Fail(InvalidArgument("region", fmt::format("'{}': {}", spec.region, kRegionForm)));
  }
  if (!spec.region.empty()) return {};
  if (spec.kind == ProviderKind::kBedrock) {
    return Fail(InvalidArgument(
        "region", "is missing: Bedrock is called by region (AWS_REGION, or the profile's region)"));
  }
  if (spec.kind == ProviderKind::kVertex) {
    return Fail(InvalidArgument(
        "region", "is missing: Vertex AI is called by location (us-central1, global, …)"));
  }
  return {};
}

Result<> CheckResponses(const ProviderSpec& spec) {
  if (!spec.responses.value_or(false)) return {};
  if (spec.kind == ProviderKind::kAzure && !spec.api_version.empty()) {
    return Fail(InvalidArgument(
        "responses", "Azure has the Responses API in its v1 form; leave api_version out"));
  }
  if (spec.kind == ProviderKind::kOpenAi || spec.kind == ProviderKind::kAzure) return {};
  return Fail(InvalidArgument("responses", "only providers of kind openai and azure speak it"));
}

Result<> CheckDataRegion(const ProviderSpec& spec) {
  if (spec.data_region.empty() || IsRegionName(spec.data_region)) return {};
  return Fail(
      InvalidArgument("data_region", fmt::format("'{}': {}", spec.data_region, kRegionForm)));
}

Result<> CheckClearance(const ProviderSpec& spec) {
  for (const auto& label : spec.clearance.names()) {
    if (IsLabelName(label)) continue;
    return Fail(InvalidArgument("clearance", fmt::format("'{}': {}", label, kLabelForm)));
  }
  return {};
}

Result<> CheckModelIds(const ProviderSpec& spec) {
  for (const auto& id : spec.models) {
    if (!id.ends_with('*') && IsModelPattern(id)) continue;
    return Fail(InvalidArgument(
        "models", fmt::format("'{}': expected a model id as the provider spells it", id)));
  }
  return {};
}

}  // namespace

std::string_view KindName(ProviderKind kind) {
  for (const auto& [known, name] : kKinds) {
    if (known == kind) return name;
  }
  return "unknown";
}

Result<ProviderKind> ParseKind(std::string_view name) {
  for (const auto& [kind, known] : kKinds) {
    if (known == name) return kind;
  }
  std::string kinds;
  for (const auto& [kind, known] : kKinds) {
    kinds += kinds.empty() ? "" : ", ";
    kinds += known;
  }
  return Fail(InvalidArgument("kind", fmt::format("'{}' is none of {}", name, kinds)));
}

std::vector<Error> SpecProblems(const ProviderSpec& spec) {
  std::vector<Error> problems;
  for (auto check : {&CheckRegion, &CheckBaseUrl, &CheckDataRegion, &CheckClearance, &CheckModelIds,
                     &CheckHeaders, &CheckResponses}) {
    if (auto fine = check(spec); !fine.has_value()) problems.push_back(std::move(fine.error()));
  }
  if (auto fine = CheckReference(spec.secret); !fine.has_value()) {
    problems.insert(problems.begin(), std::move(fine.error()));
  }
  if (auto fine = CheckName(spec.name); !fine.has_value()) {
    problems.insert(problems.begin(), std::move(fine.error()));
  }
  return problems;
}

Result<> CheckSpec(const ProviderSpec& spec) {
  auto problems = SpecProblems(spec);
  if (problems.empty()) return {};
  return Fail(std::move(problems.front()));
}

EnvReader ProcessEnv() {
  return [](std::string_view name) -> std::string {
    const char* value = std::getenv(std::string(name).c_str());
    return value == nullptr ? "" : value;
  };
}

SecretReader ReadSecretsFrom(EnvReader env) {
  return [env = std::move(env)](std::string_view reference) -> Result<std::string> {
    if (reference.starts_with("env:")) {
      std::string value = env(reference.substr(4));
      if (!value.empty()) return value;
      return Fail(Code::kUnavailable,
                  fmt::format("environment variable {} is not set", reference.substr(4)));
    }
    if (reference.starts_with("file:")) return ReadSecretFile(std::string(reference.substr(5)));
    return Fail(InvalidArgument("secret", "expected env:NAME or file:PATH"));
  };
}

Result<std::int64_t> ParsePrice(std::string_view usd_per_million) {
  constexpr std::size_t kDecimals = 6;
  constexpr std::int64_t kOneUsd = 1'000'000;  // pico-USD a token for 1 USD per million tokens
  constexpr std::int64_t kUsdMax = 1'000'000;
  const auto dot = usd_per_million.find('.');
  const auto whole = usd_per_million.substr(0, dot);
  const auto decimals =
      dot == usd_per_million.npos ? std::string_view() : usd_per_million.substr(dot + 1);
  auto number = [](std::string_view digits) -> std::optional<std::int64_t> {
    std::int64_t value = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool fits = error == std::errc() && end == digits.data() + digits.size() && value >= 0;
    return fits && digits.front() != '-' ? std::optional(value) : std::nullopt;
  };
  std::string padded(decimals);
  padded.resize(std::max(kDecimals, padded.size()), '0');
  auto usd = number(whole);
  auto rest = number(padded);
  const bool known = usd && rest && padded.size() == kDecimals && *usd <= kUsdMax &&
                     (dot == usd_per_million.npos || !decimals.empty());
  if (!known) {
    return Fail(InvalidArgument(
        "price", fmt::format("'{}' is no price: expected USD per million tokens, from 0 to "
                             "1000000 with at most six decimals",
                             usd_per_million.substr(0, 40))));
  }
  return *usd * kOneUsd + *rest;
}

std::string FormatPrice(std::int64_t picousd_per_token) {
  auto text = fmt::format("{}.{:06}", picousd_per_token / 1'000'000, picousd_per_token % 1'000'000);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

bool IsDay(std::string_view text) {
  int numbers[3] = {};
  constexpr std::size_t kStarts[] = {0, 5, 8};
  constexpr std::size_t kSizes[] = {4, 2, 2};
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (std::size_t i = 0; i < 3; ++i) {
    auto digits = text.substr(kStarts[i], kSizes[i]);
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), numbers[i]);
    if (error != std::errc() || end != digits.data() + digits.size() || numbers[i] < 0) {
      return false;
    }
  }
  return std::chrono::year_month_day{std::chrono::year(numbers[0]),
                                     std::chrono::month(static_cast<unsigned>(numbers[1])),
                                     std::chrono::day(static_cast<unsigned>(numbers[2]))}
      .ok();
}

}  // namespace strata::provider
