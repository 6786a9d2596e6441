// The server's side of one HTTP/1.1 connection: a coroutine that takes request after request, and
// callbacks that keep one read pending all the time, so that a client that leaves is seen at once.

#include <fmt/format.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <charconv>
#include <optional>

#include "base/log.h"
#include "net/http1/head_writer.h"
#include "net/http1/request_parser.h"
#include "net/internal/coarse_clock.h"
#include "net/internal/event.h"
#include "net/internal/input_buffer.h"
#include "net/server/connection.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;
using http1::Failure;
using http1::RequestParser;

constexpr std::size_t kBodyReadBytes = 256 * 1024;
// Bytes of pipelined requests that are held while a handler runs; at the limit nothing is read.
constexpr std::size_t kPipelinedBytesMax = 64 * 1024;
// After an answer that closes, input is read and dropped for a while: closing at once would reset
// the connection and could destroy the answer on its way.
constexpr std::chrono::seconds kLingerTime{2};

class Http1Connection final : public ServerConnection, private ResponseWriter {
 public:
  Http1Connection(ConnectionHome& home, std::unique_ptr<Transport> transport)
      : ServerConnection(home, std::move(transport)),
        event_(home.executor),
        parser_(Limits()),
        peer_(transport_->peer()) {}

  void Begin(std::string initial) override;
  void OnSweep(SteadyTime now) override;
  void Drain(IdleConnections idle) override;
  void Cancel() override { Gone(); }
  void Abandon() override {
    auto self = shared_from_this();
    event_.Abandon();
  }

  void OnHandshake(ErrorCode) override {}
  void OnRead(ErrorCode error, std::size_t bytes) override;
  void OnWritten(ErrorCode error) override;

 private:
  http1::ParserLimits Limits() const {
    return {.header_bytes_max = settings().header_bytes_max,
            .body_bytes_max = settings().body_bytes_max};
  }
  enum class Phase : std::uint8_t { kIdle, kHead, kBody, kHandling, kLingering, kClosed };
  using Self = std::shared_ptr<Http1Connection>;
  using Piece = asio::const_buffer;
  using Pieces = std::array<Piece, kWritePiecesMax>;

  // Reading.
  Task<void> Serve(Self self);
  Task<bool> AwaitRequest();
  bool NeedsAttention();
  bool BodyIsTooSlow(SteadyTime now) const;
  void Advance();
  void PumpRead();
  void SetPhase(Phase phase);

  // Answering.
  void BeginAnswer(HttpRequest& request);
  Task<Result<>> Send(int status, Headers headers, std::string body) override;
  Task<Result<>> Start(int status, Headers headers) override;
  Task<Result<>> Write(std::string_view bytes) override;
  Task<Result<>> Finish() override;
  Task<Result<>> FinishWith(std::string_view last) override;
  void Abort() override { Gone(); }
  bool started() const override { return answer_.started; }
  void BeginHead(int status, const Headers& headers, std::optional<std::size_t> body_bytes);
  void StartPieces(const Pieces& pieces);
  Result<> Written() const;
  Piece TakeHead();
  Piece ChunkLine(std::size_t bytes);
  void FlushHead();
  Task<Result<>> SendFailure(Failure failure, const HttpRequest& request);

  // Ending.
  Task<void> Goodbye();
  void Linger();
  void Gone();

  struct AnswerState {
    bool started = false;
    bool finished = false;
    bool bodiless = false;      // HEAD, 204, 304: body bytes are dropped
    bool chunked = false;       // else the body ends with the connection (HTTP/1.0)
    bool head_pending = false;  // the head waits in head_ to travel with the first bytes
  };

  Event event_;  // wakes Serve, wherever it waits
  RequestParser parser_;
  InputBuffer input_{8 * 1024};
  std::string peer_;
  std::string head_;
  std::array<char, 20> chunk_line_{};
  AnswerState answer_;
  std::stop_source client_gone_;
  std::optional<Failure> failure_;
  SteadyTime since_;  // of the phase; in kBody and kLingering: of the last byte or of its start
  SteadyTime body_since_;
  Phase phase_ = Phase::kIdle;
  bool reading_ = false;
  bool reading_body_ = false;  // the pending read goes straight into the body
  bool writing_ = false;
  bool gone_ = false;
  bool draining_ = false;
  bool close_idle_ = false;
  bool refused_ = false;  // the request is answered without its body, and is the last one
  bool served_ = false;   // had a request
  bool head_request_ = false;
  bool http10_ = false;
  bool keep_alive_ = true;
};

