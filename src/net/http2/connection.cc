// The server's side of one HTTP/2 connection: feeds the session from the socket and the socket from
// the session, and runs one coroutine for each request.

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <unordered_map>

#include "base/log.h"
#include "net/http2/session.h"
#include "net/internal/event.h"
#include "net/server/connection.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;
using http2::StreamId;

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kWriteBytes = 64 * 1024;
// Writes made in one go before other connections get their turn.
constexpr int kWritesInARow = 8;
constexpr std::chrono::milliseconds kSecondGoAwayAfter{200};
constexpr std::chrono::seconds kLingerTime{2};

class Http2Connection;

// One request and its answer. Lives as long as its handler runs, which may be longer than the
// HTTP/2 stream.
class Http2Stream final : public ResponseWriter {
 public:
  Http2Stream(std::shared_ptr<Http2Connection> connection, StreamId id, HttpRequest request);

  Task<void> Run(ConnectionHome& home);
  void Drained() { event_.Notify(); }
  void Gone();
  void Abandon() { event_.Abandon(); }

  Task<Result<>> Send(int status, Headers headers, std::string body) override;
  Task<Result<>> Start(int status, Headers headers) override;
  Task<Result<>> Write(std::string_view bytes) override;
  Task<Result<>> Finish() override;
  Task<Result<>> FinishWith(std::string_view last) override;
  void Abort() override;
  bool started() const override { return started_; }

 private:
  // Until the session has taken what was offered.
  Task<Result<>> AwaitDrained();

  std::shared_ptr<Http2Connection> connection_;
  const StreamId id_;
  HttpRequest request_;
  std::stop_source client_gone_;
  Event event_;
  bool bodiless_ = false;
  bool started_ = false;
  bool finished_ = false;
  bool drained_ = true;
  bool gone_ = false;

  friend class Http2Connection;
};

class Http2Connection final : public ServerConnection, private http2::SessionEvents {
 public:
  Http2Connection(ConnectionHome& home, std::unique_ptr<Transport> transport);

  void Begin(std::string initial) override;
  void OnSweep(SteadyTime now) override;
  void Drain(IdleConnections idle) override;
  void Cancel() override { Close(); }
  void Abandon() override;

  void OnHandshake(ErrorCode) override {}
  void OnRead(ErrorCode error, std::size_t bytes) override;
  void OnWritten(ErrorCode error) override;

  http2::Session& session() { return *session_; }
  const boost::asio::any_io_executor& executor() const { return home_.executor; }
  // Sends what the session has, once the io thread is done with what it does now: frames of
  // several streams travel together.
  void FlushSoon();
  void HandlerEnded(StreamId id);

 private:
  using Streams = std::unordered_map<StreamId, std::shared_ptr<Http2Stream>>;

  void OnRequest(StreamId id, HttpRequest request) override;
  bool OnLongBody(const HttpRequest& head) override { return Admits(home_, head); }
  FailureAnswer OnFailure(const HttpRequest& request, int status,
                          std::string_view message) override {
    return AnswerFailure(home_.failures, request, status, message);
  }
  void OnDrained(StreamId id) override;
  void OnClosed(StreamId id, bool whole) override;
  void Feed(std::string_view bytes);
  void Read();
  void Flush();
  void EndWhenDone();
  void Close();
  std::shared_ptr<Http2Connection> Self() {
    return std::static_pointer_cast<Http2Connection>(shared_from_this());
  }

  std::unique_ptr<http2::Session> session_;
  std::unique_ptr<std::array<char, kReadBytes>> input_;
  std::string output_;
  std::string peer_;
  Streams handlers_;  // running; by stream
  SteadyTime idle_since_;
  SteadyTime drain_since_;
  SteadyTime shut_down_at_;
  bool writing_ = false;
  bool flush_posted_ = false;
  bool ending_ = false;  // nothing is read any more; what is left is sent, then the end
  bool shut_down_ = false;
  bool closed_ = false;
  bool draining_ = false;
  bool refusing_ = false;
};

Http2Stream::Http2Stream(std::shared_ptr<Http2Connection> connection, StreamId id,
                         HttpRequest request)
    : connection_(std::move(connection)),
      id_(id),
      request_(std::move(request)),
      event_(connection_->executor()),
      bodiless_(request_.method == "HEAD") {}

