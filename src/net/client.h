#pragma once
// The HTTP client that providers, sources and exporters share: keep-alive pools per io thread, TLS,
// deadlines, cancel.

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/options.h"
#include "base/task.h"
#include "net/http.h"

namespace strata::net {

struct ClientRequest {
  std::string method = "GET";
  std::string url;  // "https://host:port/path?query"; path and query are sent exactly as given
  Headers headers;  // Host and Content-Length are set by the client
  std::string body;
  SteadyTime deadline = SteadyTime::max();
  std::stop_token cancel;
  // Addresses in private, loopback or link-local ranges are refused unless this is set (configured
  // providers set it; addresses that came with a request must not).
  bool allow_private_addresses = false;
};

// An answer whose body is read as it comes. Destroying it before the end closes the connection. Not
// thread-safe; used on the io thread that made it.
class ClientResponse {
 public:
  virtual ~ClientResponse() = default;
  virtual int status() const = 0;
  virtual const Headers& headers() const = 0;

  // The next bytes as they arrive; empty at the end of the body. The view is valid until the next
  // call. Errors: kUnavailable (cut before the end), kDeadlineExceeded, kCancelled.
  virtual Task<Result<std::string_view>> Read() = 0;

  // The rest of the body. kTooLarge when it is longer than `bytes_max`.
  virtual Task<Result<std::string>> ReadAll(std::size_t bytes_max) = 0;
};

// Thread-safe; connections stay on the io thread of the coroutine that asked.
class Client {
 public:
  // `net.client.*`: connect time-out, idle connections a host, response header limit, ca_file.
  static OptionTable ClientOptions();
  // Throws std::runtime_error when ca_file cannot be used: clients are made at start-up.
  static std::shared_ptr<Client> Create(const Options& options);
  virtual ~Client() = default;

  // Returns when the response headers are in. Does not retry, except once when a kept-alive
  // connection turns out closed before a byte of the answer. Errors: kUnavailable (refused,
  // unresolved, TLS), kDeadlineExceeded, kCancelled, kPermissionDenied (private address),
  // kInvalidArgument (bad URL).
  virtual Task<Result<std::unique_ptr<ClientResponse>>> Send(ClientRequest request) = 0;
};

}  // namespace strata::net