void Http1Connection::Begin(std::string initial) {
  input_.Assign(std::move(initial));
  auto self = std::static_pointer_cast<Http1Connection>(shared_from_this());
  asio::co_spawn(home_.executor, Serve(self), [](const std::exception_ptr& thrown) {
    if (thrown) Log(Level::kError, "net.connection_failed", {{"protocol", "http/1.1"}});
  });
}

Task<void> Http1Connection::Serve([[maybe_unused]] Self self) {
  while (co_await AwaitRequest()) {
    auto request = parser_.Take();
    if (refused_) request.body.clear();
    BeginAnswer(request);
    co_await RunHandler(home_, request, *this, client_gone_.get_token());
    if (gone_) break;
    if (!answer_.started) {
      co_await SendFailure({500, "internal error"}, request);
    } else if (!answer_.finished) {
      Gone();  // an answer cut short must not look whole
    }
    if (gone_ || !keep_alive_) break;
  }
  co_await Goodbye();
}

void Http1Connection::SetPhase(Phase phase) {
  phase_ = phase;
  since_ = CoarseNow();
}

// True: a complete request is in the parser. False: the connection ends, failure_ says how.
Task<bool> Http1Connection::AwaitRequest() {
  SetPhase(Phase::kIdle);
  Advance();
  while (!gone_ && !failure_) {
    if (refused_ || parser_.state() == RequestParser::State::kComplete) {
      keep_alive_ = parser_.keep_alive() && !draining_ && !parser_.http10() && !refused_;
      http10_ = parser_.http10();
      served_ = true;
      SetPhase(Phase::kHandling);
      PumpRead();
      co_return true;
    }
    if (close_idle_ && served_ && phase_ == Phase::kIdle) co_return false;
    if (parser_.TakeExpectsContinue()) {
      constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      while (writing_) co_await event_.Wait();
      StartPieces({asio::buffer(kContinue)});
      while (writing_) co_await event_.Wait();
      if (gone_) co_return false;
    }
    PumpRead();
    co_await event_.Wait();
  }
  co_return false;
}

// Lets the parser take what has come.
void Http1Connection::Advance() {
  auto bytes = input_.view();
  if (bytes.empty()) return;
  if (phase_ == Phase::kIdle) {
    parser_.SetLimits(Limits());
    SetPhase(Phase::kHead);
  }
  auto state = parser_.Feed(bytes);
  input_.ShrinkTo(bytes);
  if (state == RequestParser::State::kFailed) failure_ = parser_.failure();
  if (parser_.NeedsAdmission()) {
    refused_ = !Admits(home_, parser_.request());
    parser_.Admit();
  }
  if (state != RequestParser::State::kBody) return;
  bool first = phase_ != Phase::kBody;
  SetPhase(Phase::kBody);
  if (first) body_since_ = since_;
}

bool Http1Connection::NeedsAttention() {
  return failure_ || refused_ || parser_.state() == RequestParser::State::kComplete ||
         parser_.expects_continue();
}

void Http1Connection::PumpRead() {
  if (reading_ || gone_) return;
  bool waiting = phase_ != Phase::kHandling && phase_ != Phase::kLingering;
  if (!waiting && input_.size() >= kPipelinedBytesMax) return;
  auto room = waiting && input_.size() == 0 ? parser_.BodyRoom() : std::span<char>();
  reading_ = true;
  reading_body_ = !room.empty();
  auto into = reading_body_ ? asio::buffer(room.data(), std::min(room.size(), kBodyReadBytes))
                            : input_.Room();
  transport_->StartRead(shared_from_this(), into);
}

void Http1Connection::OnRead(ErrorCode error, std::size_t bytes) {
  reading_ = false;
  if (gone_) return;
  if (error) return Gone();
  if (phase_ == Phase::kLingering) {
    input_.Clear();
    return PumpRead();
  }
  if (reading_body_) {
    parser_.BodyFilled(bytes);
    since_ = CoarseNow();
  } else {
    input_.Filled(bytes);
    if (phase_ != Phase::kHandling) Advance();
  }
  if (phase_ != Phase::kHandling && NeedsAttention()) return event_.NotifyNow();
  PumpRead();
}

