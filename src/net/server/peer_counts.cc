#include "net/server/peer_counts.h"

#include <algorithm>

namespace strata::net {
namespace {

namespace ip = boost::asio::ip;

ip::address PeerOf(const ip::address& address) {
  if (address.is_v4()) return address;
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return ip::address_v6(bytes);
}

}  // namespace

struct PeerCounts::Entry {
  Entry(std::shared_ptr<PeerCounts> all, ip::address at) : counts(std::move(all)), peer(at) {}
  ~Entry() {
    std::lock_guard lock(counts->mutex_);
    auto at = counts->open_.find(peer);
    if (--at->second == 0) counts->open_.erase(at);
  }
  std::shared_ptr<PeerCounts> counts;
  ip::address peer;
};

std::shared_ptr<void> PeerCounts::Enter(const ip::address& peer, std::size_t max) {
  auto key = PeerOf(peer);
  {
    std::lock_guard lock(mutex_);
    auto& open = open_[key];
    if (open >= max) return nullptr;
    ++open;
  }
  return std::make_shared<Entry>(shared_from_this(), key);
}

}  // namespace strata::net
