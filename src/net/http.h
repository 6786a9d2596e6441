#pragma once
// HTTP messages as values, shared by the server and the client, for HTTP/1.1 and HTTP/2 alike.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::net {

// Same ASCII letters, whatever their case.
bool SameHeader(std::string_view a, std::string_view b);

// Header fields in the order they came. Names compare without case. Pseudo-headers of HTTP/2 are
// not kept here.
class Headers {
 public:
  void Add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  void Reserve(std::size_t fields) { fields_.reserve(fields); }
  void Set(std::string_view name, std::string value);
  void Remove(std::string_view name);
  // First value of that name; "" when absent (Has tells the difference).
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

enum class HttpVersion : std::uint8_t { kHttp11, kHttp2 };

// A request that a server received, body complete.
struct HttpRequest {
  std::string method;     // "GET"
  std::string target;     // path and query exactly as sent: Bedrock routes and signs the raw path
  std::string scheme;     // "http" or "https"
  std::string authority;  // Host or :authority
  HttpVersion version = HttpVersion::kHttp11;
  Headers headers;
  std::string body;
  std::string peer;  // "127.0.0.1:51234"

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  std::string_view query() const {
    auto at = target.find('?');
    return at == target.npos ? std::string_view() : std::string_view(target).substr(at + 1);
  }
};

// Value of a query parameter, percent-decoded ('+' is a space); nullopt when absent.
std::optional<std::string> QueryParameter(std::string_view query, std::string_view name);

}  // namespace strata::net
