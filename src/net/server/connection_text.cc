#include "net/server/connection_text.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "base/json_text.h"

namespace strata::net {

FailureAnswer AnswerFailure(const FailureEncoder& failures, const HttpRequest& request, int status,
                            std::string_view message) {
  if (failures && !request.target.empty()) return failures(request, status, message);
  std::string_view type = status == 413   ? "request_too_large"
                          : status >= 500 ? "api_error"
                                          : "invalid_request_error";
  auto text = JsonString(message);
  FailureAnswer answer;
  answer.headers.Add("content-type", "application/json");
  answer.headers.Add("x-amzn-errortype", "ValidationException");
  answer.body = fmt::format(
      R"({{"type":"error","error":{{"type":"{}","message":{}}},"message":{}}})", type, text, text);
  return answer;
}

std::string_view HttpDate() {
  thread_local std::time_t made_at = 0;
  thread_local std::array<char, 32> text{};
  auto now = std::time(nullptr);
  if (now != made_at) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    made_at = now;
  }
  return text.data();
}

}  // namespace strata::net
