#include "net/client/pool.h"

#include <algorithm>

#include "net/internal/coarse_clock.h"

namespace strata::net {
namespace {

constexpr std::chrono::seconds kSweepEvery{5};

// Those that ended are dropped each time the list would have to grow.
template <class T>
void AddTo(std::vector<std::weak_ptr<T>>& list, std::weak_ptr<T> added) {
  if (list.size() == list.capacity()) {
    std::erase_if(list, [](const auto& weak) { return weak.expired(); });
    list.reserve(std::max<std::size_t>(64, list.size() * 2));
  }
  list.push_back(std::move(added));
}

}  // namespace

boost::asio::execution_context::id ClientPools::id;

std::shared_ptr<Origin> ClientPools::Find(std::string_view key, const PoolLimits& limits,
                                          const boost::asio::any_io_executor& executor) {
  auto at = origins_.find(key);
  if (at == origins_.end()) {
    at = origins_.emplace(std::string(key), std::make_shared<Origin>()).first;
    at->second->limits = limits;
    SweepSoon(executor);
  }
  return at->second;
}

void ClientPools::Track(std::weak_ptr<CallGuard> guard) { AddTo(guards_, std::move(guard)); }

void ClientPools::AddHttp2(Origin& origin, std::shared_ptr<Http2Upstream> upstream) {
  AddTo(upstreams_, std::weak_ptr(upstream));
  std::erase_if(origin.http2, [](const auto& each) { return each->closed(); });
  origin.http2.push_back(std::move(upstream));
}

void ClientPools::CloseOld(Origin& origin, SteadyTime now) {
  std::erase_if(origin.idle, [&](const auto& connection) {
    bool old = !connection->usable() || now - connection->idle_since() > origin.limits.idle_timeout;
    if (old) connection->Close();
    return old;
  });
  std::erase_if(origin.http2, [](const auto& upstream) { return upstream->closed(); });
}

std::shared_ptr<ClientConnection> ClientPools::Take(Origin& origin) {
  auto now = CoarseNow();
  while (!origin.idle.empty()) {
    auto connection = std::move(origin.idle.back());
    origin.idle.pop_back();
    bool old = now - connection->idle_since() > origin.limits.idle_timeout;
    if (connection->usable() && !old) return connection;
    connection->Close();
  }
  return nullptr;
}

void ClientPools::Put(Origin& origin, std::shared_ptr<ClientConnection> connection) {
  if (closed_ || !connection->usable() || origin.idle.size() >= origin.limits.idle_max) {
    return connection->Close();
  }
  connection->BecomeIdle(CoarseNow());
  origin.idle.push_back(std::move(connection));
}

std::shared_ptr<Http2Upstream> ClientPools::WithRoom(Origin& origin) {
  for (const auto& upstream : origin.http2) {
    if (upstream->session().settled()) origin.streams_max = upstream->session().streams_max();
    if (upstream->has_room()) return upstream;
  }
  return nullptr;
}

// Runs while there are origins, and ends with the last of them.
void ClientPools::SweepSoon(boost::asio::any_io_executor executor) {
  if (std::exchange(sweeping_, true)) return;
  if (!sweep_) sweep_ = std::make_unique<boost::asio::steady_timer>(executor);
  sweep_->expires_after(kSweepEvery);
  sweep_->async_wait([this, executor](ErrorCode error) {
    if (error) return;
    sweeping_ = false;
    auto now = std::chrono::steady_clock::now();
    for (auto& [key, origin] : origins_) CloseOld(*origin, now);
    std::erase_if(origins_, [](const auto& entry) {
      const auto& origin = entry.second;
      return origin.use_count() == 1 && origin->idle.empty() && origin->http2.empty();
    });
    if (!origins_.empty()) SweepSoon(executor);
  });
}

void ClientPools::shutdown() {
  closed_ = true;
  origins_.clear();
  sweep_.reset();
  for (const auto& weak : std::exchange(upstreams_, {})) {
    if (auto upstream = weak.lock()) upstream->Abandon();
  }
  for (const auto& weak : std::exchange(guards_, {})) {
    if (auto guard = weak.lock()) guard->Abandon();
  }
}

}  // namespace strata::net