bool Http1Connection::BodyIsTooSlow(SteadyTime now) const {
  return now - body_since_ > settings().body_timeout &&
         parser_.body_size() < LeastBytes(settings().body_rate_min, now - body_since_);
}

void Http1Connection::OnSweep(SteadyTime now) {
  auto expired = [&](std::chrono::milliseconds limit) { return now - since_ > limit; };
  switch (phase_) {
    case Phase::kIdle:
      if (expired(close_idle_ ? kFirstRequestTime : settings().idle_timeout)) Gone();
      break;
    case Phase::kHead:
    case Phase::kBody:
      if (!failure_ &&
          (expired(phase_ == Phase::kHead ? settings().header_timeout : settings().body_timeout) ||
           (phase_ == Phase::kBody && BodyIsTooSlow(now)))) {
        failure_ = Failure{408, "the request did not arrive in time"};
        event_.Notify();
      }
      break;
    case Phase::kHandling:
      if (writing_ && now - transport_->last_write_progress() > settings().write_timeout) Gone();
      break;
    case Phase::kLingering:
      if (expired(kLingerTime)) Gone();
      break;
    case Phase::kClosed:
      break;
  }
}

void Http1Connection::Drain(IdleConnections idle) {
  draining_ = true;
  close_idle_ |= idle == IdleConnections::kClose;
  if (phase_ == Phase::kIdle) event_.Notify();
}

void Http1Connection::BeginAnswer(HttpRequest& request) {
  request.scheme = transport_->secure() ? "https" : "http";
  request.version = HttpVersion::kHttp11;
  request.peer = peer_;
  head_request_ = request.method == "HEAD";
  answer_ = {};
}

void Http1Connection::BeginHead(int status, const Headers& headers,
                                std::optional<std::size_t> body_bytes) {
  if (draining_) keep_alive_ = false;
  answer_.started = true;
  answer_.bodiless = head_request_ || status == 204 || status == 304;
  answer_.chunked = !body_bytes && !http10_;
  answer_.head_pending = true;
  http1::HeadSpec spec{.status = status,
                       .date = HttpDate(),
                       .content_length = body_bytes,
                       .chunked = answer_.chunked,
                       .keep_alive = keep_alive_};
  http1::WriteResponseHead(spec, headers, head_);
}

Http1Connection::Piece Http1Connection::TakeHead() {
  return std::exchange(answer_.head_pending, false) ? Piece(asio::buffer(head_)) : Piece();
}

// Begins to write all pieces together, when no write is under way; they stay untouched for as long
// as one is. Callers wait for both themselves: most writes are done at once, and a coroutine of its
// own would cost more than it does.
void Http1Connection::StartPieces(const Pieces& pieces) {
  if (gone_) return;
  auto step = transport_->StartWrite(shared_from_this(), pieces);
  if (step == IoStep::kFailed) Gone();
  writing_ = step == IoStep::kPending;
}

Result<> Http1Connection::Written() const {
  if (gone_) return Fail(Code::kCancelled, "the client closed the connection");
  return {};
}

void Http1Connection::OnWritten(ErrorCode error) {
  writing_ = false;
  if (error && !gone_) Gone();
  event_.NotifyNow();
}

Task<Result<>> Http1Connection::Send(int status, Headers headers, std::string body) {
  if (answer_.started) co_return Fail(Code::kInternal, "the answer was already started");
  BeginHead(status, headers, body.size());
  answer_.finished = true;
  while (writing_) co_await event_.Wait();
  StartPieces({TakeHead(), answer_.bodiless ? Piece() : Piece(asio::buffer(body))});
  while (writing_) co_await event_.Wait();
  co_return Written();
}

// The head leaves with the first bytes when they are written before the io thread is free again,
// else at once when it is.
Task<Result<>> Http1Connection::Start(int status, Headers headers) {
  if (answer_.started) co_return Fail(Code::kInternal, "the answer was already started");
  if (gone_) co_return Fail(Code::kCancelled, "the client closed the connection");
  BeginHead(status, headers, std::nullopt);
  asio::post(home_.executor, [self = std::static_pointer_cast<Http1Connection>(
                                  shared_from_this())] { self->FlushHead(); });
  co_return Result<>{};
}

