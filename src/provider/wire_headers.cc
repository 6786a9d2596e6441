#include "provider/wire_headers.h"

#include <algorithm>
#include <array>

namespace strata::provider {
namespace {

// Sorted, for a binary search.
constexpr std::array<std::string_view, 34> kRequestStays = {
    "accept-encoding",
    "api-key",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "openai-organization",  // whose account pays is the provider's configuration
    "openai-project",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amzn-bedrock-api-key",
    "x-api-key",
    "x-goog-api-key",
    "x-goog-user-project",
    "x-real-ip",
};
static_assert(std::ranges::is_sorted(kRequestStays));

constexpr std::array<std::string_view, 16> kAnswerStays = {
    "alt-svc",
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "nel",
    "proxy-authenticate",
    "proxy-connection",
    "report-to",
    "server",
    "set-cookie",
    "strict-transport-security",
    "trailer",
    "transfer-encoding",
    "upgrade",
};
static_assert(std::ranges::is_sorted(kAnswerStays));

// In lower case, in a buffer that no known name outgrows; longer names are only compared by prefix.
class LowerName {
 public:
  explicit LowerName(std::string_view name) : size_(std::min(name.size(), buffer_.size())) {
    std::ranges::transform(name.substr(0, size_), buffer_.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    whole_ = size_ == name.size();
  }
  std::string_view view() const { return {buffer_.data(), size_}; }
  template <std::size_t N>
  bool In(const std::array<std::string_view, N>& names) const {
    return whole_ && std::ranges::binary_search(names, view());
  }

 private:
  std::array<char, 32> buffer_;
  std::size_t size_;
  bool whole_;
};

// Whether `Connection: a, b` names the field.
bool NamedByConnection(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    auto comma = list.find(',');
    auto token = list.substr(0, comma);
    list = comma == list.npos ? std::string_view() : list.substr(comma + 1);
    while (token.starts_with(' ') || token.starts_with('\t')) token.remove_prefix(1);
    while (token.ends_with(' ') || token.ends_with('\t')) token.remove_suffix(1);
    if (net::SameHeader(token, name)) return true;
  }
  return false;
}

template <class Stays>
domain::WireHeaders Select(const net::Headers& headers, Stays stays) {
  domain::WireHeaders out;
  out.reserve(headers.fields().size());
  auto connection = headers.Get("connection");
  const bool lists = !connection.empty() && !net::SameHeader(connection, "keep-alive") &&
                     !net::SameHeader(connection, "close");
  for (const auto& [name, value] : headers.fields()) {
    if (stays(LowerName(name)) || (lists && NamedByConnection(connection, name))) continue;
    out.emplace_back(name, value);
  }
  return out;
}

}  // namespace

domain::WireHeaders RequestHeadersToForward(const net::Headers& headers) {
  return Select(headers, [](const LowerName& name) {
    return name.In(kRequestStays) || name.view().starts_with("x-strata-") ||
           name.view().starts_with("x-forwarded-") || name.view().starts_with("cf-") ||
           name.view().starts_with("sec-");
  });
}

domain::WireHeaders AnswerHeadersToForward(const net::Headers& headers) {
  return Select(headers, [](const LowerName& name) {
    // Which pages may read our answers is server.cors_origins', not the provider's, to say.
    return name.In(kAnswerStays) || name.view().starts_with("x-strata-") ||
           name.view().starts_with("access-control-");
  });
}

}  // namespace strata::provider
