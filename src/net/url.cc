#include "net/url.h"

#include <algorithm>
#include <charconv>

namespace strata::net {
namespace {

constexpr std::size_t kUrlBytesMax = 16 * 1024;
constexpr std::size_t kHostBytesMax = 253;

bool TakeScheme(std::string_view& text, std::string_view scheme) {
  auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  if (text.size() < scheme.size() ||
      !std::equal(scheme.begin(), scheme.end(), text.begin(),
                  [&](char wanted, char given) { return same(given, wanted); })) {
    return false;
  }
  text.remove_prefix(scheme.size());
  return true;
}

bool IsHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool IsIpv6Character(char c) {
  return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

Result<std::uint16_t> ParsePort(std::string_view text, std::uint16_t fallback) {
  if (text.empty()) return fallback;
  unsigned value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > 65535) {
    return Fail(InvalidArgument("url", "has a port that is not 1 to 65535"));
  }
  return static_cast<std::uint16_t>(value);
}

// Splits "host:port" or "[v6]:port"; what stays in `text` is ":port" or "".
Result<std::string> TakeHost(std::string_view& text) {
  bool bracketed = text.starts_with('[');
  auto end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == text.npos) return Fail(InvalidArgument("url", "has an address without closing ']'"));
  std::string host(bracketed ? text.substr(1, end - 1) : text.substr(0, end));
  text.remove_prefix(bracketed ? end + 1 : end);
  for (char& c : host) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  auto fits = bracketed ? IsIpv6Character : IsHostCharacter;
  if (host.empty() || host.size() > kHostBytesMax || !std::all_of(host.begin(), host.end(), fits)) {
    return Fail(InvalidArgument("url", "has no valid host"));
  }
  return host;
}

}  // namespace

std::string Url::Authority() const {
  auto text = host.find(':') == host.npos ? host : "[" + host + "]";
  if (port != (tls ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

Result<Url> ParseUrl(std::string_view text) {
  if (text.size() > kUrlBytesMax) return Fail(InvalidArgument("url", "is longer than 16384 bytes"));
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; })) {
    return Fail(InvalidArgument("url", "holds characters that must be percent-encoded"));
  }
  Url url;
  url.tls = TakeScheme(text, "https://");
  if (!url.tls && !TakeScheme(text, "http://")) {
    return Fail(InvalidArgument("url", "must start with http:// or https://"));
  }
  text = text.substr(0, text.find('#'));
  auto path = std::min(text.find_first_of("/?"), text.size());
  auto authority = text.substr(0, path);
  if (authority.find('@') != authority.npos) {
    return Fail(InvalidArgument("url", "must not hold a user name or password"));
  }
  STRATA_TRY(url.host, TakeHost(authority));
  if (!authority.empty() && authority.front() != ':') {
    return Fail(InvalidArgument("url", "has no valid host"));
  }
  STRATA_TRY(url.port, ParsePort(authority.substr(authority.empty() ? 0 : 1), url.tls ? 443 : 80));
  url.target = text.substr(path);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

}  // namespace strata::net
