#include "net/client/pool.h"

#include <algorithm>

namespace strata::net {
namespace {

constexpr std::chrono::seconds kSweepEvery{5};

}  // namespace

boost::asio::execution_context::id ClientPools::id;

std::shared_ptr<ClientConnection> ClientPools::NewConnection(
    boost::asio::any_io_executor executor) {
  auto connection = std::make_shared<ClientConnection>(std::move(executor));
  // Those that ended are dropped each time the list would have to grow.
  if (all_.size() == all_.capacity()) {
    std::erase_if(all_, [](const auto& weak) { return weak.expired(); });
    all_.reserve(std::max<std::size_t>(64, all_.size() * 2));
  }
  all_.push_back(connection);
  return connection;
}

void ClientPools::CloseOld(Idle& idle, const Limits& limits, SteadyTime now) {
  std::erase_if(idle, [&](const auto& connection) {
    bool old = !connection->usable() || now - connection->idle_since() > limits.idle_timeout;
    if (old) connection->Close();
    return old;
  });
}

std::shared_ptr<ClientConnection> ClientPools::Take(const std::string& key, const Limits& limits) {
  auto at = idle_.find(key);
  if (at == idle_.end()) return nullptr;
  CloseOld(at->second, limits, std::chrono::steady_clock::now());
  if (at->second.empty()) return nullptr;
  auto connection = std::move(at->second.back());
  at->second.pop_back();
  return connection;
}

void ClientPools::Put(const std::string& key, std::shared_ptr<ClientConnection> connection,
                      const Limits& limits) {
  auto& idle = idle_[key];
  if (closed_ || !connection->usable() || idle.size() >= limits.idle_max) {
    return connection->Close();
  }
  connection->BecomeIdle(std::chrono::steady_clock::now());
  SweepSoon(connection->executor(), limits);
  idle.push_back(std::move(connection));
}

// Runs while connections are idle, and ends with the last of them.
void ClientPools::SweepSoon(boost::asio::any_io_executor executor, const Limits& limits) {
  if (std::exchange(sweeping_, true)) return;
  if (!sweep_) sweep_ = std::make_unique<boost::asio::steady_timer>(executor);
  sweep_->expires_after(kSweepEvery);
  sweep_->async_wait([this, executor, limits](ErrorCode error) {
    if (error) return;
    sweeping_ = false;
    auto now = std::chrono::steady_clock::now();
    for (auto& [key, idle] : idle_) CloseOld(idle, limits, now);
    std::erase_if(idle_, [](const auto& entry) { return entry.second.empty(); });
    if (!idle_.empty()) SweepSoon(executor, limits);
  });
}

void ClientPools::shutdown() {
  closed_ = true;
  idle_.clear();
  sweep_.reset();
  for (const auto& weak : std::exchange(all_, {})) {
    if (auto connection = weak.lock()) connection->Abandon();
  }
}

}  // namespace strata::net
