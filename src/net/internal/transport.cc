#include "net/internal/transport.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

namespace strata::net {
namespace {

namespace asio = boost::asio;

// One TLS record; smaller pieces are joined so that they travel in one record.
constexpr std::size_t kRecordBytes = 16 * 1024;

// What is left to write of up to kWritePiecesMax pieces; a buffer sequence for Asio.
class Pieces {
 public:
  void Assign(std::span<const asio::const_buffer> pieces) {
    count_ = 0;
    begin_ = 0;
    for (const auto& piece : pieces) {
      if (piece.size() > 0 && count_ < kWritePiecesMax) pieces_[count_++] = piece;
    }
  }
  void Consume(std::size_t bytes) {
    while (begin_ < count_ && bytes >= pieces_[begin_].size()) bytes -= pieces_[begin_++].size();
    if (begin_ < count_) pieces_[begin_] += bytes;
  }
  bool empty() const { return begin_ == count_; }
  std::span<const asio::const_buffer> rest() const {
    return std::span(pieces_).subspan(begin_, count_ - begin_);
  }

 private:
  std::array<asio::const_buffer, kWritePiecesMax> pieces_;
  std::size_t begin_ = 0;
  std::size_t count_ = 0;
};

std::string PeerName(const Tcp::socket& socket) {
  ErrorCode error;
  auto endpoint = socket.remote_endpoint(error);
  if (error) return "unknown";
  auto address = endpoint.address().to_string();
  if (endpoint.address().is_v6()) address = "[" + address + "]";
  return address + ":" + std::to_string(endpoint.port());
}

void CloseSocket(Tcp::socket& socket) {
  ErrorCode ignored;
  socket.close(ignored);
}

class PlainTransport final : public Transport {
 public:
  PlainTransport(Tcp::socket socket, Traffic& traffic)
      : socket_(std::move(socket)), traffic_(traffic) {
    ErrorCode ignored;
    socket_.set_option(Tcp::no_delay(true), ignored);
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
  void Close() override { CloseSocket(socket_); }

  bool secure() const override { return false; }
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
  Pieces pieces_;
  SteadyTime progress_;
};

class TlsTransport final : public Transport {
 public:
  TlsTransport(Tcp::socket socket, Traffic& traffic, asio::ssl::context& context, TlsRole role,
               const std::string& host)
      : stream_(std::move(socket), context), traffic_(traffic), role_(role) {
    ErrorCode ignored;
    stream_.lowest_layer().set_option(Tcp::no_delay(true), ignored);
    if (role_ == TlsRole::kClient) NameHost(host);
  }

  void StartHandshake(SinkPointer sink) override {
    auto type =
        role_ == TlsRole::kServer ? asio::ssl::stream_base::server : asio::ssl::stream_base::client;
    stream_.async_handshake(type, [this, sink = std::move(sink)](ErrorCode error) {
      if (!error) NoteProtocol();
      sink->OnHandshake(error);
    });
  }

  void StartRead(SinkPointer sink, asio::mutable_buffer into) override {
    stream_.async_read_some(into,
                            [this, sink = std::move(sink)](ErrorCode error, std::size_t bytes) {
                              traffic_.in.Add(bytes);
                              sink->OnRead(error, bytes);
                            });
  }

  IoStep StartWrite(SinkPointer sink, std::span<const asio::const_buffer> pieces) override {
    pieces_.Assign(pieces);
    progress_ = std::chrono::steady_clock::now();
    if (pieces_.empty()) return IoStep::kDone;
    WriteRest(std::move(sink));
    return IoStep::kPending;
  }

  void StartShutdown(SinkPointer sink) override {
    stream_.async_shutdown(
        [this, sink = std::move(sink)](ErrorCode) { CloseSocket(stream_.next_layer()); });
  }
  void Close() override { CloseSocket(stream_.next_layer()); }

  bool secure() const override { return true; }
  std::string_view protocol() const override { return protocol_; }
  std::string peer() const override { return PeerName(stream_.next_layer()); }
  SteadyTime last_write_progress() const override { return progress_; }

 private:
  void NameHost(const std::string& host) {
    auto* ssl = stream_.native_handle();
    ErrorCode error;
    auto address = asio::ip::make_address(host, error);
    auto* wanted = SSL_get0_param(ssl);
    if (error) {
      SSL_set_tlsext_host_name(ssl, host.c_str());
      X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size());
    } else {
      X509_VERIFY_PARAM_set1_ip_asc(wanted, address.to_string().c_str());
    }
  }

  void NoteProtocol() {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(stream_.native_handle(), &name, &size);
    if (size > 0) protocol_.assign(reinterpret_cast<const char*>(name), size);
  }

  void Consume(std::size_t written) {
    pieces_.Consume(written);
    traffic_.out.Add(written);
  }

  // The next bytes to encrypt: one large piece as it is, or several small ones joined.
  asio::const_buffer NextRecord() {
    auto rest = pieces_.rest();
    if (rest.size() == 1 || rest[0].size() >= kRecordBytes) return rest[0];
    joined_.resize(kRecordBytes);
    return asio::buffer(joined_.data(), asio::buffer_copy(asio::buffer(joined_), rest));
  }

  void WriteRest(SinkPointer sink) {
    stream_.async_write_some(
        NextRecord(), [this, sink = std::move(sink)](ErrorCode error, std::size_t written) mutable {
          progress_ = std::chrono::steady_clock::now();
          Consume(written);
          if (error || pieces_.empty()) return sink->OnWritten(error);
          WriteRest(std::move(sink));
        });
  }

  asio::ssl::stream<Tcp::socket> stream_;
  Traffic& traffic_;
  TlsRole role_;
  std::string protocol_;
  Pieces pieces_;
  std::string joined_;
  SteadyTime progress_;
};

}  // namespace

std::unique_ptr<Transport> MakePlainTransport(Tcp::socket socket, Traffic& traffic) {
  return std::make_unique<PlainTransport>(std::move(socket), traffic);
}

std::unique_ptr<Transport> MakeTlsTransport(Tcp::socket socket, Traffic& traffic,
                                            asio::ssl::context& context, TlsRole role,
                                            const std::string& host) {
  return std::make_unique<TlsTransport>(std::move(socket), traffic, context, role, host);
}

}  // namespace strata::net
