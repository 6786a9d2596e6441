#pragma once
// Addresses of trace pages. Each holds a token that opens this one trace, so that the link in an
// answer's header works in a browser without a key, and knowing a trace id alone (from a log line)
// does not.

#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::server {

// Immutable, thread-safe.
class TraceLinks {
 public:
  // The secret lies in `secrets_folder`/links.key and is made at first use, mode 0600.
  static Result<TraceLinks> Load(const std::string& secrets_folder, std::string public_url);

  // "http://127.0.0.1:8080/console/trace/ID?t=TOKEN".
  std::string UrlOf(std::string_view trace_id) const;
  bool Opens(std::string_view trace_id, std::string_view token) const;
  // The console's first page with a token that opens all of it: for the operator who started the
  // server.
  std::string ConsoleUrl() const;
  bool OpensConsole(std::string_view token) const;
  const std::string& public_url() const { return public_url_; }
  // The address is known only after the listeners are open; called before the first request.
  void SetPublicUrl(std::string url) { public_url_ = std::move(url); }

 private:
  TraceLinks(std::string secret, std::string public_url)
      : secret_(std::move(secret)), public_url_(std::move(public_url)) {}
  std::string TokenOf(std::string_view trace_id) const;

  std::string secret_;
  std::string public_url_;
};

}  // namespace strata::server
