#include "net/internal/transport.h"

#include <boost/asio/post.hpp>

#include "net/internal/socket_transport.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;

class PlainTransport final : public SocketTransport {
 public:
  PlainTransport(Tcp::socket socket, Traffic& traffic)
      : SocketTransport(std::move(socket), traffic) {
    ErrorCode ignored;
    socket_.non_blocking(true, ignored);
  }

  void StartHandshake(SinkPointer sink) override {
    asio::post(socket_.get_executor(), [sink = std::move(sink)] { sink->OnHandshake({}); });
  }

  void StartRead(SinkPointer sink, asio::mutable_buffer into) override {
    socket_.async_read_some(into,
                            [this, sink = std::move(sink)](ErrorCode error, std::size_t bytes) {
                              traffic_.in.Add(bytes);
                              sink->OnRead(error, bytes);
                            });
  }

  bool secure() const override { return false; }
  bool session_reused() const override { return false; }
  std::string_view protocol() const override { return {}; }

 private:
  Wanted WriteSome(WritePieces& pieces, ErrorCode& error) override {
    auto written = socket_.write_some(pieces.rest(), error);
    if (error == asio::error::would_block) error = {};
    pieces.Consume(written);
    traffic_.out.Add(written);
    return Tcp::socket::wait_write;
  }
  void Shutdown() override {
    ErrorCode ignored;
    socket_.shutdown(Tcp::socket::shutdown_send, ignored);
  }
};

}  // namespace

void TuneSocket(Tcp::socket& socket) {
  ErrorCode ignored;
  socket.set_option(Tcp::no_delay(true), ignored);
  using QuickAck = asio::detail::socket_option::boolean<IPPROTO_TCP, TCP_QUICKACK>;
  socket.set_option(QuickAck(false), ignored);
}

std::string PeerName(const Tcp::socket& socket) {
  ErrorCode error;
  auto endpoint = socket.remote_endpoint(error);
  if (error) return "unknown";
  auto address = endpoint.address().to_string();
  if (endpoint.address().is_v6()) address = "[" + address + "]";
  return address + ":" + std::to_string(endpoint.port());
}

std::unique_ptr<Transport> MakePlainTransport(Tcp::socket socket, Traffic& traffic) {
  return std::make_unique<PlainTransport>(std::move(socket), traffic);
}

}  // namespace strata::net
