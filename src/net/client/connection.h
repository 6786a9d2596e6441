#pragma once
// The client's side of one HTTP/1.1 connection. Only for .cc files: it needs Asio.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/internal/event.h"
#include "net/internal/input_buffer.h"
#include "net/internal/tls_context.h"
#include "net/internal/transport.h"
#include "net/url.h"

namespace strata::net {

// A request as it goes over the wire; kept alive while it is being written.
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

// Lives on the io thread of the coroutine that uses it. A call (BeginCall … EndCall) puts it under
// a deadline and a stop token: either closes the socket and makes the pending wait return its
// error. After an error it is of no further use.
class ClientConnection final : public TransportSink,
                               public std::enable_shared_from_this<ClientConnection> {
 public:
  explicit ClientConnection(boost::asio::any_io_executor executor);
  ~ClientConnection() override;

  void BeginCall(SteadyTime deadline, std::stop_token cancel);
  void EndCall();

  // Resolves, connects, shakes hands; within spec.timeout in all.
  Task<Result<>> Connect(ConnectSpec spec);

  // Starts to write; does not wait, so that an early answer can be read meanwhile.
  void StartWrite(std::shared_ptr<const OutMessage> message);

  // Waits for more input. True: there is some; false: the peer ended the stream in good order.
  Task<Result<bool>> ReadMore();
  InputBuffer& input() { return input_; }

  // Waits idle in a pool: reads, so that the peer's close is seen. False from usable() then.
  void BecomeIdle(SteadyTime now);
  bool usable() const { return !dead_ && !writing_ && input_.size() == 0; }
  const boost::asio::any_io_executor& executor() const { return executor_; }
  SteadyTime idle_since() const { return idle_since_; }
  bool interrupted() const { return interrupted_.has_value(); }
  bool writing() const { return writing_; }
  // A byte of an answer came since BeginCall.
  bool answered() const { return answered_; }

  void Close();
  // Destroys the coroutine that waits on this connection.
  void Abandon();

  void OnHandshake(ErrorCode error) override { Completed(error); }
  void OnRead(ErrorCode error, std::size_t bytes) override;
  void OnWritten(ErrorCode error) override;

 private:
  using Endpoints = std::vector<Tcp::endpoint>;
  void Interrupt(Error error);
  void ArmDeadline(SteadyTime deadline);
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

  boost::asio::any_io_executor executor_;
  Event event_;
  boost::asio::steady_timer deadline_timer_;
  boost::asio::steady_timer step_timer_;
  std::optional<std::stop_callback<std::function<void()>>> on_cancel_;
  std::optional<Tcp::socket> socket_;  // until it is connected
  Traffic traffic_;
  std::unique_ptr<Transport> transport_;
  std::shared_ptr<const OutMessage> message_;
  InputBuffer input_{16 * 1024};
  std::optional<Error> interrupted_;
  ErrorCode completion_;
  ErrorCode read_error_;
  Endpoints resolved_;
  std::string name_;  // "host:port", for messages
  SteadyTime idle_since_;
  std::uint64_t call_ = 0;  // tells a late deadline or cancel from this call's own
  std::uint64_t step_ = 0;
  bool step_timed_out_ = false;
  bool completed_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool dead_ = false;
  bool answered_ = false;
  bool in_call_ = false;
};

}  // namespace strata::net
