#include "net/client/connection.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include "base/format_message.h"
#include "net/client/addresses.h"
#include "net/internal/coarse_clock.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

// Of an answer's first read: its head and what a stream begins with. More may have come already.
constexpr std::size_t kFirstReadBytes = 4 * 1024;

}  // namespace

ClientConnection::ClientConnection(asio::any_io_executor executor)
    : CallGuard(executor), step_timer_(std::move(executor)) {}

void ClientConnection::Close() {
  dead_ = true;
  step_timer_.cancel();
  ErrorCode ignored;
  if (socket_) socket_->close(ignored);
  if (transport_) transport_->Close();
}

void ClientConnection::Abandon() {
  auto self = Self();
  EndCall();
  Close();
  CallGuard::Abandon();
}

void ClientConnection::Completed(ErrorCode error) {
  completed_ = true;
  completion_ = error;
  event().Notify();
}

Task<Result<>> ClientConnection::AwaitCompletion(std::string_view what) {
  while (!completed_ && !interrupted()) co_await event().Wait();
  if (interrupted()) co_return std::unexpected(*interrupted());
  completed_ = false;
  if (completion_) {
    co_return Fail(Code::kUnavailable,
                   FormatMessage("{} {}: {}", Own(what), name_, Own(completion_.message())));
  }
  co_return Result<>{};
}

Task<Result<>> ClientConnection::Connect(ConnectSpec spec) {
  name_ = spec.url.Authority();
  STRATA_CO_TRY(auto endpoints, co_await Resolve(spec.url));
  if (!spec.allow_private) {
    std::erase_if(endpoints, [](const auto& e) { return !IsPublicAddress(e.address()); });
    if (endpoints.empty()) {
      co_return Fail(Code::kPermissionDenied,
                     FormatMessage("{} is not a public address; requests may not reach it", name_));
    }
  }
  STRATA_CO_CHECK_OK(co_await ConnectAny(endpoints, spec.timeout));
  co_return co_await Handshake(spec);
}

// A name look-up cannot be interrupted; it ends by itself on the resolver's own thread.
Task<Result<ClientConnection::Endpoints>> ClientConnection::Resolve(const Url& url) {
  ErrorCode not_an_address;
  auto address = asio::ip::make_address(url.host, not_an_address);
  if (!not_an_address) co_return Endpoints{Tcp::endpoint(address, url.port)};
  auto resolver = std::make_shared<Tcp::resolver>(executor());
  resolver->async_resolve(
      url.host, std::to_string(url.port), Tcp::resolver::numeric_service,
      [self = Self(), resolver](ErrorCode error, Tcp::resolver::results_type found) {
        for (const auto& entry : found) self->resolved_.push_back(entry.endpoint());
        self->Completed(error);
      });
  STRATA_CO_CHECK_OK(co_await AwaitCompletion("cannot resolve"));
  if (resolved_.empty()) {
    co_return Fail(Code::kUnavailable, FormatMessage("{} has no address", name_));
  }
  co_return std::move(resolved_);
}

// In the order the resolver gave; each gets its share of the time.
Task<Result<>> ClientConnection::ConnectAny(const Endpoints& endpoints, milliseconds timeout) {
  Result<> last = Fail(Code::kUnavailable, FormatMessage("cannot connect to {}", name_));
  auto share = timeout / static_cast<int>(std::min<std::size_t>(endpoints.size(), 4));
  for (const auto& endpoint : endpoints) {
    last = co_await ConnectOne(endpoint, share);
    if (last.has_value() || interrupted()) break;
  }
  co_return last;
}

Task<Result<>> ClientConnection::ConnectOne(Tcp::endpoint endpoint, milliseconds timeout) {
  socket_.emplace(executor());
  socket_->async_connect(endpoint, [self = Self()](ErrorCode error) { self->Completed(error); });
  StartStep(timeout);
  auto begun = std::chrono::steady_clock::now();
  auto connected = co_await AwaitCompletion("cannot connect to");
  round_trip_ = std::chrono::steady_clock::now() - begun;
  if (EndStep() && !interrupted()) {
    co_return Fail(Code::kUnavailable, FormatMessage("cannot connect to {} in time", name_));
  }
  co_return connected;
}

