#pragma once
// What plain and TLS transports share: the socket and the way bytes leave. Only for .cc files: it
// needs Asio.

#include <string>

#include "net/internal/transport.h"
#include "net/internal/write_batch.h"
#include "net/internal/write_pieces.h"

namespace strata::net {

// Small writes are copied and leave with those of other connections (WriteBatch): to the caller
// they are done. Should the socket not take them, the next write waits for that; should it be
// broken, the sink's OnWritten is told, and writes fail from there on.
class SocketTransport : public Transport {
 public:
  ~SocketTransport() override;

  IoStep StartWrite(SinkPointer sink, std::span<const boost::asio::const_buffer> pieces) final;
  void StartShutdown(SinkPointer sink) final;
  void Close() final;
  std::string peer() const final { return PeerName(socket_); }
  SteadyTime last_write_progress() const final { return progress_; }

  // Only for WriteBatch.
  void FlushBatched();

 protected:
  using Wanted = Tcp::socket::wait_type;

  SocketTransport(Tcp::socket socket, Traffic& traffic);

  // Writes what the socket takes of `pieces` now; what it waits for where pieces are left.
  virtual Wanted WriteSome(WritePieces& pieces, ErrorCode& error) = 0;
  virtual void Shutdown() = 0;
  // The socket is about to be closed.
  virtual void Closing() {}

  Tcp::socket socket_;
  Traffic& traffic_;

 private:
  void SendBatched();
  void AwaitWritable(SinkPointer sink, Wanted wanted);
  void OnWritable(SinkPointer sink, ErrorCode error);
  void EndOverflow();
  Wanted Advance(ErrorCode& error);

  WriteBatch& batch_;
  std::string batched_;     // copies of small writes, not sent
  SinkPointer batched_by_;  // whose they are; set while there are any
  WritePieces pieces_;      // being written
  WritePieces next_;        // of a write that waits for an overflow to end
  SinkPointer next_sink_;
  SteadyTime progress_;
  bool in_batch_ = false;
  bool overflow_ = false;  // the socket did not take all of batched_: pieces_ is its rest
  bool broken_ = false;
  bool shutdown_wanted_ = false;  // when the overflow has ended
};

}  // namespace strata::net
