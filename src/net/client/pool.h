#pragma once
// The client connections of one io thread, for all clients of the process. Only for .cc files: it
// needs Asio.

#include <boost/asio/execution_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/client/connection.h"
#include "net/client/http2_upstream.h"

namespace strata::net {

struct PoolLimits {
  std::size_t idle_max = 64;  // of an origin
  std::chrono::milliseconds idle_timeout{60'000};
};

// A connection being made that others wait for, as all may share it.
struct Dial {
  std::vector<std::weak_ptr<CallGuard>> waiting;
  bool done = false;
  std::optional<Error> error;  // why there is none; not set when the dialling call was interrupted
};

// What is connected to one server, for calls that may share.
struct Origin {
  enum class Speaks : std::uint8_t { kUnknown, kHttp11, kHttp2 };
  PoolLimits limits;
  std::vector<std::shared_ptr<ClientConnection>> idle;
  std::vector<std::shared_ptr<Http2Upstream>> http2;
  std::shared_ptr<Dial> dial;  // nullptr: none
  Speaks speaks = Speaks::kUnknown;
  std::size_t streams_max = 100;  // of one of its HTTP/2 connections, as far as is known
};

// A service of an io_context: dies with it. Used on that context's thread only.
class ClientPools final : public boost::asio::execution_context::service {
 public:
  using key_type = ClientPools;
  static boost::asio::execution_context::id id;
  explicit ClientPools(boost::asio::execution_context& context)
      : boost::asio::execution_context::service(context) {}

  // What the key stands for; made when it is new, and forgotten some time after its last use.
  std::shared_ptr<Origin> Find(std::string_view key, const PoolLimits& limits,
                               const boost::asio::any_io_executor& executor);

  // Whatever waits under `guard` ends with the io_context.
  void Track(std::weak_ptr<CallGuard> guard);
  void AddHttp2(Origin& origin, std::shared_ptr<Http2Upstream> upstream);

  // An idle connection, the one used last; nullptr when there is none that still stands.
  std::shared_ptr<ClientConnection> Take(Origin& origin);
  // Closes the connection when it cannot be used again or there are enough.
  void Put(Origin& origin, std::shared_ptr<ClientConnection> connection);
  // One that takes another call.
  static std::shared_ptr<Http2Upstream> WithRoom(Origin& origin);

 private:
  void shutdown() override;
  static void CloseOld(Origin& origin, SteadyTime now);
  void SweepSoon(boost::asio::any_io_executor executor);

  std::map<std::string, std::shared_ptr<Origin>, std::less<>> origins_;
  std::vector<std::weak_ptr<CallGuard>> guards_;
  std::vector<std::weak_ptr<Http2Upstream>> upstreams_;
  std::unique_ptr<boost::asio::steady_timer> sweep_;
  bool sweeping_ = false;
  bool closed_ = false;
};

}  // namespace strata::net
