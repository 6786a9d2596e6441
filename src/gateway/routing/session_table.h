#pragma once
// Which model gave a conversation's last answer: what a provider's prompt cache is likely to hold.

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "route/policy_router.h"

namespace strata::gateway {

// Thread-safe. Bounded: when full, what has been silent for longer than the caches' life goes; when
// nothing has, nothing new is remembered.
class SessionTable {
 public:
  static constexpr std::size_t kSessionsMax = 100'000;
  // Providers keep a prompt for five minutes after its last use.
  static constexpr std::chrono::minutes kCacheLife{5};

  std::optional<route::SessionMemory> Find(std::uint64_t key, SteadyTime now) const;
  void Remember(std::uint64_t key, route::SessionMemory memory, SteadyTime now);

 private:
  struct Entry {
    route::SessionMemory memory;
    SteadyTime used;
  };
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, Entry> entries_;
};

}  // namespace strata::gateway
