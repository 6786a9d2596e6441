#pragma once
// The client's side of one HTTP/2 connection: the calls of one io thread to one server share it.
// Only for .cc files: it needs Asio.

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <unordered_map>

#include "net/client/call_guard.h"
#include "net/client/connection.h"
#include "net/http2/client_session.h"

namespace strata::net {

class Http2Upstream;

// One call over it. The connection keeps it until its stream has ended.
class Http2Exchange final : public CallGuard {
 public:
  Http2Exchange(std::shared_ptr<Http2Upstream> upstream, std::shared_ptr<const OutMessage> message);

  Task<Result<>> AwaitHead();
  // See ClientResponse::Read.
  Task<Result<std::string_view>> Read();
  // See ClientResponse::TryFinish.
  bool TryFinish();
  // Nobody reads any more: resets the stream unless it has ended.
  void Leave();

  int status() const { return status_; }
  const Headers& headers() const { return headers_; }
  // The call failed, and no byte of it has been acted upon.
  bool may_be_sent_again() const { return ended_ && unseen_; }

 private:
  friend class Http2Upstream;
  void OnInterrupted() override { Leave(); }
  Result<> EndResult() const;

  std::shared_ptr<Http2Upstream> upstream_;
  std::shared_ptr<const OutMessage> message_;
  http2::StreamId stream_ = 0;
  int status_ = 0;
  Headers headers_;
  std::string inbox_;    // came and was not yet read
  std::string reading_;  // what the last Read returned
  std::string failure_;  // with ended_: why the answer is not whole
  std::uint64_t inputs_before_ = 0;
  SteadyTime sent_at_;
  bool ended_ = false;
  bool unseen_ = false;
};

struct Http2Settings {
  http2::ClientLimits limits;
  // With calls open and nothing heard for this time the server is pinged; after as much again
  // without an answer the connection is given up. Zero: never.
  std::chrono::milliseconds ping_after{20'000};
  std::chrono::milliseconds idle_timeout{60'000};
};

// Lives on one io thread.
class Http2Upstream final : public TransportSink,
                            public std::enable_shared_from_this<Http2Upstream>,
                            private http2::ClientEvents {
 public:
  // `dialed` is connected and lends its transport.
  Http2Upstream(std::shared_ptr<ClientConnection> dialed, const Http2Settings& settings);

  void Begin();
  // Sends a request under `deadline` and `cancel`. Only when has_room().
  std::shared_ptr<Http2Exchange> Start(const http2::ClientSession::Fields& fields,
                                       std::shared_ptr<const OutMessage> message,
                                       SteadyTime deadline, std::stop_token cancel);
  bool has_room() const { return !closed_ && session_->has_room(); }
  bool closed() const { return closed_; }
  const http2::ClientSession& session() const { return *session_; }
  void Close(std::string_view why);
  void Abandon();

  void OnHandshake(ErrorCode) override {}
  void OnRead(ErrorCode error, std::size_t bytes) override;
  void OnWritten(ErrorCode error) override;

 private:
  friend class Http2Exchange;
  void OnHead(http2::StreamId stream, int status, Headers headers) override;
  void OnData(http2::StreamId stream, std::string_view bytes) override;
  void OnEnd(http2::StreamId stream, http2::StreamEnd end, std::string_view why) override;

  void Consumed(http2::StreamId stream, std::size_t bytes);
  void Cancel(http2::StreamId stream);
  void FlushSoon();
  void Flush();
  void Sweep();
  void ArmSweep();

  std::shared_ptr<ClientConnection> dialed_;
  Http2Settings settings_;
  std::unique_ptr<http2::ClientSession> session_;
  std::unordered_map<http2::StreamId, std::shared_ptr<Http2Exchange>> exchanges_;
  boost::asio::steady_timer sweep_;
  std::string input_;
  std::string output_;
  SteadyTime heard_;
  SteadyTime pinged_{};  // zero: no answer is awaited
  SteadyTime idle_since_;
  std::uint64_t inputs_ = 0;
  bool writing_ = false;
  bool flush_posted_ = false;
  bool ending_ = false;  // what the session still has is sent, then the connection closes
  bool closed_ = false;
};

}  // namespace strata::net
