#pragma once
// The configuration in force, and what of it requests read, parsed once. A reload swaps it whole; a
// request that runs keeps the one that it began with.

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>

#include "base/span.h"
#include "gateway/check_hooks.h"
#include "guard/guardrails.h"
#include "server/config.h"
#include "server/cors.h"

namespace strata::server {

enum class MetricsAccess : std::uint8_t { kKey, kLoopback, kOpen };
enum class LoggedRequests : std::uint8_t { kAll, kErrors, kNone };

struct Settings {
  std::chrono::seconds request_timeout{600};
  std::chrono::seconds drain_timeout{30};
  Texts trace_text = Texts::kKept;
  MetricsAccess metrics_access = MetricsAccess::kKey;
  LoggedRequests logged_requests = LoggedRequests::kAll;
  std::uint64_t disk_free_min = 0;
  Cors cors;
};

// kInvalidArgument names the option.
Result<Settings> SettingsFrom(const Options& options);

// Options `log.*`; ApplyLogOptions puts level and format in force.
OptionTable LogOptionTable();
void ApplyLogOptions(const Options& options);

struct LiveState {
  Config config;
  Settings settings;
  std::shared_ptr<const guard::Guardrails> guardrails;  // null: none are configured
  std::shared_ptr<const gateway::CheckHooks> hooks;     // never null
};

// Thread-safe.
class LiveConfig {
 public:
  static Result<std::shared_ptr<const LiveState>> Make(Config config);

  explicit LiveConfig(std::shared_ptr<const LiveState> state) : state_(std::move(state)) {}

  std::shared_ptr<const LiveState> Now() const {
    std::lock_guard lock(mutex_);
    return state_;
  }
  void Swap(std::shared_ptr<const LiveState> next) {
    std::lock_guard lock(mutex_);
    state_.swap(next);
  }

 private:
  mutable std::mutex mutex_;  // held only to copy or swap the pointer
  std::shared_ptr<const LiveState> state_;
};

}  // namespace strata::server
