#pragma once
// Whether this server should get traffic, and if not, why: GET /readyz.

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "store/journal.h"

namespace strata::server {

enum class Phase : std::uint8_t { kStarting, kServing, kDraining };

struct NotReady {
  std::string reason;  // "starting", "draining", "journal_full", "disk_full"
  std::string detail;
};

// Thread-safe.
class Readiness {
 public:
  void Set(Phase phase) { phase_.store(phase, std::memory_order_release); }
  Phase phase() const { return phase_.load(std::memory_order_acquire); }

  // Empty: ready. `disk_free_min` in bytes, of the disk that holds `folder`. Blocks for a look at
  // the file system.
  std::vector<NotReady> Check(const store::Journal& journal, const std::string& folder,
                              std::uint64_t disk_free_min) const;

 private:
  std::atomic<Phase> phase_{Phase::kStarting};
};

}  // namespace strata::server
