#include "net/internal/socket_transport.h"

#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <utility>

#include "net/internal/coarse_clock.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;

// Writes up to this size, alone or together, are copied; a copy is cheap beside a system call.
constexpr std::size_t kBatchedBytesMax = 16 * 1024;

}  // namespace

SocketTransport::SocketTransport(Tcp::socket socket, Traffic& traffic)
    : socket_(std::move(socket)),
      traffic_(traffic),
      batch_(asio::use_service<WriteBatch>(
          asio::query(socket_.get_executor(), asio::execution::context))) {
  TuneSocket(socket_);
}

SocketTransport::~SocketTransport() {
  if (in_batch_) batch_.Remove(*this);
}

IoStep SocketTransport::StartWrite(SinkPointer sink, std::span<const asio::const_buffer> pieces) {
  if (broken_) return IoStep::kFailed;
  if (!overflow_ && asio::buffer_size(pieces) + batched_.size() <= kBatchedBytesMax) {
    if (!std::exchange(in_batch_, true)) batch_.Add(*this, socket_.get_executor());
    for (const auto& piece : pieces) {
      batched_.append(static_cast<const char*>(piece.data()), piece.size());
    }
    batched_by_ = std::move(sink);
    return IoStep::kDone;
  }
  SendBatched();
  if (broken_) return IoStep::kFailed;
  if (overflow_) {
    next_.Assign(pieces);
    next_sink_ = std::move(sink);
    return IoStep::kPending;
  }
  pieces_.Assign(pieces);
  ErrorCode error;
  auto wanted = Advance(error);
  if (error) return IoStep::kFailed;
  if (pieces_.empty()) return IoStep::kDone;
  AwaitWritable(std::move(sink), wanted);
  return IoStep::kPending;
}

void SocketTransport::FlushBatched() {
  in_batch_ = false;
  SendBatched();
}

// Callers have gone on: they hear of an error from the executor's queue, never within this call.
void SocketTransport::SendBatched() {
  if (overflow_ || batched_.empty()) return;
  auto sink = std::move(batched_by_);
  pieces_.Assign(std::array{asio::const_buffer(asio::buffer(batched_))});
  ErrorCode error;
  auto wanted = Advance(error);
  if (!error && !pieces_.empty()) {
    overflow_ = true;
    return AwaitWritable(std::move(sink), wanted);
  }
  batched_.clear();
  if (!error) return;
  broken_ = true;
  asio::post(socket_.get_executor(), [sink = std::move(sink), error] { sink->OnWritten(error); });
}

SocketTransport::Wanted SocketTransport::Advance(ErrorCode& error) {
  progress_ = CoarseNow();
  return WriteSome(pieces_, error);
}

void SocketTransport::AwaitWritable(SinkPointer sink, Wanted wanted) {
  socket_.async_wait(wanted, [this, sink = std::move(sink)](ErrorCode error) mutable {
    OnWritable(std::move(sink), error);
  });
}

void SocketTransport::OnWritable(SinkPointer sink, ErrorCode error) {
  if (!error && !socket_.is_open()) error = asio::error::operation_aborted;
  while (!error) {
    auto wanted = Advance(error);
    if (error) break;
    if (!pieces_.empty()) return AwaitWritable(std::move(sink), wanted);
    if (!overflow_) break;
    EndOverflow();
    if (!next_sink_) return;
    pieces_ = std::exchange(next_, {});
    sink = std::move(next_sink_);
  }
  if (error) {
    broken_ = true;
    next_sink_ = nullptr;
  }
  sink->OnWritten(error);
}

void SocketTransport::EndOverflow() {
  overflow_ = false;
  batched_.clear();
  if (shutdown_wanted_) Shutdown();
}

void SocketTransport::StartShutdown(SinkPointer) {
  SendBatched();
  shutdown_wanted_ = overflow_;
  if (!overflow_) Shutdown();
}

void SocketTransport::Close() {
  if (socket_.is_open()) SendBatched();
  Closing();
  ErrorCode ignored;
  socket_.close(ignored);
}

}  // namespace strata::net
