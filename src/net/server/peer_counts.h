#pragma once
// How many connections each client address has. Only for .cc files: it needs Asio.

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

namespace strata::net {

// Thread-safe.
class PeerCounts : public std::enable_shared_from_this<PeerCounts> {
 public:
  // Counts a connection for as long as what is returned lives; nullptr when the peer has `max`
  // already. IPv6 addresses of one /64 network are one peer.
  std::shared_ptr<void> Enter(const boost::asio::ip::address& peer, std::size_t max);

 private:
  struct Entry;
  std::mutex mutex_;
  std::map<boost::asio::ip::address, std::size_t> open_;
};

}  // namespace strata::net
