#include "provider/wire_headers.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace strata::provider {
namespace {

// Names in lower case, sorted by length: those of one length are few.
template <std::size_t N>
class NameSet {
 public:
  consteval explicit NameSet(std::array<std::string_view, N> names) : names_(names) {
    std::ranges::sort(names_, {}, [](std::string_view name) { return name.size(); });
    for (auto name : names_) ++ends_.at(name.size());
    for (std::size_t size = 1; size < ends_.size(); ++size) ends_[size] += ends_[size - 1];
  }

  bool Has(std::string_view name) const {
    if (name.empty() || name.size() >= ends_.size()) return false;
    for (auto at = ends_[name.size() - 1]; at < ends_[name.size()]; ++at) {
      if (net::SameHeader(names_[at], name)) return true;
    }
    return false;
  }

 private:
  static constexpr std::size_t kSizeMax = 32;
  std::array<std::string_view, N> names_;
  std::array<std::uint8_t, kSizeMax + 1> ends_{};  // by length: behind the last one of it
};

constexpr NameSet kRequestStays(std::to_array<std::string_view>({
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
}));

constexpr NameSet kAnswerStays(std::to_array<std::string_view>({
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
}));

bool Begins(std::string_view name, std::string_view lower_prefix) {
  return name.size() >= lower_prefix.size() &&
         net::SameHeader(name.substr(0, lower_prefix.size()), lower_prefix);
}

// The fields that `Connection: a, b` lines name, nearly always none: the usual two are not fields.
std::vector<std::string_view> NamedByConnection(const net::Headers& headers) {
  std::vector<std::string_view> out;
  for (const auto& [name, value] : headers.fields()) {
    if (!net::SameHeader(name, "connection")) continue;
    for (std::string_view list = value; !list.empty();) {
      auto comma = list.find(',');
      auto token = list.substr(0, comma);
      list = comma == list.npos ? std::string_view() : list.substr(comma + 1);
      while (token.starts_with(' ') || token.starts_with('\t')) token.remove_prefix(1);
      while (token.ends_with(' ') || token.ends_with('\t')) token.remove_suffix(1);
      if (net::SameHeader(token, "keep-alive") || net::SameHeader(token, "close")) continue;
      if (!token.empty()) out.push_back(token);
    }
  }
  return out;
}

template <class Stays>
domain::WireHeaders Select(const net::Headers& headers, Stays stays) {
  domain::WireHeaders out;
  out.reserve(headers.fields().size());
  const auto named = NamedByConnection(headers);
  for (const auto& [name, value] : headers.fields()) {
    if (stays(name) ||
        std::ranges::any_of(named, [&](auto other) { return net::SameHeader(other, name); })) {
      continue;
    }
    out.emplace_back(name, value);
  }
  return out;
}

}  // namespace

domain::WireHeaders RequestHeadersToForward(const net::Headers& headers) {
  return Select(headers, [](std::string_view name) {
    return kRequestStays.Has(name) || Begins(name, "x-strata-") || Begins(name, "x-forwarded-") ||
           Begins(name, "cf-") || Begins(name, "sec-");
  });
}

domain::WireHeaders AnswerHeadersToForward(const net::Headers& headers) {
  return Select(headers, [](std::string_view name) {
    // Which pages may read our answers is server.cors_origins', not the provider's, to say.
    return kAnswerStays.Has(name) || Begins(name, "x-strata-") || Begins(name, "access-control-");
  });
}

}  // namespace strata::provider
