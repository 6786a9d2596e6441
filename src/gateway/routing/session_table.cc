#include "gateway/routing/session_table.h"

namespace strata::gateway {

std::optional<route::SessionMemory> SessionTable::Find(std::uint64_t key, SteadyTime now) const {
  std::lock_guard lock(mutex_);
  auto at = entries_.find(key);
  if (at == entries_.end() || now - at->second.used > kCacheLife) return std::nullopt;
  return at->second.memory;
}

void SessionTable::Remember(std::uint64_t key, route::SessionMemory memory, SteadyTime now) {
  std::lock_guard lock(mutex_);
  if (entries_.size() >= kSessionsMax && !entries_.contains(key)) {
    std::erase_if(entries_, [&](const auto& item) { return now - item.second.used > kCacheLife; });
    if (entries_.size() >= kSessionsMax) return;
  }
  entries_[key] = {.memory = std::move(memory), .used = now};
}

}  // namespace strata::gateway
