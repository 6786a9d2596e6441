#pragma once
// The client's side of one HTTP/1.1 connection. Only for .cc files: it needs Asio.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/client/call_guard.h"
#include "net/internal/input_buffer.h"
#include "net/internal/tls_context.h"
#include "net/internal/transport.h"
#include "net/url.h"

namespace strata::net {

// How soon a server's close that crossed a request is seen: within a round trip, of which the
// time to connect is one. Later it may have worked on the request, and sending that again could do
// and bill it twice.
std::chrono::milliseconds StaleSeenWithin(std::chrono::steady_clock::duration round_trip);

// A request as HTTP/1.1 sends it; kept alive while it is being written.
struct OutMessage {
  std::string head;
  std::string body;
};

struct ConnectSpec {
  Url url;
  bool allow_private = false;
  std::chrono::milliseconds timeout{10'000};
  TlsContext tls;
};

// Lives on the io thread of the coroutine that uses it. What interrupts its call closes the socket
// and makes the pending wait return the reason. After an error it is of no further use.
class ClientConnection final : public TransportSink, public CallGuard {
 public:
  explicit ClientConnection(boost::asio::any_io_executor executor);

  // Resolves, connects, shakes hands; within spec.timeout in all.
  Task<Result<>> Connect(ConnectSpec spec);
  // After Connect. One that speaks HTTP/2 over it keeps this object.
  Transport& transport() { return *transport_; }

  // Starts to write; does not wait, so that an early answer can be read meanwhile.
  void StartWrite(std::shared_ptr<const OutMessage> message);

  // Asks for more input; while awaits_input() wait on event(), then take InputCame: true, there is
  // some; false: the peer ended the stream in good order. Three steps, and no coroutine of their
  // own, as every answer takes them.
  void AskForInput() { StartRead(); }
  bool awaits_input() const { return reading_ && !interrupted(); }
  Result<bool> InputCame() const;
  InputBuffer& input() { return input_; }

  // Waits idle in a pool: reads, so that the peer's close is seen. False from usable() then.
  void BecomeIdle(SteadyTime now);
  bool usable() const { return !dead_ && !writing_ && input_.size() == 0; }
  SteadyTime idle_since() const { return idle_since_; }
  bool writing() const { return writing_; }
  // It ended without a byte of an answer, so soon after StartWrite that the server must have closed
  // it before it saw the request.
  bool went_stale() const;
  std::chrono::steady_clock::duration round_trip() const { return round_trip_; }

  void Close();
  void Abandon() override;

  void OnHandshake(ErrorCode error) override { Completed(error); }
  void OnRead(ErrorCode error, std::size_t bytes) override;
  void OnWritten(ErrorCode error) override;

 private:
  using Endpoints = std::vector<Tcp::endpoint>;
  enum class NextRead : std::uint8_t { kFirst, kSecond, kLater };  // of an answer
  void OnInterrupted() override { Close(); }
  std::shared_ptr<ClientConnection> Self() {
    return std::static_pointer_cast<ClientConnection>(shared_from_this());
  }
  void Completed(ErrorCode error);
  // Waits for Completed of the operation just started.
  Task<Result<>> AwaitCompletion(std::string_view what);
  Task<Result<Endpoints>> Resolve(const Url& url);
  Task<Result<>> ConnectAny(const Endpoints& endpoints, std::chrono::milliseconds timeout);
  Task<Result<>> ConnectOne(Tcp::endpoint endpoint, std::chrono::milliseconds timeout);
  Task<Result<>> Handshake(const ConnectSpec& spec);
  void StartStep(std::chrono::milliseconds limit);
  bool EndStep();  // true: the time was up
  void StartRead();
  void ReadOn();

  boost::asio::steady_timer step_timer_;
  std::optional<Tcp::socket> socket_;  // until it is connected
  Traffic traffic_;
  std::unique_ptr<Transport> transport_;
  std::shared_ptr<const OutMessage> message_;
  InputBuffer input_{16 * 1024};
  ErrorCode completion_;
  ErrorCode read_error_;
  Endpoints resolved_;
  std::string name_;  // "host:port", for messages
  SteadyTime idle_since_;
  SteadyTime sent_at_;
  std::chrono::steady_clock::duration round_trip_{0};  // of TCP's handshake
  std::uint64_t step_ = 0;
  NextRead next_read_ = NextRead::kFirst;
  bool step_timed_out_ = false;
  bool completed_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool dead_ = false;
  bool answered_ = false;
};

}  // namespace strata::net
