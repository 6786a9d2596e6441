#include "net/client/http2_upstream.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/post.hpp>

namespace strata::net {
namespace {

namespace asio = boost::asio;
using http2::StreamEnd;
using http2::StreamId;

constexpr std::size_t kReadBytes = 32 * 1024;
constexpr std::size_t kWriteBytes = 64 * 1024;
constexpr std::chrono::milliseconds kSweepAtMost{1000};
// An inbox that grew beyond this gives its memory back once it has been read.
constexpr std::size_t kInboxKept = 32 * 1024;

}  // namespace

Http2Exchange::Http2Exchange(std::shared_ptr<Http2Upstream> upstream,
                             std::shared_ptr<const OutMessage> message)
    : CallGuard(upstream->dialed_->executor()),
      upstream_(std::move(upstream)),
      message_(std::move(message)) {}

Result<> Http2Exchange::EndResult() const {
  if (interrupted()) return std::unexpected(*interrupted());
  if (ended_ && !failure_.empty()) return Fail(Code::kUnavailable, failure_);
  return {};
}

Task<Result<>> Http2Exchange::AwaitHead() {
  while (status_ == 0 && !ended_ && !interrupted()) co_await event().Wait();
  if (status_ != 0 && !interrupted()) co_return Result<>{};
  co_return EndResult();
}

Task<Result<std::string_view>> Http2Exchange::Read() {
  while (inbox_.empty() && !ended_ && !interrupted()) co_await event().Wait();
  if (interrupted()) co_return std::unexpected(*interrupted());
  if (inbox_.empty()) {
    STRATA_CO_CHECK_OK(EndResult());
    EndCall();
    co_return std::string_view();
  }
  if (reading_.capacity() > kInboxKept) reading_ = {};
  reading_.clear();
  std::swap(reading_, inbox_);
  upstream_->Consumed(stream_, reading_.size());
  co_return std::string_view(reading_);
}

bool Http2Exchange::TryFinish() {
  if (!ended_ || !failure_.empty() || !inbox_.empty() || interrupted()) return false;
  EndCall();
  return true;
}

void Http2Exchange::Leave() {
  EndCall();
  if (std::exchange(ended_, true)) return;
  upstream_->Cancel(stream_);
}

Http2Upstream::Http2Upstream(std::shared_ptr<ClientConnection> dialed,
                             const Http2Settings& settings)
    : dialed_(std::move(dialed)),
      settings_(settings),
      session_(http2::ClientSession::Create(settings.limits, *this)),
      sweep_(dialed_->executor()),
      input_(kReadBytes, '\0'),
      heard_(std::chrono::steady_clock::now()),
      idle_since_(heard_) {}

void Http2Upstream::Begin() {
  dialed_->transport().StartRead(shared_from_this(), asio::buffer(input_));
  FlushSoon();
  ArmSweep();
}

std::shared_ptr<Http2Exchange> Http2Upstream::Start(const http2::ClientSession::Fields& fields,
                                                    std::shared_ptr<const OutMessage> message,
                                                    SteadyTime deadline, std::stop_token cancel) {
  auto exchange = std::make_shared<Http2Exchange>(shared_from_this(), std::move(message));
  exchange->stream_ = session_->Request(fields, exchange->message_->body);
  // On a connection that has just been made nothing is stale.
  exchange->inputs_before_ = inputs_ == 0 ? ~std::uint64_t{0} : inputs_;
  if (exchange->stream_ == 0) {
    exchange->ended_ = exchange->unseen_ = true;
    exchange->failure_ = "the HTTP/2 connection takes no more requests";
    return exchange;
  }
  exchange->sent_at_ = std::chrono::steady_clock::now();
  if (exchanges_.empty()) heard_ = exchange->sent_at_;
  exchanges_[exchange->stream_] = exchange;
  exchange->BeginCall(deadline, std::move(cancel));
  FlushSoon();
  return exchange;
}

void Http2Upstream::OnHead(StreamId stream, int status, Headers headers) {
  auto at = exchanges_.find(stream);
  if (at == exchanges_.end()) return;
  at->second->status_ = status;
  at->second->headers_ = std::move(headers);
  at->second->event().Notify();
}

void Http2Upstream::OnData(StreamId stream, std::string_view bytes) {
  auto at = exchanges_.find(stream);
  if (at == exchanges_.end()) return;
  at->second->inbox_.append(bytes);
  at->second->event().Notify();
}

void Http2Upstream::OnEnd(StreamId stream, StreamEnd end, std::string_view why) {
  auto at = exchanges_.find(stream);
  if (at == exchanges_.end()) return;
  auto exchange = std::move(at->second);
  exchanges_.erase(at);
  if (exchanges_.empty()) idle_since_ = std::chrono::steady_clock::now();
  exchange->ended_ = true;
  exchange->unseen_ = end == StreamEnd::kRefused;
  if (end == StreamEnd::kMalformed) {
    exchange->failure_ = fmt::format("the upstream's answer is malformed: {}", why);
  } else if (end != StreamEnd::kWhole) {
    exchange->failure_ = fmt::format("the upstream ended its answer early: {}", why);
  }
  exchange->event().Notify();
}

void Http2Upstream::Consumed(StreamId stream, std::size_t bytes) {
  if (closed_) return;
  session_->Consumed(stream, bytes);
  FlushSoon();
}

void Http2Upstream::Cancel(StreamId stream) {
  auto at = exchanges_.find(stream);
  if (at == exchanges_.end()) return;
  auto exchange = std::move(at->second);
  exchanges_.erase(at);
  if (exchanges_.empty()) idle_since_ = std::chrono::steady_clock::now();
  session_->Cancel(stream);
  // What nobody will read counts against the connection's window no longer.
  session_->Consumed(stream, exchange->inbox_.size());
  FlushSoon();
}

void Http2Upstream::OnRead(ErrorCode error, std::size_t bytes) {
  if (closed_) return;
  if (error) return Close(error == asio::error::eof ? "the server closed it" : error.message());
  heard_ = std::chrono::steady_clock::now();
  pinged_ = {};
  ++inputs_;
  if (!session_->Feed(std::string_view(input_.data(), bytes), heard_)) ending_ = true;
  if (!ending_) dialed_->transport().StartRead(shared_from_this(), asio::buffer(input_));
  Flush();
}

void Http2Upstream::FlushSoon() {
  if (closed_ || std::exchange(flush_posted_, true)) return;
  asio::post(dialed_->executor(), [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->Flush();
  });
}

void Http2Upstream::Flush() {
  while (!writing_ && !closed_) {
    output_.clear();
    session_->Pull(output_, kWriteBytes);
    if (output_.empty()) break;
    auto step = dialed_->transport().StartWrite(
        shared_from_this(), std::array{asio::const_buffer(asio::buffer(output_))});
    if (step == IoStep::kFailed) return Close("it broke while it was written to");
    writing_ = step == IoStep::kPending;
  }
  bool done = ending_ || (session_->closing() && exchanges_.empty());
  if (done && !writing_) Close("the server ended it");
}

void Http2Upstream::OnWritten(ErrorCode error) {
  writing_ = false;
  if (closed_) return;
  if (error) return Close(error.message());
  Flush();
}

void Http2Upstream::Close(std::string_view why) {
  if (std::exchange(closed_, true)) return;
  auto self = shared_from_this();
  sweep_.cancel();
  dialed_->Close();
  auto now = std::chrono::steady_clock::now();
  auto exchanges = std::move(exchanges_);
  exchanges_.clear();
  for (auto& [id, exchange] : exchanges) {
    exchange->ended_ = true;
    exchange->failure_ = fmt::format("the HTTP/2 connection to the upstream ended: {}", why);
    // A kept connection that had ended before it heard of this call.
    exchange->unseen_ = exchange->inputs_before_ == inputs_ &&
                        now - exchange->sent_at_ < StaleSeenWithin(dialed_->round_trip());
    exchange->event().Notify();
  }
}

void Http2Upstream::Abandon() {
  auto self = shared_from_this();
  closed_ = true;
  dialed_->Abandon();
  for (auto& [id, exchange] : std::exchange(exchanges_, {})) exchange->Abandon();
}

void Http2Upstream::ArmSweep() {
  auto every = kSweepAtMost;
  if (settings_.ping_after.count() > 0) every = std::min(every, settings_.ping_after / 2);
  sweep_.expires_after(std::max(every, std::chrono::milliseconds(10)));
  sweep_.async_wait([weak = weak_from_this()](ErrorCode error) {
    auto self = error ? nullptr : weak.lock();
    if (self && !self->closed_) self->Sweep();
  });
}

void Http2Upstream::Sweep() {
  auto now = std::chrono::steady_clock::now();
  auto patience = settings_.ping_after;
  if (exchanges_.empty() && now - idle_since_ > settings_.idle_timeout) {
    ending_ = true;
    session_->End();
  } else if (patience.count() > 0 && !exchanges_.empty()) {
    if (pinged_ != SteadyTime{} && now - pinged_ > patience) {
      return Close("the server did not answer a ping");
    }
    if (pinged_ == SteadyTime{} && now - heard_ > patience) {
      pinged_ = now;
      session_->Ping();
    }
  }
  ArmSweep();
  Flush();
}

}  // namespace strata::net
