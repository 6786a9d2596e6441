#include "net/internal/transport.h"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "net/internal/write_pieces.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;

class PlainTransport final : public Transport {
 public:
  PlainTransport(Tcp::socket socket, Traffic& traffic)
      : socket_(std::move(socket)), traffic_(traffic) {
    ErrorCode ignored;
    TuneSocket(socket_);
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

  // Most answers fit the socket's buffer, so the first try is made at once.
  IoStep StartWrite(SinkPointer sink, std::span<const asio::const_buffer> pieces) override {
    pieces_.Assign(pieces);
    ErrorCode error;
    std::size_t written = pieces_.empty() ? 0 : socket_.write_some(pieces_.rest(), error);
    progress_ = std::chrono::steady_clock::now();
    if (error && error != asio::error::would_block) return IoStep::kFailed;
    Consume(written);
    if (pieces_.empty()) return IoStep::kDone;
    WriteRest(std::move(sink));
    return IoStep::kPending;
  }

  void StartShutdown(SinkPointer) override {
    ErrorCode ignored;
    socket_.shutdown(Tcp::socket::shutdown_send, ignored);
  }
  void Close() override {
    ErrorCode ignored;
    socket_.close(ignored);
  }

  bool secure() const override { return false; }
  bool session_reused() const override { return false; }
  std::string_view protocol() const override { return {}; }
  std::string peer() const override { return PeerName(socket_); }
  SteadyTime last_write_progress() const override { return progress_; }

 private:
  void Consume(std::size_t written) {
    pieces_.Consume(written);
    traffic_.out.Add(written);
  }
  void WriteRest(SinkPointer sink) {
    socket_.async_write_some(pieces_.rest(), [this, sink = std::move(sink)](
                                                 ErrorCode error, std::size_t written) mutable {
      progress_ = std::chrono::steady_clock::now();
      Consume(written);
      if (error || pieces_.empty()) return sink->OnWritten(error);
      WriteRest(std::move(sink));
    });
  }

  Tcp::socket socket_;
  Traffic& traffic_;
  WritePieces pieces_;
  SteadyTime progress_;
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
