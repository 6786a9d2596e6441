#include "net/server/connection.h"

#include <array>
#include <boost/asio/post.hpp>
#include <exception>

#include "base/log.h"

namespace strata::net {
namespace {

constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Reads until the first bytes tell HTTP/2 from HTTP/1.1, then passes the transport on.
class Sniffer final : public ServerConnection {
 public:
  using ServerConnection::ServerConnection;

  void Begin(std::string) override {
    since_ = std::chrono::steady_clock::now();
    transport_->StartHandshake(shared_from_this());
  }
  void OnSweep(SteadyTime now) override {
    auto limit = close_soon_ ? kFirstRequestTime : settings().header_timeout;
    if (now - since_ > limit) Cancel();
  }
  void Drain(IdleConnections idle) override {
    if (idle == IdleConnections::kClose) close_soon_ = true;
  }
  void Cancel() override {
    if (transport_) transport_->Close();
  }
  void Abandon() override {}

  void OnHandshake(ErrorCode error) override {
    if (error) return;
    if (transport_->protocol() == "h2") return HandOver(&MakeHttp2Connection);
    if (transport_->secure()) return HandOver(&MakeHttp1Connection);
    Read();
  }

  void OnRead(ErrorCode error, std::size_t bytes) override {
    if (error) return;
    size_ += bytes;
    auto seen = std::string_view(bytes_.data(), size_);
    if (!kHttp2Preface.starts_with(seen)) return HandOver(&MakeHttp1Connection);
    if (size_ == kHttp2Preface.size()) return HandOver(&MakeHttp2Connection);
    Read();
  }
  void OnWritten(ErrorCode) override {}

 private:
  void Read() { transport_->StartRead(shared_from_this(), boost::asio::buffer(bytes_) + size_); }

  template <class Make>
  void HandOver(Make make) {
    auto next = make(home_, std::move(transport_));
    next->Begin(std::string(bytes_.data(), size_));
    if (!home_.draining) return;
    next->Drain(home_.closing_idle ? IdleConnections::kClose : IdleConnections::kKeep);
  }

  SteadyTime since_;
  std::array<char, kHttp2Preface.size()> bytes_;
  std::size_t size_ = 0;
  bool close_soon_ = false;
};

// Counts a handler while it lives.
class InFlight {
 public:
  explicit InFlight(ConnectionHome& home) : home_(home) {
    home_.requests.Add(1);
    home_.in_flight.Add(1);
  }
  ~InFlight() { home_.in_flight.Subtract(1); }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

 private:
  ConnectionHome& home_;
};

}  // namespace

ServerConnection::ServerConnection(ConnectionHome& home, std::unique_ptr<Transport> transport)
    : home_(home), transport_(std::move(transport)) {
  home_.open.insert(this);
  home_.count.Set(home_.open.size());
}

ServerConnection::~ServerConnection() {
  home_.open.erase(this);
  home_.count.Set(home_.open.size());
}

void BeginConnection(ConnectionHome& home, std::unique_ptr<Transport> transport) {
  home.accepted.Add(1);
  std::make_shared<Sniffer>(home, std::move(transport))->Begin({});
}

Task<void> RunHandler(ConnectionHome& home, HttpRequest& request, ResponseWriter& writer,
                      std::stop_token client_gone) {
  std::string what;
  InFlight counted(home);
  try {
    co_await home.handler(request, writer, client_gone);
    if (writer.started() || client_gone.stop_requested()) co_return;
    what = "no answer was given";
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
    what = "unknown exception";
  }
  Log(Level::kError, "net.handler_failed",
      {{"method", request.method}, {"path", request.path()}, {"what", what}});
}

}  // namespace strata::net
