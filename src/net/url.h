#pragma once
// http and https addresses in parts.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::net {

struct Url {
  bool tls = false;        // https
  std::string host;        // lower case, without brackets: "api.openai.com", "127.0.0.1", "::1"
  std::uint16_t port = 0;  // the scheme's own when the text names none
  std::string target;      // path and query exactly as given; at least "/"

  // As in the Host header: "[::1]:8080", "api.openai.com".
  std::string Authority() const;
};

// kInvalidArgument with field "url": not http(s), user information, a bad host or port, spaces or
// control characters. A fragment is dropped.
Result<Url> ParseUrl(std::string_view text);

}  // namespace strata::net
