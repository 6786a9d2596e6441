#include "dialect/error_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/account_words.h"
#include "base/budget_error.h"
#include "base/hops.h"
#include "dialect/json/json_writer.h"

namespace strata::dialect {
namespace {

constexpr std::size_t kCodes = 14;  // base/error.h

struct Row {
  int status;
  std::string_view type;
  std::string_view code;  // OpenAI only
};

// In the order of Code. OpenAI's types and codes are those of its public error guide; the SDKs map
// by status alone.
constexpr std::array<Row, kCodes> kOpenAi = {{
    {400, "invalid_request_error", "invalid_value"},
    {401, "invalid_request_error", "invalid_api_key"},
    {403, "permission_error", "permission_denied"},
    {404, "invalid_request_error", "not_found"},
    {409, "invalid_request_error", "conflict"},
    {413, "invalid_request_error", "too_large"},
    {400, "invalid_request_error", "unsupported"},
    {400, "invalid_request_error", "content_filter"},
    {429, "rate_limit_error", "rate_limit_exceeded"},
    {504, "timeout_error", "deadline_exceeded"},
    {499, "cancelled_error", "cancelled"},
    {503, "service_unavailable_error", "unavailable"},
    {500, "server_error", "internal_error"},
    {500, "server_error", "internal_error"},
}};

constexpr std::array<Row, kCodes> kAnthropic = {{
    {400, "invalid_request_error", ""},
    {401, "authentication_error", ""},
    {403, "permission_error", ""},
    {404, "not_found_error", ""},
    {409, "invalid_request_error", ""},
    {413, "request_too_large", ""},
    {400, "invalid_request_error", ""},
    {400, "invalid_request_error", ""},
    {429, "rate_limit_error", ""},
    {504, "timeout_error", ""},
    {499, "invalid_request_error", ""},
    {529, "overloaded_error", ""},
    {500, "api_error", ""},
    {500, "api_error", ""},
}};

// The type is the name of google.rpc.Code.
constexpr std::array<Row, kCodes> kGemini = {{
    {400, "INVALID_ARGUMENT", ""},
    {401, "UNAUTHENTICATED", ""},
    {403, "PERMISSION_DENIED", ""},
    {404, "NOT_FOUND", ""},
    {409, "ABORTED", ""},
    {413, "INVALID_ARGUMENT", ""},
    {400, "INVALID_ARGUMENT", ""},
    {400, "FAILED_PRECONDITION", ""},
    {429, "RESOURCE_EXHAUSTED", ""},
    {504, "DEADLINE_EXCEEDED", ""},
    {499, "CANCELLED", ""},
    {503, "UNAVAILABLE", ""},
    {500, "INTERNAL", ""},
    {500, "INTERNAL", ""},
}};

// A call in a circle is refused as a bad request, with a status of its own.
Row RowOf(const std::array<Row, kCodes>& table, const Error& error) {
  auto row = table.at(static_cast<std::size_t>(error.code()));
  if (IsCalledInCircle(error)) row.status = kLoopStatus;
  return row;
}

// OpenAI tells a limit that goes by from money that is spent.
Row OpenAiRow(const Error& error) {
  if (IsBudgetUsedUp(error)) return {429, "insufficient_quota", "insufficient_quota"};
  auto row = RowOf(kOpenAi, error);
  if (IsCalledInCircle(error)) row.code = "loop_detected";
  return row;
}

// What the exceptions of botocore's four models answer with.
Row BedrockRow(Code code, BedrockService service) {
  const bool inference_or_control =
      service == BedrockService::kRuntime || service == BedrockService::kControl;
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kTooLarge:
    case Code::kUnsupported:
    case Code::kBlocked:
      return {400, "ValidationException", ""};
    case Code::kUnauthenticated:
    case Code::kPermissionDenied:
      return {403, "AccessDeniedException", ""};
    case Code::kNotFound:
      return {404, "ResourceNotFoundException", ""};
    case Code::kConflict:
      return {inference_or_control ? 400 : 409, "ConflictException", ""};
    case Code::kRateLimited:
      return {429, "ThrottlingException", ""};
    case Code::kDeadlineExceeded:
      if (service == BedrockService::kRuntime) return {408, "ModelTimeoutException", ""};
      if (service == BedrockService::kAgentRuntime) return {424, "DependencyFailedException", ""};
      return {500, "InternalServerException", ""};
    case Code::kUnavailable:
      if (inference_or_control) return {503, "ServiceUnavailableException", ""};
      if (service == BedrockService::kAgentRuntime) return {502, "BadGatewayException", ""};
      return {500, "InternalServerException", ""};
    case Code::kCancelled:
    case Code::kCorruption:
    case Code::kInternal:
      break;
  }
  return {500, "InternalServerException", ""};
}

// Clients of AWS try a throttled call again, but not one beyond a quota.
Row BedrockRow(const Error& error, BedrockService service) {
  if (IsCalledInCircle(error)) return {kLoopStatus, "ValidationException", ""};
  if (!IsBudgetUsedUp(error)) return BedrockRow(error.code(), service);
  return {service == BedrockService::kAgent ? 402 : 400, "ServiceQuotaExceededException", ""};
}

HttpError Start(int status, std::string_view id_header, std::string_view request_id) {
  HttpError out;
  out.status = status;
  out.headers.emplace_back("content-type", "application/json");
  if (!request_id.empty()) out.headers.emplace_back(id_header, request_id);
  return out;
}

// Whole seconds rounded up, as the header has no fractions; the -ms twin is read by the OpenAI and
// Anthropic SDKs first.
void AddRetryHeaders(const Error& error, HeaderList& headers) {
  if (!error.retry_after()) return;
  const auto ms = error.retry_after()->count();
  headers.emplace_back("retry-after", fmt::format("{}", (ms + 999) / 1000));
  headers.emplace_back("retry-after-ms", fmt::format("{}", ms));
}

// The SDKs of OpenAI and Anthropic retry 408, 409, 429 and 5xx unless this header says otherwise.
void AddShouldRetry(const Error& error, HeaderList& headers) {
  if (IsBudgetUsedUp(error)) {
    headers.emplace_back("x-should-retry", "false");
    return;
  }
  switch (error.code()) {
    case Code::kRateLimited:
    case Code::kUnavailable:
      headers.emplace_back("x-should-retry", "true");
      break;
    case Code::kInternal:
    case Code::kCorruption:
      break;
    default:
      headers.emplace_back("x-should-retry", "false");
  }
}

}  // namespace

