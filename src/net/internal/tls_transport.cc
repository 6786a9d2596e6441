// TLS over a socket, OpenSSL on top of its own non-blocking reads and writes: all records that have
// come are decrypted into one read, and a write that the socket takes at once needs no callback.

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <cerrno>

#include "net/internal/socket_transport.h"
#include "net/internal/tls_context.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;

// One TLS record; smaller pieces are joined so that they travel in one record.
constexpr std::size_t kRecordBytes = 16 * 1024;

// The socket as OpenSSL sees it.
struct SocketEnd {
  int fd = -1;
  bool drained = false;  // the last read took all that was there
};
SocketEnd& EndOf(BIO* bio) { return *static_cast<SocketEnd*>(BIO_get_data(bio)); }

int Finish(BIO* bio, ssize_t result, int retry_flag) {
  BIO_clear_retry_flags(bio);
  bool later = result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  if (later) BIO_set_flags(bio, retry_flag | BIO_FLAGS_SHOULD_RETRY);
  return static_cast<int>(result);
}
int ReadBio(BIO* bio, char* into, int size) {
  auto& end = EndOf(bio);
  auto got = ::recv(end.fd, into, static_cast<std::size_t>(size), 0);
  end.drained = got < size;
  return Finish(bio, got, BIO_FLAGS_READ);
}
int WriteBio(BIO* bio, const char* from, int size) {
  auto sent = ::send(EndOf(bio).fd, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  return Finish(bio, sent, BIO_FLAGS_WRITE);
}
long ControlBio(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

// Unlike OpenSSL's own, writes without SIGPIPE.
BIO* NewSocketBio(SocketEnd& end) {
  static BIO_METHOD* method = [] {
    auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_read(made, ReadBio);
    BIO_meth_set_write(made, WriteBio);
    BIO_meth_set_ctrl(made, ControlBio);
    return made;
  }();
  auto* bio = BIO_new(method);
  BIO_set_data(bio, &end);
  BIO_set_init(bio, 1);
  return bio;
}

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

class TlsTransport final : public SocketTransport {
 public:
  TlsTransport(Tcp::socket socket, Traffic& traffic, TlsSettings& settings, TlsRole role,
               const std::string& host)
      : SocketTransport(std::move(socket), traffic),
        role_(role),
        ssl_(SSL_new(settings.context.native_handle())) {
    ErrorCode ignored;
    socket_.native_non_blocking(true, ignored);
    end_.fd = socket_.native_handle();
    auto* bio = NewSocketBio(end_);
    SSL_set_bio(ssl_.get(), bio, bio);
    if (role_ == TlsRole::kServer) {
      SSL_set_accept_state(ssl_.get());
    } else {
      SSL_set_connect_state(ssl_.get());
      NameHost(host);
      if (settings.sessions) OfferSession(settings.sessions, host);
    }
  }

  // Without a farewell OpenSSL would take the session for broken and never offer it again.
  ~TlsTransport() override {
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }

  void StartHandshake(SinkPointer sink) override {
    ERR_clear_error();
    int result = SSL_do_handshake(ssl_.get());
    auto wanted = WantedBy(result);
    if (wanted != Tcp::socket::wait_error) {
      return socket_.async_wait(wanted, [this, sink = std::move(sink)](ErrorCode error) mutable {
        if (error) return sink->OnHandshake(error);
        StartHandshake(std::move(sink));
      });
    }
    auto error = result == 1 ? ErrorCode() : Failure(result);
    if (!error) NoteProtocol();
    asio::post(socket_.get_executor(),
               [sink = std::move(sink), error] { sink->OnHandshake(error); });
  }

  void StartRead(SinkPointer sink, asio::mutable_buffer into) override {
    if (!more_) return AwaitInput(std::move(sink), into);
    asio::post(socket_.get_executor(), [this, sink = std::move(sink), into]() mutable {
      ReadReady(std::move(sink), into);
    });
  }

  bool secure() const override { return true; }
  bool session_reused() const override { return SSL_session_reused(ssl_.get()) == 1; }
  std::string_view protocol() const override { return protocol_; }

 private:
  void NameHost(const std::string& host) {
    ErrorCode error;
    auto address = asio::ip::make_address(host, error);
    auto* wanted = SSL_get0_param(ssl_.get());
    if (error) {
      SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
      X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size());
    } else {
      X509_VERIFY_PARAM_set1_ip_asc(wanted, address.to_string().c_str());
    }
  }

  void OfferSession(const std::shared_ptr<TlsSessions>& sessions, const std::string& host) {
    ErrorCode ignored;
    session_key_ = {sessions, host + ":" + std::to_string(socket_.remote_endpoint(ignored).port())};
    sessions->Attach(ssl_.get(), session_key_);
  }

  void NoteProtocol() {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    if (size > 0) protocol_.assign(reinterpret_cast<const char*>(name), size);
  }

  // What the socket must do before the operation goes on; wait_error: nothing, it has ended.
  Wanted WantedBy(int result) const {
    if (result > 0) return Tcp::socket::wait_error;
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return Tcp::socket::wait_read;
      case SSL_ERROR_WANT_WRITE:
        return Tcp::socket::wait_write;
      default:
        return Tcp::socket::wait_error;
    }
  }

  ErrorCode Failure(int result) const {
    int saved = errno;
    auto queued = ERR_peek_error();
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_ZERO_RETURN:
        return asio::error::eof;
      case SSL_ERROR_SYSCALL:
        if (saved != 0 && result < 0) return {saved, asio::error::get_system_category()};
        return asio::ssl::error::stream_truncated;
      default:
        break;
    }
    if (ERR_GET_REASON(queued) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
      return asio::ssl::error::stream_truncated;
    }
    return {static_cast<int>(queued), asio::error::get_ssl_category()};
  }

  void AwaitInput(SinkPointer sink, asio::mutable_buffer into) {
    socket_.async_wait(Tcp::socket::wait_read,
                       [this, sink = std::move(sink), into](ErrorCode error) mutable {
                         if (error) return sink->OnRead(error, 0);
                         ReadReady(std::move(sink), into);
                       });
  }

  // Takes all records that are there and fit.
  void ReadReady(SinkPointer sink, asio::mutable_buffer into) {
    if (!socket_.is_open()) return sink->OnRead(asio::error::operation_aborted, 0);
    std::size_t total = 0;
    more_ = true;
    while (total < into.size()) {
      ERR_clear_error();
      errno = 0;
      std::size_t got = 0;
      auto* at = static_cast<char*>(into.data()) + total;
      int result = SSL_read_ex(ssl_.get(), at, into.size() - total, &got);
      total += got;
      // Asking an empty socket costs a system call, and waiting for it says what has come since.
      more_ = !end_.drained || SSL_has_pending(ssl_.get()) == 1;
      if (result == 1 && more_) continue;
      if (result == 1) break;
      auto wanted = WantedBy(result);
      more_ = wanted == Tcp::socket::wait_error;
      if (total > 0) break;  // an error shows itself again
      if (more_) return sink->OnRead(Failure(result), 0);
      return AwaitInput(std::move(sink), into);
    }
    traffic_.in.Add(total);
    sink->OnRead({}, total);
  }

  // The next bytes to encrypt: one large piece as it is, or several small ones joined.
  static asio::const_buffer NextRecord(const WritePieces& pieces) {
    auto rest = pieces.rest();
    if (rest.size() == 1 || rest[0].size() >= kRecordBytes) return rest[0];
    thread_local std::array<char, kRecordBytes> joined;
    return asio::buffer(joined.data(), asio::buffer_copy(asio::buffer(joined), rest));
  }

  Wanted WriteSome(WritePieces& pieces, ErrorCode& error) override {
    while (!pieces.empty()) {
      auto record = NextRecord(pieces);
      std::size_t written = 0;
      ERR_clear_error();
      errno = 0;
      int result = SSL_write_ex(ssl_.get(), record.data(), record.size(), &written);
      if (result != 1) {
        auto wanted = WantedBy(result);
        if (wanted == Tcp::socket::wait_error) error = Failure(result);
        return wanted;
      }
      pieces.Consume(written);
      traffic_.out.Add(written);
    }
    return Tcp::socket::wait_error;
  }

  void Shutdown() override {
    ERR_clear_error();
    if (socket_.is_open()) SSL_shutdown(ssl_.get());
    ErrorCode ignored;
    socket_.shutdown(Tcp::socket::shutdown_send, ignored);
  }
  // The number of a closed descriptor may soon be another connection's.
  void Closing() override { end_.fd = -1; }

  TlsRole role_;
  SocketEnd end_;  // before ssl_, which refers to it
  TlsSessions::Key session_key_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::string protocol_;
  bool more_ = true;  // OpenSSL may hold bytes, or an error, that no event will announce
};

}  // namespace

std::unique_ptr<Transport> MakeTlsTransport(Tcp::socket socket, Traffic& traffic,
                                            TlsSettings& settings, TlsRole role,
                                            const std::string& host) {
  return std::make_unique<TlsTransport>(std::move(socket), traffic, settings, role, host);
}

}  // namespace strata::net
