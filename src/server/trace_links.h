#pragma once
// Addresses of trace pages. Each holds a token that opens this one trace, so that the link in an
// answer's header works in a browser without a key, and knowing a trace id alone (from a log line)
// does not.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::server {

// Thread-safe.
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
  const std::string& public_url() const { return *base_->now.load(std::memory_order_acquire); }
  // Links made from now on begin with `url`. For when no public URL is configured: the address is
  // known only after the listeners are open, and a reload may move it.
  void SetPublicUrl(std::string url);

 private:
  // Links are made with every answer, and an address moves a few times in a server's life: so old
  // ones stay, and no reader locks.
  struct Base {
    std::atomic<const std::string*> now;
    std::mutex mutex;  // of `all`
    std::vector<std::unique_ptr<const std::string>> all;
  };
  TraceLinks(std::string secret, std::string public_url);
  std::string TokenOf(std::string_view trace_id) const;

  std::string secret_;
  std::unique_ptr<Base> base_;
};

}  // namespace strata::server
