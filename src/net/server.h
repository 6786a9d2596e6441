#pragma once
// The HTTP server: one plain and one TLS listener, each with HTTP/1.1 and HTTP/2 (prior knowledge
// by preface on the plain one, ALPN on the TLS one). N io threads, one io_context each; a
// connection lives on one thread.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "base/task.h"
#include "net/http.h"

namespace strata::net {

// Writes one answer. Used by the handler's coroutine only. Either Send once, or Start, Write…,
// Finish. All return kCancelled when the client has gone away; a handler may then simply return.
class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;

  // A whole answer. Content-Length is set here.
  virtual Task<Result<>> Send(int status, Headers headers, std::string body) = 0;

  // A streamed answer: headers leave at once; every Write is sent before it returns (HTTP/1.1:
  // chunked).
  virtual Task<Result<>> Start(int status, Headers headers) = 0;
  virtual Task<Result<>> Write(std::string_view bytes) = 0;
  virtual Task<Result<>> Finish() = 0;
  // Write, then Finish; where it can be, in one packet.
  virtual Task<Result<>> FinishWith(std::string_view last);
  // Ends a streamed answer so that the client notices that it is not whole (closes, or resets the
  // HTTP/2 stream).
  virtual void Abort() = 0;

  virtual bool started() const = 0;
};

// `client_gone` stops as soon as the server sees that the peer closed or reset, also while nothing
// is being written. The request and the writer outlive the returned Task. Exceptions are logged and
// answered with 500.
using Handler = std::function<Task<void>(HttpRequest& request, ResponseWriter& writer,
                                         std::stop_token client_gone)>;

// What is answered to a request that no handler sees: broken HTTP, a limit, too slow.
struct FailureAnswer {
  Headers headers;
  std::string body;
};
// `request`: as far as it was read; its target is never empty. `status` and what the connection
// does are decided already. Called on any io thread.
using FailureEncoder =
    std::function<FailureAnswer(const HttpRequest& request, int status, std::string_view message)>;

// The options of this module (`net.*`): body_bytes_max, header_bytes_max, idle and header
// time-outs, connections_max, …
OptionTable ServerOptions();

struct ListenSpec {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: a free one is chosen
  bool tls = false;
  std::string certificate_file;  // PEM chain; with tls
  std::string private_key_file;  // PEM
};

// What a server does and has done since its start. Each number is exact by itself; they are not
// read at one moment.
struct ServerStats {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;  // at net.connections_max or net.connections_per_peer_max
  std::uint64_t requests_in_flight = 0;   // handlers that run
  std::uint64_t requests = 0;             // handlers that were started
  std::uint64_t bytes_in = 0;             // of HTTP, inside TLS
  std::uint64_t bytes_out = 0;
};

class Server {
 public:
  // Opens the listeners; nothing is served before Start. Errors: kUnavailable (address in use),
  // kInvalidArgument (bad certificate, bad address). With net.reuse_port a successor may listen on
  // the same addresses while this server still runs. Without `failures`, and for what is no request
  // at all, one form serves the clients of every API.
  static Result<std::unique_ptr<Server>> Create(const Options& options,
                                                std::vector<ListenSpec> listeners, Handler handler,
                                                FailureEncoder failures = nullptr);
  virtual ~Server() = default;

  // "127.0.0.1:8080" of each listener in the order given, with the port that was chosen.
  virtual std::vector<std::string> addresses() const = 0;

  // Starts the io threads and returns.
  virtual void Start() = 0;

  // Accepts what is already in the listeners' queues, closes the listeners, and returns. From then
  // on every HTTP/1.1 answer ends its connection and HTTP/2 clients are told to go elsewhere, so
  // clients move to a successor without losing a request; idle connections stay until Stop. With
  // net.reuse_port new connections go to the successor first, and this call takes about 0.1 s: the
  // time in which handshakes under way come to their end.
  virtual void StopAccepting() = 0;

  // Stops accepting, lets running requests finish for up to `grace`, then cancels them; returns
  // when all threads are joined.
  virtual void Stop(std::chrono::milliseconds grace) = 0;

  // Any thread, at any time.
  virtual ServerStats Stats() const = 0;

  // Runs `task` on one of the io threads (background work of the server: drains, pollers).
  // Thread-safe.
  virtual void Spawn(Task<void> task) = 0;
};

}  // namespace strata::net
