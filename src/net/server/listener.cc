#include "net/server/listener.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "base/log.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds kPauseAfterError{100};
constexpr std::chrono::milliseconds kHandshakesEnd{100};
constexpr int kQueueLength = 1024;

std::string AddressText(const Tcp::endpoint& endpoint) {
  auto host = endpoint.address().to_string();
  return fmt::format("{}:{}", endpoint.address().is_v6() ? "[" + host + "]" : host,
                     endpoint.port());
}

// Nothing is read first, and nothing waits: a flood costs one packet each.
void RefuseBusy(Tcp::socket socket, std::string_view option) {
  auto body = fmt::format("{{\"message\": \"{} is reached\"}}\n", option);
  auto answer = fmt::format(
      "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n"
      "content-length: {}\r\nconnection: close\r\n\r\n{}",
      body.size(), body);
  ErrorCode ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(answer), ignored);
}

// Asks the kernel to give new connections of the group of listeners that share an address to the
// second of them, the successor; when there is only one, it keeps them.
void SendNewConnectionsToSuccessor(int fd) {
  sock_filter second[] = {{BPF_RET | BPF_K, 0, 0, 1}};
  sock_fprog program{1, second};
  ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program);
}

// Back to the kernel's own choice. The program belongs to the group and would outlive this process:
// it would send connections to the next successor before that is ready.
void ChooseByHash(int fd) {
  int unused = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &unused, sizeof unused);
}

// New connections are left unanswered, so that their clients knock again within a second or so and
// meet whoever listens then; handshakes that have begun go on.
void IgnoreNewConnections(int fd) {
  constexpr std::uint32_t kFlagsOfTcp = 13;
  constexpr std::uint32_t kSyn = 0x02;
  sock_filter no_syn[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlagsOfTcp),
                          BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kSyn, 0, 1),
                          BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF)};
  sock_fprog program{static_cast<unsigned short>(std::size(no_syn)), no_syn};
  ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