void Http1Connection::FlushHead() {
  if (!answer_.head_pending || writing_ || gone_) return;
  auto step = transport_->StartWrite(shared_from_this(), std::array{TakeHead()});
  if (step == IoStep::kFailed) return Gone();
  writing_ = step == IoStep::kPending;
}

Task<Result<>> Http1Connection::Write(std::string_view bytes) {
  if (!answer_.started || answer_.finished) {
    co_return Fail(Code::kInternal, "the answer is not being streamed");
  }
  if (gone_) co_return Fail(Code::kCancelled, "the client closed the connection");
  if (bytes.empty() || answer_.bodiless) co_return Result<>{};
  while (writing_) co_await event_.Wait();  // chunk_line_ is in use until then
  StartPieces(answer_.chunked ? Pieces{TakeHead(), ChunkLine(bytes.size()), asio::buffer(bytes),
                                       asio::buffer("\r\n", 2)}
                              : Pieces{TakeHead(), asio::buffer(bytes)});
  while (writing_) co_await event_.Wait();
  co_return Written();
}

Http1Connection::Piece Http1Connection::ChunkLine(std::size_t bytes) {
  auto* end = std::to_chars(chunk_line_.data(), chunk_line_.data() + 16, bytes, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return asio::buffer(chunk_line_.data(), static_cast<std::size_t>(end - chunk_line_.data()));
}

Task<Result<>> Http1Connection::FinishWith(std::string_view last) {
  if (last.empty() || answer_.bodiless || !answer_.started || answer_.finished) {
    co_return co_await Finish();
  }
  while (writing_) co_await event_.Wait();
  if (gone_) co_return Fail(Code::kCancelled, "the client closed the connection");
  answer_.finished = true;
  StartPieces(answer_.chunked ? Pieces{TakeHead(), ChunkLine(last.size()), asio::buffer(last),
                                       asio::buffer("\r\n0\r\n\r\n", 7)}
                              : Pieces{TakeHead(), asio::buffer(last)});
  while (writing_) co_await event_.Wait();
  co_return Written();
}

Task<Result<>> Http1Connection::Finish() {
  if (!answer_.started || answer_.finished) {
    co_return Fail(Code::kInternal, "the answer is not being streamed");
  }
  answer_.finished = true;
  bool last_chunk = answer_.chunked && !answer_.bodiless;
  while (writing_) co_await event_.Wait();
  StartPieces({TakeHead(), last_chunk ? asio::buffer("0\r\n\r\n", 5) : Piece()});
  while (writing_) co_await event_.Wait();
  co_return Written();
}

Task<Result<>> Http1Connection::SendFailure(Failure failure, const HttpRequest& request) {
  auto answer = AnswerFailure(home_.failures, request, failure.status, failure.message);
  co_return co_await Send(failure.status, std::move(answer.headers), std::move(answer.body));
}

Task<void> Http1Connection::Goodbye() {
  if (gone_) co_return;
  SetPhase(Phase::kHandling);  // only the write time-out applies
  keep_alive_ = false;
  if (failure_) {
    answer_ = {};
    head_request_ = false;
    co_await SendFailure(*failure_, parser_.request());
  }
  if (!gone_) Linger();
}

// Kept alive by the pending read from here on; ends with the peer's close or the time-out.
void Http1Connection::Linger() {
  SetPhase(Phase::kLingering);
  transport_->StartShutdown(shared_from_this());
  input_.Clear();
  PumpRead();
}

void Http1Connection::Gone() {
  if (gone_) return;
  gone_ = true;
  // A handler whose answer has left may end its work in peace.
  bool answered = phase_ == Phase::kHandling && answer_.finished && !writing_;
  phase_ = Phase::kClosed;
  transport_->Close();
  if (!answered) client_gone_.request_stop();
  event_.Notify();
}

}  // namespace

std::shared_ptr<ServerConnection> MakeHttp1Connection(ConnectionHome& home,
                                                      std::unique_ptr<Transport> transport) {
  return std::make_shared<Http1Connection>(home, std::move(transport));
}

}  // namespace strata::net