Task<void> Http2Stream::Run(ConnectionHome& home) {
  co_await RunHandler(home, request_, *this, client_gone_.get_token());
  if (!gone_ && !started_) {
    auto answer = AnswerFailure(home.failures, request_, 500, "internal error");
    (void)co_await Send(500, std::move(answer.headers), std::move(answer.body));
  } else if (!gone_ && !finished_) {
    Abort();
  }
  connection_->HandlerEnded(id_);
}

void Http2Stream::Gone() {
  gone_ = true;
  event_.Notify();
  // A handler whose answer has left may end its work in peace.
  if (!finished_ || !drained_) client_gone_.request_stop();
}

Task<Result<>> Http2Stream::AwaitDrained() {
  while (!drained_ && !gone_) co_await event_.Wait();
  if (gone_) co_return Fail(Code::kCancelled, "the client closed the stream");
  co_return Result<>{};
}

Task<Result<>> Http2Stream::Send(int status, Headers headers, std::string body) {
  if (started_) co_return Fail(Code::kInternal, "the answer was already started");
  if (gone_) co_return Fail(Code::kCancelled, "the client closed the stream");
  started_ = finished_ = true;
  drained_ = body.empty() || bodiless_ || status == 204 || status == 304;
  connection_->session().Respond(id_, status, headers, std::move(body));
  connection_->FlushSoon();
  co_return co_await AwaitDrained();
}

Task<Result<>> Http2Stream::Start(int status, Headers headers) {
  if (started_) co_return Fail(Code::kInternal, "the answer was already started");
  if (gone_) co_return Fail(Code::kCancelled, "the client closed the stream");
  started_ = true;
  bodiless_ |= status == 204 || status == 304;
  connection_->session().StartStream(id_, status, headers);
  connection_->FlushSoon();
  co_return Result<>{};
}

Task<Result<>> Http2Stream::Write(std::string_view bytes) {
  if (!started_ || finished_) co_return Fail(Code::kInternal, "the answer is not being streamed");
  if (gone_) co_return Fail(Code::kCancelled, "the client closed the stream");
  if (bytes.empty() || bodiless_) co_return Result<>{};
  drained_ = false;
  connection_->session().Offer(id_, bytes);
  connection_->FlushSoon();
  co_return co_await AwaitDrained();
}

Task<Result<>> Http2Stream::Finish() {
  if (!started_ || finished_) co_return Fail(Code::kInternal, "the answer is not being streamed");
  finished_ = true;
  if (gone_) co_return Fail(Code::kCancelled, "the client closed the stream");
  connection_->session().EndStream(id_);
  connection_->FlushSoon();
  co_return Result<>{};
}

Task<Result<>> Http2Stream::FinishWith(std::string_view last) {
  if (last.empty() || bodiless_ || !started_ || finished_ || gone_) co_return co_await Finish();
  finished_ = true;
  drained_ = false;
  connection_->session().Offer(id_, last);
  connection_->session().EndStream(id_);
  connection_->FlushSoon();
  co_return co_await AwaitDrained();
}

void Http2Stream::Abort() {
  finished_ = true;
  connection_->session().Reset(id_);
  connection_->FlushSoon();
}

http2::SessionLimits LimitsFrom(const ServerSettings& settings) {
  return {.streams_max = settings.http2_streams_max,
          .window_bytes = settings.http2_window_bytes,
          .header_bytes_max = settings.header_bytes_max,
          .body_bytes_max = settings.body_bytes_max,
          .resets_max = settings.http2_resets_max,
          .control_frames_max = settings.http2_control_frames_max};
}

Http2Connection::Http2Connection(ConnectionHome& home, std::unique_ptr<Transport> transport)
    : ServerConnection(home, std::move(transport)),
      session_(http2::Session::Create(LimitsFrom(settings()), *this)),
      input_(std::make_unique<std::array<char, kReadBytes>>()),
      peer_(transport_->peer()),
      idle_since_(std::chrono::steady_clock::now()) {}

void Http2Connection::Begin(std::string initial) {
  Feed(initial);
  Read();
  Flush();
}

void Http2Connection::Feed(std::string_view bytes) {
  if (!session_->Feed(bytes, std::chrono::steady_clock::now())) ending_ = true;
}

void Http2Connection::Read() {
  if (!closed_) transport_->StartRead(shared_from_this(), asio::buffer(*input_));
}

void Http2Connection::OnRead(ErrorCode error, std::size_t bytes) {
  if (error) return Close();
  // When the connection ends, input is read and dropped, so that the last frames are not lost to a
  // reset.
  if (!ending_) Feed({input_->data(), bytes});
  Read();
  Flush();
}

