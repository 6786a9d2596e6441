#include "net/internal/write_batch.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "net/internal/socket_transport.h"

namespace strata::net {
namespace {

// At a few microseconds of work a connection the first of them waits well under a millisecond.
constexpr std::size_t kTransportsMax = 32;

}  // namespace

boost::asio::execution_context::id WriteBatch::id;

void WriteBatch::Add(SocketTransport& transport, const boost::asio::any_io_executor& executor) {
  if (waiting_.size() >= kTransportsMax) Flush();
  waiting_.push_back(&transport);
  if (std::exchange(posted_, true)) return;
  boost::asio::post(executor, [this] {
    posted_ = false;
    Flush();
  });
}

void WriteBatch::Remove(const SocketTransport& transport) {
  std::replace(waiting_.begin(), waiting_.end(), const_cast<SocketTransport*>(&transport),
               static_cast<SocketTransport*>(nullptr));
  std::replace(sending_.begin(), sending_.end(), const_cast<SocketTransport*>(&transport),
               static_cast<SocketTransport*>(nullptr));
}

// Sending may release the last reference to a connection, and so remove other transports.
void WriteBatch::Flush() {
  std::swap(sending_, waiting_);
  for (std::size_t i = 0; i < sending_.size(); ++i) {
    if (auto* transport = std::exchange(sending_[i], nullptr)) transport->FlushBatched();
  }
  sending_.clear();
}

}  // namespace strata::net