std::string PublicMessage(const Error& error) {
  if (error.code() == Code::kInternal || error.code() == Code::kCorruption) {
    return "The server had an internal error; its log has the details under this request's id.";
  }
  return WithoutAccountWords(error, "the trace of this request");
}

std::string PathIn(Dialect dialect, std::string_view path) {
  std::string out(path);
  if (dialect != Dialect::kAnthropic && dialect != Dialect::kBedrock) return out;
  for (auto open = out.find('['); open != out.npos; open = out.find('[', open + 1)) {
    const auto end = out.find_first_not_of("0123456789", open + 1);
    if (end == out.npos || end == open + 1 || out[end] != ']') continue;
    out.erase(end, 1);
    out[open] = '.';
  }
  return out;
}

std::string PublicMessage(const Error& error, Dialect dialect) {
  auto message = PublicMessage(error);
  // Who read a part of the request by itself named the end of the path only.
  std::string_view path = error.field();
  while (path.find('[') != path.npos) {
    const auto shown = PathIn(dialect, path);
    if (shown == path) break;
    for (auto at = message.find(path); at != message.npos; at = message.find(path, at)) {
      message.replace(at, path.size(), shown);
    }
    path.remove_prefix(std::min(path.find('.'), path.size() - 1) + 1);
  }
  return message;
}

std::string OpenAiErrorBody(const Error& error) {
  const auto row = OpenAiRow(error);
  JsonWriter out;
  out.BeginObject().Key("error").BeginObject();
  out.Field("message", PublicMessage(error)).Field("type", row.type).Key("param");
  error.field().empty() || IsBudgetUsedUp(error) ? out.Null() : out.Value(error.field());
  out.Field("code", row.code);
  return out.EndObject().EndObject().Take();
}

