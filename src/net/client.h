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

// With a plain server HTTP/2 cannot be negotiated, only known.
enum class Http2Knowledge : std::uint8_t { kNone, kPrior };

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
  // http only; https negotiates (net.client.http2).
  Http2Knowledge http2 = Http2Knowledge::kNone;
};

// What a client has done since it was made.
struct ClientStats {
  std::uint64_t connections = 0;  // made
  std::uint64_t http2_connections = 0;
  std::uint64_t tls_handshakes = 0;
  std::uint64_t tls_sessions_reused = 0;  // handshakes that took up an earlier session
};

// An answer whose body is read as it comes. Destroying it before the end closes the connection
// (HTTP/2: resets the stream). Not thread-safe; used on the io thread that made it.
class ClientResponse {
 public:
  virtual ~ClientResponse() = default;
  virtual int status() const = 0;
  virtual const Headers& headers() const = 0;

  // The next bytes as they arrive; empty at the end of the body. The view is valid until the next
  // call. Errors: kUnavailable (cut before the end), kDeadlineExceeded, kCancelled.
  virtual Task<Result<std::string_view>> Read() = 0;

  // True: the body's end had already come, it has been taken, and the connection is free for the
  // next call. Never waits; views of Read are invalid afterwards. False: Read on.
  virtual bool TryFinish() { return false; }

  // The rest of the body. kTooLarge when it is longer than `bytes_max`.
  virtual Task<Result<std::string>> ReadAll(std::size_t bytes_max) = 0;
};

// Thread-safe; connections stay on the io thread of the coroutine that asked.
class Client {
 public:
  // `net.client.*`: time-outs, idle connections a host, response header limit, HTTP/2, ca_file.
  static OptionTable ClientOptions();
  // Throws std::runtime_error when ca_file cannot be used: clients are made at start-up.
  static std::shared_ptr<Client> Create(const Options& options);
  virtual ~Client() = default;

  // Returns when the response headers are in. Does not retry, except when a kept-alive connection
  // turns out closed before a byte of the answer, or an HTTP/2 server refuses the stream. Errors:
  // kUnavailable (refused, unresolved, TLS), kDeadlineExceeded, kCancelled, kPermissionDenied
  // (private address), kInvalidArgument (bad URL). `request` is taken, and must live until the
  // task ends.
  virtual Task<Result<std::unique_ptr<ClientResponse>>> Send(ClientRequest&& request) = 0;

  virtual ClientStats Stats() const { return {}; }
};

}  // namespace strata::net
