#pragma once
// Idle client connections of one io thread, for all clients of the process. Only for .cc files: it
// needs Asio.

#include <boost/asio/execution_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "net/client/connection.h"

namespace strata::net {

// A service of an io_context: dies with it. Used on that context's thread only.
class ClientPools final : public boost::asio::execution_context::service {
 public:
  using key_type = ClientPools;
  static boost::asio::execution_context::id id;
  explicit ClientPools(boost::asio::execution_context& context)
      : boost::asio::execution_context::service(context) {}

  struct Limits {
    std::size_t idle_max = 64;  // a key
    std::chrono::milliseconds idle_timeout{60'000};
  };

  std::shared_ptr<ClientConnection> NewConnection(boost::asio::any_io_executor executor);
  // An idle connection, the one used last; nullptr when there is none that still stands.
  std::shared_ptr<ClientConnection> Take(const std::string& key, const Limits& limits);
  // Closes the connection when it cannot be used again or there are enough.
  void Put(const std::string& key, std::shared_ptr<ClientConnection> connection,
           const Limits& limits);

 private:
  using Idle = std::vector<std::shared_ptr<ClientConnection>>;
  void shutdown() override;
  static void CloseOld(Idle& idle, const Limits& limits, SteadyTime now);
  void SweepSoon(boost::asio::any_io_executor executor, const Limits& limits);

  std::map<std::string, Idle> idle_;
  std::vector<std::weak_ptr<ClientConnection>> all_;
  std::unique_ptr<boost::asio::steady_timer> sweep_;
  bool sweeping_ = false;
  bool closed_ = false;
};

}  // namespace strata::net