std::string AnthropicErrorBody(const Error& error, std::string_view request_id) {
  JsonWriter out;
  out.BeginObject().Field("type", "error").Key("error").BeginObject();
  out.Field("type", RowOf(kAnthropic, error).type)
      .Field("message", PublicMessage(error, Dialect::kAnthropic));
  out.EndObject().FieldIfAny("request_id", request_id);
  return out.EndObject().Take();
}

std::string_view BedrockStreamExceptionName(Code code) {
  switch (BedrockRow(code, BedrockService::kRuntime).status) {
    case 429:
      return "throttlingException";
    case 503:
      return "serviceUnavailableException";
    case 408:
      return "modelStreamErrorException";
    case 500:
      return "internalServerException";
    default:
      return "validationException";
  }
}

HttpError EncodeOpenAiError(const Error& error, std::string_view request_id) {
  auto out = Start(OpenAiRow(error).status, "x-request-id", request_id);
  AddRetryHeaders(error, out.headers);
  AddShouldRetry(error, out.headers);
  out.body = OpenAiErrorBody(error);
  return out;
}

HttpError EncodeAnthropicError(const Error& error, std::string_view request_id) {
  auto out = Start(RowOf(kAnthropic, error).status, "request-id", request_id);
  AddRetryHeaders(error, out.headers);
  AddShouldRetry(error, out.headers);
  out.body = AnthropicErrorBody(error, request_id);
  return out;
}

HttpError EncodeBedrockError(const Error& error, std::string_view request_id,
                             BedrockService service) {
  const auto row = BedrockRow(error, service);
  auto out = Start(row.status, "x-amzn-requestid", request_id);
  out.headers.emplace_back("x-amzn-errortype", row.type);
  AddRetryHeaders(error, out.headers);
  JsonWriter body;
  const auto message = PublicMessage(error, Dialect::kBedrock);
  body.BeginObject().Field("message", message);
  if (service == BedrockService::kAgent && row.type == "ValidationException" &&
      !error.field().empty()) {
    body.Key("fieldList").BeginArray().BeginObject();
    body.Field("name", PathIn(Dialect::kBedrock, error.field())).Field("message", message);
    body.EndObject().EndArray();
  }
  out.body = body.EndObject().Take();
  return out;
}

HttpError EncodeGeminiError(const Error& error, std::string_view request_id) {
  const auto row = RowOf(kGemini, error);
  auto out = Start(row.status, "x-request-id", request_id);
  AddRetryHeaders(error, out.headers);
  JsonWriter body;
  body.BeginObject().Key("error").BeginObject().Field("code", row.status);
  body.Field("message", PublicMessage(error)).Field("status", row.type);
  constexpr std::string_view kTypes = "type.googleapis.com/google.rpc.";
  body.Key("details").BeginArray();
  if (!error.field().empty() && !IsBudgetUsedUp(error)) {
    body.BeginObject().Field("@type", fmt::format("{}BadRequest", kTypes));
    body.Key("fieldViolations").BeginArray().BeginObject().Field("field", error.field());
    body.Field("description", PublicMessage(error)).EndObject().EndArray().EndObject();
  }
  if (error.retry_after()) {
    const auto ms = error.retry_after()->count();
    body.BeginObject().Field("@type", fmt::format("{}RetryInfo", kTypes));
    body.Field("retryDelay", fmt::format("{}.{:03}s", ms / 1000, ms % 1000)).EndObject();
  }
  out.body = body.EndArray().EndObject().EndObject().Take();
  return out;
}

HttpError EncodeError(Dialect dialect, const Error& error, std::string_view request_id) {
  switch (dialect) {
    case Dialect::kOpenAi:
      return EncodeOpenAiError(error, request_id);
    case Dialect::kAnthropic:
      return EncodeAnthropicError(error, request_id);
    case Dialect::kBedrock:
      return EncodeBedrockError(error, request_id);
    case Dialect::kGemini:
      return EncodeGeminiError(error, request_id);
  }
  return EncodeOpenAiError(error, request_id);
}

}  // namespace strata::dialect
