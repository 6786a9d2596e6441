#include "server/cors.h"

#include <algorithm>

#include "base/format_message.h"

namespace strata::server {
namespace {

constexpr std::string_view kOrigin = "origin";
constexpr std::string_view kAskedMethod = "access-control-request-method";
constexpr std::string_view kAskedHeaders = "access-control-request-headers";

// What SDKs read of an answer beside its body.
constexpr std::string_view kExposed =
    "x-strata-trace-id, x-strata-trace-url, x-strata-cost-usd, x-strata-model, request-id, "
    "x-request-id, x-amzn-requestid, x-amzn-errortype, retry-after, retry-after-ms, "
    "x-should-retry, x-amzn-bedrock-input-token-count, x-amzn-bedrock-output-token-count, "
    "x-amzn-bedrock-invocation-latency, x-amzn-bedrock-content-type";

// scheme://host[:port], without a path.
bool IsOrigin(std::string_view text) {
  auto colon = text.find("://");
  if (colon == text.npos || colon == 0) return false;
  auto host = text.substr(colon + 3);
  return !host.empty() && host.find_first_of("/?#@ ") == host.npos;
}

// A comma-separated list of header names, as it may stand in an answer.
bool IsHeaderList(std::string_view text) {
  constexpr std::size_t kBytesMax = 2048;
  return text.size() <= kBytesMax && std::all_of(text.begin(), text.end(), [](char c) {
           bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
           return letter || c == '-' || c == '_' || c == ',' || c == ' ';
         });
}

}  // namespace

Result<Cors> Cors::From(const std::vector<std::string>& origins) {
  Cors cors;
  for (const auto& origin : origins) {
    if (origin == "*") {
      cors.any_ = true;
    } else if (IsOrigin(origin)) {
      cors.origins_.insert(origin);
    } else {
      return Fail(InvalidArgument(
          "server.cors_origins",
          FormatMessage("'{}' is no origin like https://app.example.com, nor *", origin)));
    }
  }
  return cors;
}

bool Cors::Allows(std::string_view origin) const {
  return !origin.empty() && (any_ || origins_.contains(origin));
}

void Cors::AddTo(net::Headers& answer, std::string_view origin) const {
  // Caches must keep answers to different origins apart, also those that allow none.
  if (!any_) answer.Add("vary", "Origin");
  if (!Allows(origin)) return;
  answer.Set("access-control-allow-origin", any_ ? "*" : std::string(origin));
  answer.Set("access-control-expose-headers", std::string(kExposed));
}

bool Cors::IsPreflight(const net::HttpRequest& request) {
  return request.method == "OPTIONS" && request.headers.Has(kOrigin) &&
         request.headers.Has(kAskedMethod);
}

Result<net::Headers> Cors::Preflight(const net::HttpRequest& request) const {
  auto origin = request.headers.Get(kOrigin);
  if (!Allows(origin)) {
    return Fail(Code::kPermissionDenied, "this origin is not among server.cors_origins");
  }
  auto asked = request.headers.Get(kAskedHeaders);
  if (!IsHeaderList(asked)) {
    return Fail(InvalidArgument(std::string(kAskedHeaders), "it is not a list of header names"));
  }
  net::Headers headers;
  headers.Set("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE");
  if (!asked.empty()) headers.Set("access-control-allow-headers", std::string(asked));
  headers.Set("access-control-max-age", "600");
  return headers;
}

}  // namespace strata::server
