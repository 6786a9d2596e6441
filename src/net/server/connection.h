#pragma once
// What the server's io threads know of a connection, whatever protocol it speaks. Only for .cc
// files: it needs Asio.

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/clock.h"
#include "net/admission.h"
#include "net/internal/counter.h"
#include "net/internal/transport.h"
#include "net/server.h"
#include "net/server/connection_text.h"
#include "net/server/settings.h"

namespace strata::net {

class ServerConnection;

// What connections share with their io thread. `settings`, `open` and everything in it belong to
// that thread; the counters are written by it alone and read by any.
struct ConnectionHome {
  boost::asio::any_io_executor executor;
  ServerSettings settings;
  const Handler& handler;
  const FailureEncoder& failures;
  const Admission& admission;
  std::unordered_set<ServerConnection*> open = {};
  Counter accepted = {};
  Counter count = {};  // open.size()
  Counter requests = {};
  Counter in_flight = {};
  Traffic traffic = {};
  bool draining = false;      // connections end with their next answer
  bool closing_idle = false;  // and those that wait for a request end now
};

// A client that was accepted while the server was ending is heard this long.
inline constexpr std::chrono::milliseconds kFirstRequestTime{500};

enum class IdleConnections : std::uint8_t { kKeep, kClose };

// Lives on one io thread. Kept alive by its pending operations and its coroutines; registered in
// its home from construction to destruction.
class ServerConnection : public TransportSink,
                         public std::enable_shared_from_this<ServerConnection> {
 public:
  ServerConnection(ConnectionHome& home, std::unique_ptr<Transport> transport);
  ~ServerConnection() override;
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  // Starts to serve; `initial`: bytes already read.
  virtual void Begin(std::string initial) = 0;
  // Called a few times a second: time-outs.
  virtual void OnSweep(SteadyTime now) = 0;
  // Finish what runs, then close. kKeep: a request that still comes is answered as the last one.
  // kClose: only one that comes within kFirstRequestTime on a connection that had none yet is.
  virtual void Drain(IdleConnections idle) = 0;
  // Tell all handlers that their client is gone, and close.
  virtual void Cancel() = 0;
  // Called after the io threads ended: destroys coroutines that wait on this connection.
  virtual void Abandon() = 0;

 protected:
  // May be others at the next look: net::Server::Prepare.
  const ServerSettings& settings() const { return home_.settings; }
  ConnectionHome& home_;
  std::unique_ptr<Transport> transport_;
};

// What must have come after `time` at `rate` bytes a second.
inline std::size_t LeastBytes(std::size_t rate, SteadyTime::duration time) {
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  return rate * static_cast<std::size_t>(ms) / 1000;
}

// Takes a socket that was just accepted: shakes hands (TLS), finds out the protocol (ALPN, or the
// first bytes), and hands over to the connection that speaks it.
void BeginConnection(ConnectionHome& home, std::unique_ptr<Transport> transport);

std::shared_ptr<ServerConnection> MakeHttp1Connection(ConnectionHome& home,
                                                      std::unique_ptr<Transport> transport);
std::shared_ptr<ServerConnection> MakeHttp2Connection(ConnectionHome& home,
                                                      std::unique_ptr<Transport> transport);

// Whether the body of this request is taken in.
inline bool Admits(const ConnectionHome& home, const HttpRequest& head) {
  return !home.admission || home.admission(head);
}

// Runs the handler for one request. An exception is logged, and so is a handler that gives no
// answer; the caller then answers 500.
Task<void> RunHandler(ConnectionHome& home, HttpRequest& request, ResponseWriter& writer,
                      std::stop_token client_gone);

}  // namespace strata::net