ErrorCode Bind(Tcp::acceptor& acceptor, const Tcp::endpoint& endpoint, bool reuse_port) {
  ErrorCode error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
  if (!error && reuse_port) acceptor.set_option(ReusePort(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(kQueueLength, error);
  if (!error) acceptor.non_blocking(true, error);
  return error;
}

}  // namespace

Listener::Listener(const std::vector<std::unique_ptr<Worker>>& workers,
                   std::shared_ptr<PeerCounts> peers)
    : workers_(workers),
      peers_(std::move(peers)),
      acceptor_(workers.front()->context()),
      timer_(workers.front()->context()) {}

Result<std::unique_ptr<Listener>> Listener::Open(
    const ListenSpec& spec, ReusePort reuse, const std::vector<std::unique_ptr<Worker>>& workers,
    std::shared_ptr<PeerCounts> peers) {
  ErrorCode error;
  auto host = asio::ip::make_address(spec.address, error);
  if (error) {
    return Fail(InvalidArgument("listen", fmt::format("'{}' is not an IP address", spec.address)));
  }
  std::unique_ptr<Listener> listener(new Listener(workers, std::move(peers)));
  listener->spec_ = spec;
  STRATA_TRY(listener->tls_, LoadCertificate(spec));
  Tcp::endpoint endpoint(host, spec.port);
  error = Bind(listener->acceptor_, endpoint, reuse == ReusePort::kYes);
  if (error) {
    return Fail(Code::kUnavailable,
                fmt::format("cannot listen on {}: {}", AddressText(endpoint), error.message()));
  }
  const auto bound = listener->acceptor_.local_endpoint();
  listener->address_ = AddressText(bound);
  listener->port_ = bound.port();
  return listener;
}

Result<TlsContext> Listener::LoadCertificate(const ListenSpec& spec) {
  if (!spec.tls) return TlsContext();
  return MakeServerTlsContext(spec.certificate_file, spec.private_key_file);
}

void Listener::Use(ListenSpec spec, TlsContext tls) {
  spec_ = std::move(spec);
  asio::post(acceptor_.get_executor(), [this, tls = std::move(tls)] { tls_ = tls; });
}

void Listener::Allow(ReusePort reuse) {
  const int on = reuse == ReusePort::kYes ? 1 : 0;
  ::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
}

void Listener::Start() {
  asio::post(acceptor_.get_executor(), [this] { AcceptNext(); });
}

void Listener::Stop(std::function<void()> stopped) {
  asio::post(acceptor_.get_executor(), [this, stopped = std::move(stopped)]() mutable {
    if (!settings().reuse_port || !acceptor_.is_open()) {
      Close();
      return stopped();
    }
    SendNewConnectionsToSuccessor(acceptor_.native_handle());
    CloseAfterHandshakes(std::move(stopped));
  });
}

void Listener::Retire() {
  asio::post(acceptor_.get_executor(), [this] {
    if (!acceptor_.is_open()) return;
    IgnoreNewConnections(acceptor_.native_handle());
    CloseAfterHandshakes([] {});
  });
}

// Whoever has begun its handshake with this listener would be reset by its end.
void Listener::CloseAfterHandshakes(std::function<void()> closed) {
  stopping_ = true;
  timer_.expires_after(kHandshakesEnd);
  timer_.async_wait([this, closed = std::move(closed)](ErrorCode) {
    Close();
    closed();
  });
}

// The kernel resets what is in the queue when the socket closes, so that is emptied first.
void Listener::Close() {
  if (!acceptor_.is_open()) return;
  ErrorCode error;
  while (!error) {
    auto& worker = NextWorker();
    Tcp::socket socket(worker.home().executor);
    acceptor_.accept(socket, error);
    if (!error) Accepted(worker, std::move(socket));
  }
  if (settings().reuse_port) ChooseByHash(acceptor_.native_handle());
  acceptor_.close(error);
  if (!stopping_) timer_.cancel();
}

Worker& Listener::NextWorker() { return *workers_[next_++ % workers_.size()]; }

void Listener::AcceptNext() {
  if (!acceptor_.is_open()) return;
  auto& worker = NextWorker();
  acceptor_.async_accept(worker.home().executor,
                         [this, &worker](ErrorCode error, Tcp::socket socket) {
                           // One that was accepted just before the listener closed is served.
                           if (!error) Accepted(worker, std::move(socket));
                           if (!error || !acceptor_.is_open()) return AcceptNext();
                           // Out of descriptors, most likely: connections must end before another
                           // can be taken.
                           Log(Level::kWarning, "net.accept_failed", {{"why", error.message()}});
                           if (stopping_) return;
                           timer_.expires_after(kPauseAfterError);
                           timer_.async_wait([this](ErrorCode stopped) {
                             if (!stopped) AcceptNext();
                           });
                         });
}

bool Listener::TooMany() const {
  std::size_t open = 0;
  for (const auto& worker : workers_) open += worker->home().count.value();
  return open >= settings().connections_max;
}

void Listener::Accepted(Worker& worker, Tcp::socket socket) {
  ErrorCode gone;
  auto peer = socket.remote_endpoint(gone).address();
  auto per_peer = settings().connections_per_peer_max;
  bool busy = TooMany();
  auto counted = busy || per_peer == 0 ? nullptr : peers_->Enter(peer, per_peer);
  if (busy || (per_peer > 0 && !counted)) {
    refused_.Add(1);
    auto option = busy ? "net.connections_max" : "net.connections_per_peer_max";
    if (!tls_) RefuseBusy(std::move(socket), option);
    return;
  }
  auto shared = std::make_shared<Tcp::socket>(std::move(socket));
  asio::post(worker.context(), [&worker, shared, counted, tls = tls_] {
    auto& home = worker.home();
    auto transport =
        tls ? MakeTlsTransport(std::move(*shared), home.traffic, *tls, TlsRole::kServer)
            : MakePlainTransport(std::move(*shared), home.traffic);
    transport->Hold(counted);
    BeginConnection(home, std::move(transport));
  });
}

}  // namespace strata::net