// Closes the socket when the step takes longer, which completes it with an error.
void ClientConnection::StartStep(milliseconds limit) {
  step_timed_out_ = false;
  step_timer_.expires_after(limit);
  step_timer_.async_wait([weak = std::weak_ptr(Self()), step = ++step_](ErrorCode error) {
    auto self = error ? nullptr : weak.lock();
    if (!self || self->step_ != step) return;
    self->step_timed_out_ = true;
    ErrorCode ignored;
    if (self->socket_) self->socket_->close(ignored);
    if (self->transport_) self->transport_->Close();
  });
}

bool ClientConnection::EndStep() {
  ++step_;
  step_timer_.cancel();
  return step_timed_out_;
}

Task<Result<>> ClientConnection::Handshake(const ConnectSpec& spec) {
  auto socket = std::move(*socket_);
  socket_.reset();
  if (!spec.url.tls) {
    transport_ = MakePlainTransport(std::move(socket), traffic_);
    co_return Result<>{};
  }
  transport_ =
      MakeTlsTransport(std::move(socket), traffic_, *spec.tls, TlsRole::kClient, spec.url.host);
  transport_->StartHandshake(Self());
  StartStep(spec.timeout);
  auto done = co_await AwaitCompletion("TLS with");
  if (EndStep() && !interrupted()) {
    co_return Fail(Code::kUnavailable, FormatMessage("TLS with {} took too long", name_));
  }
  co_return done;
}

void ClientConnection::StartWrite(std::shared_ptr<const OutMessage> message) {
  message_ = std::move(message);
  answered_ = false;
  sent_at_ = CoarseNow();
  auto step = transport_->StartWrite(
      Self(), std::array{asio::buffer(message_->head), asio::buffer(message_->body)});
  writing_ = step == IoStep::kPending;
  if (step == IoStep::kFailed) dead_ = true;  // the answer may still say why
}

milliseconds StaleSeenWithin(std::chrono::steady_clock::duration round_trip) {
  constexpr milliseconds kLeast{50};  // in which a busy machine gets round to look
  constexpr milliseconds kMost{1000};
  return std::clamp(std::chrono::ceil<milliseconds>(2 * round_trip), kLeast, kMost);
}

bool ClientConnection::went_stale() const {
  return !answered_ && CoarseNow() - sent_at_ < StaleSeenWithin(round_trip_);
}

void ClientConnection::OnWritten(ErrorCode error) {
  writing_ = false;
  message_ = nullptr;
  if (error) dead_ = true;
}

void ClientConnection::StartRead() {
  if (reading_ || read_error_) return;
  reading_ = true;
  switch (next_read_) {
    case NextRead::kFirst:
      next_read_ = NextRead::kSecond;
      transport_->StartRead(Self(), asio::buffer(input_.Room(), kFirstReadBytes));
      break;
    case NextRead::kSecond:
      next_read_ = NextRead::kLater;
      // Behind the writes of this turn: the beginning leaves before the rest is looked at.
      asio::post(executor(), [self = Self()] { self->ReadOn(); });
      break;
    case NextRead::kLater:
      ReadOn();
      break;
  }
}

void ClientConnection::ReadOn() { transport_->StartRead(Self(), input_.Room()); }

void ClientConnection::OnRead(ErrorCode error, std::size_t bytes) {
  reading_ = false;
  read_error_ = error;
  input_.Filled(bytes);
  answered_ |= bytes > 0;
  if (error) dead_ = true;
  // Input while idle belongs to no request: usable() is false from here on.
  if (in_call()) {
    event().NotifyNow();
  } else {
    Close();
  }
}

Result<bool> ClientConnection::InputCame() const {
  if (interrupted()) return std::unexpected(*interrupted());
  if (!read_error_) return true;
  if (read_error_ == asio::error::eof) return false;
  return Fail(Code::kUnavailable,
              FormatMessage("the connection to {} broke: {}", name_, Own(read_error_.message())));
}

void ClientConnection::BecomeIdle(SteadyTime now) {
  idle_since_ = now;
  next_read_ = NextRead::kFirst;
  StartRead();  // pending when the next request is sent: its answer's first read
}

}  // namespace strata::net
