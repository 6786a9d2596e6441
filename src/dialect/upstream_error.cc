#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <ctime>

#include "base/format_message.h"
#include "base/hops.h"
#include "base/utf8.h"
#include "dialect/error_table.h"
#include "dialect/json/upstream.h"
#include "dialect/json_value.h"

namespace strata::dialect {
namespace {

constexpr std::size_t kMessageBytesMax = 2000;
constexpr JsonLimits kBodyLimits{.bytes_max = 1u << 20, .depth_max = 32, .values_max = 10'000};
constexpr double kRetryAfterMaxMs = 24.0 * 3600 * 1000;

bool SameName(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view HeaderOf(const HeaderList& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (SameName(key, name)) return value;
  }
  return {};
}

struct Amount {
  double value = 0;
  std::string_view rest;  // what follows the number
};

std::optional<Amount> LeadingNumber(std::string_view text) {
  Amount out;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out.value);
  if (ec != std::errc() || !std::isfinite(out.value) || out.value < 0) return std::nullopt;
  out.rest = text.substr(static_cast<std::size_t>(end - text.data()));
  return out;
}

// "6m0s", "1.5s", "20ms": as OpenAI's x-ratelimit-reset-* headers are written. In milliseconds.
std::optional<double> DurationMs(std::string_view text) {
  double total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    auto amount = LeadingNumber(text);
    if (!amount) return std::nullopt;
    auto unit = amount->rest.substr(0, amount->rest.find_first_of("0123456789."));
    double ms = 0;
    if (unit == "ms") ms = 1;
    if (unit == "s") ms = 1000;
    if (unit == "m") ms = 60'000;
    if (unit == "h") ms = 3'600'000;
    if (unit == "d") ms = 86'400'000;
    if (ms == 0) return std::nullopt;
    total += amount->value * ms;
    text = amount->rest.substr(unit.size());
  }
  return total;
}

// Seconds since 1970 of "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
std::optional<std::int64_t> HttpTime(std::string_view text) {
  std::tm time{};
  const std::string date(text.substr(0, 64));
  const char* end = strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return timegm(&time);
}

std::optional<std::chrono::milliseconds> RetryAfter(int status, const HeaderList& headers) {
  std::optional<double> ms;
  auto read = [&](std::string_view name, double unit_ms) {
    auto amount = LeadingNumber(HeaderOf(headers, name));
    if (!ms && amount && amount->rest.empty()) ms = amount->value * unit_ms;
  };
  read("retry-after-ms", 1);
  read("retry-after", 1000);
  if (auto then = HttpTime(HeaderOf(headers, "retry-after")); then && !ms) {
    // The answer says what time it is there: both are of one clock.
    auto now = HttpTime(HeaderOf(headers, "date")).value_or(std::time(nullptr));
    ms = static_cast<double>(std::max<std::int64_t>(*then - now, 0)) * 1000;
  }
  if (!ms && status == 429) {
    auto requests = DurationMs(HeaderOf(headers, "x-ratelimit-reset-requests"));
    auto tokens = DurationMs(HeaderOf(headers, "x-ratelimit-reset-tokens"));
    if (requests || tokens) ms = std::max(requests.value_or(0), tokens.value_or(0));
  }
  if (!ms) return std::nullopt;
  return std::chrono::milliseconds(
      static_cast<std::int64_t>(std::ceil(std::min(*ms, kRetryAfterMaxMs))));
}

struct Said {
  std::string message;
  std::string type;  // "rate_limit_error", "ThrottlingException", …
  std::string code;  // OpenAI's
  std::string field;
  std::string retry_delay;  // Google's RetryInfo
};

std::string TextAt(const JsonValue& value, std::string_view key) {
  const auto* member = value.Find(key);
  const auto* text = member == nullptr ? nullptr : member->string();
  return text == nullptr ? std::string() : *text;
}

// Google's details: a bad key is an invalid argument to it, and RetryInfo has the time to wait.
void ReadGoogleDetails(const JsonValue& error, Said& said) {
  said.type = TextAt(error, "status");
  const auto* details = error.Find("details");
  const auto* list = details == nullptr ? nullptr : details->array();
  if (list == nullptr) return;
  for (const auto& detail : *list) {
    auto type = TextAt(detail, "@type");
    if (type.ends_with("ErrorInfo")) said.code = TextAt(detail, "reason");
    if (type.ends_with("RetryInfo")) said.retry_delay = TextAt(detail, "retryDelay");
    const auto* violations = detail.Find("fieldViolations");
    const auto* fields = violations == nullptr ? nullptr : violations->array();
    if (fields != nullptr && !fields->empty()) said.field = TextAt(fields->front(), "field");
  }
}

Said ReadBody(Dialect dialect, std::string_view body) {
  Said said;
  auto parsed = ParseJson(body, kBodyLimits);
  if (!parsed) {
    // HTML and other plain answers of proxies.
    said.message = body.substr(0, 200);
    return said;
  }
  const auto* first = parsed->array();  // a stream of Gemini's that is a JSON array
  if (first != nullptr && first->size() == 1) {
    auto inner = first->front();
    *parsed = std::move(inner);
  }
  const auto* error = parsed->Find("error");
  const auto& source = error != nullptr && error->object() != nullptr ? *error : *parsed;
  said.message = TextAt(source, "message");
  if (said.message.empty()) said.message = TextAt(source, "Message");
  if (said.message.empty()) said.message = TextAt(*parsed, "error");
  if (said.message.empty()) said.message = TextAt(*parsed, "detail");
  said.type = TextAt(source, "__type");
  if (said.type.empty()) said.type = TextAt(source, "type");
  said.code = TextAt(source, "code");
  said.field = TextAt(source, "param");
  if (dialect == Dialect::kGemini) ReadGoogleDetails(source, said);
  return said;
}

// "com.amazon#ThrottlingException:http://…" → "ThrottlingException"
std::string_view BareExceptionName(std::string_view name) {
  name = name.substr(0, name.find(':'));
  auto hash = name.find('#');
  return hash == name.npos ? name : name.substr(hash + 1);
}

std::optional<Code> CodeOfBedrock(std::string_view name) {
  if (name == "ThrottlingException" || name == "TooManyRequestsException")
    return Code::kRateLimited;
  if (name == "ServiceQuotaExceededException") return Code::kRateLimited;
  if (name == "ModelTimeoutException") return Code::kDeadlineExceeded;
  if (name == "ModelNotReadyException" || name == "ServiceUnavailableException" ||
      name == "ModelErrorException" || name == "ModelStreamErrorException" ||
      name == "InternalServerException") {
    return Code::kUnavailable;
  }
  if (name == "ValidationException") return Code::kInvalidArgument;
  if (name == "ResourceNotFoundException") return Code::kNotFound;
  return std::nullopt;
}

Code CodeOfStatus(int status) {
  switch (status) {
    case 401:
    case 403:
      return Code::kPermissionDenied;
    case 404:
      return Code::kNotFound;
    case 408:
      return Code::kDeadlineExceeded;
    case 413:
      return Code::kTooLarge;
    case 429:
      return Code::kRateLimited;
    case 402:  // no credit left there: another deployment may still answer
    case 409:
    case 424:
      return Code::kUnavailable;
    case kLoopStatus:  // asking again goes round once more
      return Code::kInvalidArgument;
    default:
      return status >= 400 && status < 500 ? Code::kInvalidArgument : Code::kUnavailable;
  }
}

}  // namespace

