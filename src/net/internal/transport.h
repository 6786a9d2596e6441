#pragma once
// One byte stream to a peer, plain or TLS, driven by callbacks: no coroutine frame a read. Only for
// .cc files: it needs Asio.

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/internal/counter.h"

namespace strata::net {

struct TlsSettings;
using ErrorCode = boost::system::error_code;
using Tcp = boost::asio::ip::tcp;

// Who is told about a transport's operations, on the transport's io thread. Operations keep their
// sink alive.
class TransportSink {
 public:
  virtual ~TransportSink() = default;
  virtual void OnHandshake(ErrorCode error) = 0;
  virtual void OnRead(ErrorCode error, std::size_t bytes) = 0;
  virtual void OnWritten(ErrorCode error) = 0;
};
using SinkPointer = std::shared_ptr<TransportSink>;

enum class IoStep : std::uint8_t { kDone, kPending, kFailed };

// Up to this many pieces are written together.
inline constexpr std::size_t kWritePiecesMax = 4;

// At most one read and one write at a time; used on one thread. Closing ends both with an error.
class Transport {
 public:
  virtual ~Transport() = default;

  // TLS handshake (plain: reported done). Reported by OnHandshake.
  virtual void StartHandshake(SinkPointer sink) = 0;
  // Reads some bytes into `into`, which must stay valid. Reported by OnRead.
  virtual void StartRead(SinkPointer sink, boost::asio::mutable_buffer into) = 0;
  // Writes all pieces. kDone, kFailed: finished within the call; kPending: the bytes must stay
  // valid until OnWritten.
  virtual IoStep StartWrite(SinkPointer sink,
                            std::span<const boost::asio::const_buffer> pieces) = 0;
  // Says goodbye: no byte will be written any more. The peer may still be read.
  virtual void StartShutdown(SinkPointer sink) = 0;
  virtual void Close() = 0;

  virtual bool secure() const = 0;
  // The handshake was a short one that took up an earlier session.
  virtual bool session_reused() const = 0;
  // "h2", "http/1.1" or "" after the handshake.
  virtual std::string_view protocol() const = 0;
  virtual std::string peer() const = 0;
  // When bytes last went out; for write time-outs.
  virtual SteadyTime last_write_progress() const = 0;

  // Lets `token` live as long as the connection.
  void Hold(std::shared_ptr<void> token) { held_ = std::move(token); }

 private:
  std::shared_ptr<void> held_;
};

// For messages and their answers: each write leaves at once, and what came is acknowledged by the
// next write.
void TuneSocket(Tcp::socket& socket);

// "127.0.0.1:51234".
std::string PeerName(const Tcp::socket& socket);

// `traffic` counts the bytes; it outlives the transport.
std::unique_ptr<Transport> MakePlainTransport(Tcp::socket socket, Traffic& traffic);

enum class TlsRole : std::uint8_t { kServer, kClient };
// `host`: name for SNI and certificate verification; clients only.
std::unique_ptr<Transport> MakeTlsTransport(Tcp::socket socket, Traffic& traffic,
                                            TlsSettings& settings, TlsRole role,
                                            const std::string& host = {});

}  // namespace strata::net
