#pragma once
// Small writes of one io thread that leave together.
//
// A write wakes the peer. Where the peer runs on the same machine this costs more than the write
// itself, and one that is still busy with an earlier message need not be woken. So what the
// handlers of one turn of the event loop wrote is sent when that turn is over, or when enough
// connections have something to send. Only for .cc files: it needs Asio.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <vector>

namespace strata::net {

class SocketTransport;

// A service of an io_context: dies with it. Used on that context's thread only.
class WriteBatch final : public boost::asio::execution_context::service {
 public:
  using key_type = WriteBatch;
  static boost::asio::execution_context::id id;
  explicit WriteBatch(boost::asio::execution_context& context)
      : boost::asio::execution_context::service(context) {}

  // Calls transport.FlushBatched() soon: once, unless it is removed before.
  void Add(SocketTransport& transport, const boost::asio::any_io_executor& executor);
  void Remove(const SocketTransport& transport);

 private:
  void shutdown() override { waiting_.clear(); }
  void Flush();

  std::vector<SocketTransport*> waiting_;  // nullptr: removed while the batch is sent
  std::vector<SocketTransport*> sending_;
  bool posted_ = false;
};

}  // namespace strata::net