Error AsUpstreamFault(Error error) {
  Error out(Code::kUnavailable,
            FormatMessage("the provider's answer cannot be read: {}", error.words()));
  return out;
}

Result<std::vector<std::string>> ReadModelIds(std::string_view body, std::string_view list,
                                              std::string_view id) {
  auto root = ParseJson(body);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField object(*root);
  auto models = object.Get(list);
  if (auto ok = models.ExpectArray(); !ok) return Fail(AsUpstreamFault(std::move(ok.error())));
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < models.size(); ++i) {
    auto model = models.Item(i);
    auto name = model.Get(id).String();
    if (!name) return Fail(AsUpstreamFault(std::move(name.error())));
    ids.push_back(std::move(*name));
  }
  return ids;
}

Error UpstreamStreamError(std::string_view type, std::string_view message) {
  Code code = Code::kUnavailable;
  const std::string name(type);
  if (name.starts_with("throttling") || name == "rate_limit_error" ||
      name == "RESOURCE_EXHAUSTED") {
    code = Code::kRateLimited;
  }
  if (name.starts_with("validation") || name == "invalid_request_error" ||
      name == "INVALID_ARGUMENT") {
    code = Code::kInvalidArgument;
  }
  if (name == "authentication_error" || name == "permission_error" || name == "PERMISSION_DENIED") {
    code = Code::kPermissionDenied;
  }
  if (name.starts_with("modelTimeout") || name == "timeout_error" || name == "DEADLINE_EXCEEDED") {
    code = Code::kDeadlineExceeded;
  }
  auto shown = Utf8Prefix(message, kMessageBytesMax);
  return Error(code, FormatMessage("the provider broke off: {}", shown.empty() ? type : shown));
}

