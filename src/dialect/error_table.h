#pragma once
// Errors: our Code → HTTP status, headers and body of each dialect, and a provider's error answer →
// our Error. The only place where a status number is chosen for these APIs.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "dialect/meta.h"

namespace strata::dialect {

// Bedrock's four services differ in some statuses.
enum class BedrockService : std::uint8_t { kRuntime, kControl, kAgent, kAgentRuntime };

struct HttpError {
  int status = 500;
  HeaderList headers;  // names in lower case, content-type included
  std::string body;
};

// `request_id` goes where the dialect has it (x-request-id, request_id, x-amzn-RequestId).
// kInternal's message is not shown to callers: they get a sentence with the request id.
HttpError EncodeOpenAiError(const Error& error, std::string_view request_id);
HttpError EncodeAnthropicError(const Error& error, std::string_view request_id);
HttpError EncodeBedrockError(const Error& error, std::string_view request_id,
                             BedrockService service = BedrockService::kRuntime);
// {"error":{code, message, status, details}} with BadRequest and RetryInfo among the details.
HttpError EncodeGeminiError(const Error& error, std::string_view request_id);
// As above for the inference APIs; kBedrock means bedrock-runtime.
HttpError EncodeError(Dialect dialect, const Error& error, std::string_view request_id);

// The `"error":{…}` object of Anthropic / the body of OpenAI errors, as their streams carry it.
std::string AnthropicErrorBody(const Error& error, std::string_view request_id);
std::string OpenAiErrorBody(const Error& error);
// "throttlingException", …: the member of a runtime event stream.
std::string_view BedrockStreamExceptionName(Code code);

// A path in a request as the dialect's vendor writes it: "messages[0].content" (OpenAI, Gemini, and
// within strata) or "messages.0.content" (Anthropic, Bedrock).
std::string PathIn(Dialect dialect, std::string_view path);

// What callers may read of `error`: its message, or a neutral one for what is ours (faults, keys).
std::string PublicMessage(const Error& error);
// The same with the error's field in the dialect's form.
std::string PublicMessage(const Error& error, Dialect dialect);

// What a provider's non-2xx answer means. `headers`: any order, names compared without case; read
// are retry-after (seconds or an HTTP date is ignored), retry-after-ms, x-ratelimit-reset-* (as
// OpenAI writes durations), x-amzn-errortype, x-should-retry; of Gemini's body RetryInfo. The body
// may be any bytes; at most 2,000 bytes of its message are taken.
Error DecodeUpstreamError(Dialect dialect, int status, const HeaderList& headers,
                          std::string_view body);

// Whether a provider's error body has the dialect's own form, so that a client of the dialect can
// read it as it is: not a proxy's page, nor another API's.
bool IsErrorBody(Dialect dialect, std::string_view body);

// "openai", "anthropic", "bedrock", "gemini"
std::string_view DialectName(Dialect dialect);

}  // namespace strata::dialect
