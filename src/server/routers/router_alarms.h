#pragma once
// Alarms of the routers in use: in the log when one begins and when it is over, in /metrics, and in
// `strata route status`.

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "gateway/router_memory.h"
#include "job/router_watch.h"
#include "net/runtime.h"
#include "observe/metrics.h"

namespace strata::server {

// Thread-safe. Looks every half minute, on `runtime`, from construction to destruction; what it
// refers to outlives it.
class RouterAlarms {
 public:
  static constexpr std::chrono::seconds kEvery{30};
  static constexpr std::size_t kRoutersInMetrics = 100;

  // What else is known of a router's latest version: none, or one more alarm.
  using More = std::function<std::optional<job::RouterAlarm>(const gateway::RouterRecord&)>;
  RouterAlarms(const gateway::RouterMemory& memory, net::Runtime& runtime, More more = {});
  ~RouterAlarms();

  // Those that stand now for the version that the running server used last; logs what changed.
  std::vector<job::RouterAlarm> Of(const WorkspaceId& workspace, std::string_view version);
  void Write(observe::PrometheusText& out);

 private:
  struct Standing {
    std::shared_ptr<gateway::RouterRecord> record;
    std::vector<job::RouterAlarm> alarms;
  };
  std::vector<Standing> Look();
  Task<void> Run(std::shared_ptr<std::promise<void>> ended);

  const gateway::RouterMemory& memory_;
  const More more_;
  std::mutex mutex_;
  // Workspace, router and alarm of what was logged as begun.
  std::set<std::tuple<std::string, std::string, std::string>> logged_;
  std::stop_source stop_;
  std::future<void> ended_;
};

}  // namespace strata::server