void Http2Connection::FlushSoon() {
  if (std::exchange(flush_posted_, true)) return;
  asio::post(home_.executor, [self = Self()] {
    self->flush_posted_ = false;
    self->Flush();
  });
}

void Http2Connection::Flush() {
  for (int i = 0; !writing_ && !closed_; ++i) {
    if (i == kWritesInARow) return FlushSoon();
    output_.clear();
    session_->Pull(output_, kWriteBytes);
    if (output_.empty()) return EndWhenDone();
    auto step = transport_->StartWrite(shared_from_this(),
                                       std::array{asio::const_buffer(asio::buffer(output_))});
    if (step == IoStep::kFailed) return Close();
    writing_ = step == IoStep::kPending;
  }
}

void Http2Connection::OnWritten(ErrorCode error) {
  writing_ = false;
  if (error) return Close();
  Flush();
}

// Everything is sent. Ends the connection if that was its end.
void Http2Connection::EndWhenDone() {
  bool drained = refusing_ && session_->open_streams() == 0;
  ending_ |= drained || session_->finished();
  if (!ending_ || std::exchange(shut_down_, true)) return;
  shut_down_at_ = std::chrono::steady_clock::now();
  for (auto& [id, stream] : Streams(handlers_)) stream->Gone();
  transport_->StartShutdown(shared_from_this());
}

void Http2Connection::OnRequest(StreamId id, HttpRequest request) {
  // Handlers of streams that were reset still run: they count, else resetting would be a way
  // around the limit of streams (CVE-2023-44487).
  if (handlers_.size() >= 2 * settings().http2_streams_max) return session_->Refuse(id);
  request.peer = peer_;
  request.scheme = transport_->secure() ? "https" : "http";
  auto stream = std::make_shared<Http2Stream>(Self(), id, std::move(request));
  handlers_[id] = stream;
  auto run = [](std::shared_ptr<Http2Stream> kept, ConnectionHome& home) -> Task<void> {
    co_await kept->Run(home);
  };
  asio::co_spawn(home_.executor, run(stream, home_), [](std::exception_ptr thrown) {
    if (thrown) Log(Level::kError, "net.connection_failed", {{"protocol", "h2"}});
  });
}

void Http2Connection::OnDrained(StreamId id) {
  auto at = handlers_.find(id);
  if (at == handlers_.end()) return;
  at->second->drained_ = true;
  at->second->Drained();
}

void Http2Connection::OnClosed(StreamId id, bool whole) {
  idle_since_ = std::chrono::steady_clock::now();
  auto at = handlers_.find(id);
  if (at == handlers_.end() || whole) return;
  auto stream = at->second;
  stream->Gone();
}

void Http2Connection::HandlerEnded(StreamId id) {
  handlers_.erase(id);
  if (refusing_) FlushSoon();
}

void Http2Connection::OnSweep(SteadyTime now) {
  if (closed_) return;
  if (ending_) {
    if ((shut_down_ && now - shut_down_at_ > kLingerTime) ||
        (writing_ && now - transport_->last_write_progress() > kLingerTime))
      Close();
    return;
  }
  if (writing_ && now - transport_->last_write_progress() > settings().write_timeout) {
    return Close();
  }
  session_->ExpireRequests(now, settings().body_timeout, settings().body_rate_min);
  session_->ExpireAnswers(now - settings().write_timeout);
  bool idle = session_->open_streams() == 0 && handlers_.empty();
  if (idle && now - idle_since_ > settings().idle_timeout) Drain(IdleConnections::kClose);
  if (draining_ && !refusing_ && now - drain_since_ > kSecondGoAwayAfter) {
    refusing_ = true;
    session_->RefuseNewStreams();
  }
  Flush();
}

void Http2Connection::Drain(IdleConnections) {
  if (std::exchange(draining_, true)) return;
  drain_since_ = std::chrono::steady_clock::now();
  session_->AnnounceEnd();
  FlushSoon();
}

void Http2Connection::Close() {
  if (std::exchange(closed_, true)) return;
  transport_->Close();
  // Handlers end by themselves once they see that their client is gone.
  for (auto& [id, stream] : Streams(handlers_)) stream->Gone();
}

void Http2Connection::Abandon() {
  auto self = shared_from_this();
  for (auto& [id, stream] : std::exchange(handlers_, {})) stream->Abandon();
}

}  // namespace

std::shared_ptr<ServerConnection> MakeHttp2Connection(ConnectionHome& home,
                                                      std::unique_ptr<Transport> transport) {
  return std::make_shared<Http2Connection>(home, std::move(transport));
}

}  // namespace strata::net
