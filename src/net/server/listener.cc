#include "net/server/listener.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "base/log.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds kPauseAfterError{100};

std::string AddressText(const Tcp::endpoint& endpoint) {
  auto host = endpoint.address().to_string();
  return fmt::format("{}:{}", endpoint.address().is_v6() ? "[" + host + "]" : host,
                     endpoint.port());
}

// Open connections of the whole server, over all workers; counted where they are accepted and
// closed.
void RefuseBusy(Tcp::socket socket) {
  constexpr std::string_view kBusy =
      "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n"
      "content-length: 46\r\nconnection: close\r\n\r\n"
      "{\"message\": \"net.connections_max is reached\"}\n";
  ErrorCode ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(kBusy), ignored);
}

}  // namespace

Listener::Listener(const ServerSettings& settings,
                   const std::vector<std::unique_ptr<Worker>>& workers)
    : settings_(settings),
      workers_(workers),
      acceptor_(workers.front()->context()),
      pause_(workers.front()->context()) {}

Result<std::unique_ptr<Listener>> Listener::Open(
    const ListenSpec& spec, const ServerSettings& settings,
    const std::vector<std::unique_ptr<Worker>>& workers) {
  ErrorCode error;
  auto host = asio::ip::make_address(spec.address, error);
  if (error) {
    return Fail(InvalidArgument("listen", fmt::format("'{}' is not an IP address", spec.address)));
  }
  std::unique_ptr<Listener> listener(new Listener(settings, workers));
  if (spec.tls) {
    STRATA_TRY(listener->tls_, MakeServerTlsContext(spec.certificate_file, spec.private_key_file));
  }
  Tcp::endpoint endpoint(host, spec.port);
  auto& acceptor = listener->acceptor_;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(1024, error);
  if (error) {
    return Fail(Code::kUnavailable,
                fmt::format("cannot listen on {}: {}", AddressText(endpoint), error.message()));
  }
  listener->address_ = AddressText(acceptor.local_endpoint());
  return listener;
}

void Listener::Start() {
  asio::post(acceptor_.get_executor(), [this] { AcceptNext(); });
}

void Listener::Stop() {
  asio::post(acceptor_.get_executor(), [this] {
    ErrorCode ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  });
}

void Listener::AcceptNext() {
  if (!acceptor_.is_open()) return;
  auto& worker = *workers_[next_++ % workers_.size()];
  acceptor_.async_accept(worker.home().executor,
                         [this, &worker](ErrorCode error, Tcp::socket socket) {
                           if (!acceptor_.is_open()) return;
                           if (!error) {
                             Accepted(worker, std::move(socket));
                             return AcceptNext();
                           }
                           // Out of descriptors, most likely: connections must end before another
                           // can be taken.
                           Log(Level::kWarning, "net.accept_failed", {{"why", error.message()}});
                           pause_.expires_after(kPauseAfterError);
                           pause_.async_wait([this](ErrorCode stopped) {
                             if (!stopped) AcceptNext();
                           });
                         });
}

bool Listener::TooMany() const {
  std::size_t open = 0;
  for (const auto& worker : workers_) open += worker->home().count.load(std::memory_order_relaxed);
  return open >= settings_.connections_max;
}

void Listener::Accepted(Worker& worker, Tcp::socket socket) {
  if (TooMany()) {
    if (!tls_) RefuseBusy(std::move(socket));
    return;
  }
  auto shared = std::make_shared<Tcp::socket>(std::move(socket));
  asio::post(worker.context(), [&worker, shared, tls = tls_] {
    if (worker.home().draining) return;
    auto transport = tls ? MakeTlsTransport(std::move(*shared), *tls, TlsRole::kServer)
                         : MakePlainTransport(std::move(*shared));
    BeginConnection(worker.home(), std::move(transport));
  });
}

}  // namespace strata::net
