#pragma once
// Cross-origin requests of browsers: which origins may read answers (server.cors_origins), and the
// answer to the question that a browser asks first. Keys travel in headers, never in cookies, so
// credentials are not allowed.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace strata::server {

// Immutable, thread-safe.
class Cors {
 public:
  // Origins as browsers send them ("https://app.example.com"), or "*" for all. An empty list
  // switches cross-origin requests off. kInvalidArgument names the entry that is no origin.
  static Result<Cors> From(const std::vector<std::string>& origins);

  bool on() const { return any_ || !origins_.empty(); }
  bool Allows(std::string_view origin) const;

  // On every answer while `on()`: Vary always, the rest for an origin that is allowed.
  void AddTo(net::Headers& answer, std::string_view origin) const;

  // A preflight is an OPTIONS request with Origin and Access-Control-Request-Method.
  static bool IsPreflight(const net::HttpRequest& request);
  // The headers of its answer. kPermissionDenied when the origin is not allowed.
  Result<net::Headers> Preflight(const net::HttpRequest& request) const;

 private:
  bool any_ = false;
  std::set<std::string, std::less<>> origins_;
};

}  // namespace strata::server