Error DecodeUpstreamError(Dialect dialect, int status, const HeaderList& headers,
                          std::string_view body) {
  auto said = ReadBody(dialect, body);
  Code code = CodeOfStatus(status);
  if (dialect == Dialect::kBedrock) {
    std::string exception(HeaderOf(headers, "x-amzn-errortype"));
    if (exception.empty()) exception = said.type;
    said.type = BareExceptionName(exception);
    code = CodeOfBedrock(said.type).value_or(code);
  }
  if (said.code == "API_KEY_INVALID") code = Code::kPermissionDenied;
  if (said.code == "content_filter" || said.code == "content_policy_violation") {
    code = Code::kBlocked;
  }
  auto message = ReplaceInvalidUtf8(Utf8Prefix(said.message, kMessageBytesMax));
  if (message.empty()) message = "no message";
  auto name = ReplaceInvalidUtf8(Utf8Prefix(said.code.empty() ? said.type : said.code, 100));
  const bool named = !name.empty() && message.find(name) == message.npos;
  auto in_brackets = named ? FormatMessage(" ({})", name) : Message();
  Error error(code, FormatMessage("the provider answered {}{}: {}", status, in_brackets, message));
  std::move(error).FromUpstream(status);  // sets it in place
  if (code == Code::kInvalidArgument && !said.field.empty()) {
    std::move(error).AtField(FieldPath(std::move(said.field), std::string(kQuotePlace)));
  }
  auto wait = RetryAfter(status, headers);
  if (auto delay = DurationMs(said.retry_delay); !wait && delay) {
    wait = std::chrono::milliseconds(
        static_cast<std::int64_t>(std::ceil(std::min(*delay, kRetryAfterMaxMs))));
  }
  if (wait) std::move(error).RetryAfter(*wait);
  return error;
}

bool IsErrorBody(Dialect dialect, std::string_view body) {
  auto parsed = ParseJson(body, kBodyLimits);
  if (!parsed || parsed->object() == nullptr) return false;
  if (dialect == Dialect::kBedrock) {
    return !TextAt(*parsed, "message").empty() || !TextAt(*parsed, "Message").empty();
  }
  const auto* error = parsed->Find("error");
  return error != nullptr && error->object() != nullptr;
}

std::string_view DialectName(Dialect dialect) {
  switch (dialect) {
    case Dialect::kOpenAi:
      return "openai";
    case Dialect::kAnthropic:
      return "anthropic";
    case Dialect::kBedrock:
      return "bedrock";
    case Dialect::kGemini:
      return "gemini";
  }
  return "";
}

}  // namespace strata::dialect
