#include "server/routers/router_alarms.h"

#include <algorithm>

#include "base/caught.h"
#include "base/log.h"

namespace strata::server {

RouterAlarms::RouterAlarms(const gateway::RouterMemory& memory, net::Runtime& runtime, More more)
    : memory_(memory), more_(std::move(more)) {
  auto ended = std::make_shared<std::promise<void>>();
  ended_ = ended->get_future();
  runtime.Spawn(Run(std::move(ended)));
}

RouterAlarms::~RouterAlarms() {
  stop_.request_stop();
  ended_.wait();
}

Task<void> RouterAlarms::Run(std::shared_ptr<std::promise<void>> ended) {
  while ((co_await net::Sleep(kEvery, stop_.get_token())).has_value()) {
    CallCaught("server.router_alarms", [this] { Look(); });
  }
  ended->set_value();
}

std::vector<RouterAlarms::Standing> RouterAlarms::Look() {
  std::lock_guard lock(mutex_);
  std::vector<Standing> out;
  decltype(logged_) now;
  for (auto& record : memory_.Latest()) {
    auto alarms = job::WatchRouter(*record).alarms;
    if (auto one = more_ ? more_(*record) : std::nullopt) alarms.push_back(std::move(*one));
    for (const auto& alarm : alarms) {
      std::tuple key(record->workspace().value, record->name(), std::string(alarm.name));
      if (!logged_.contains(key)) {
        Log(Level::kWarning, "route.alarm",
            {{"workspace", record->workspace().value},
             {"router", record->version()},
             {"alarm", alarm.name},
             {"what", alarm.text}});
      }
      now.insert(std::move(key));
    }
    out.push_back({std::move(record), std::move(alarms)});
  }
  for (const auto& key : logged_) {
    if (now.contains(key)) continue;
    Log(Level::kInfo, "route.alarm_over",
        {{"workspace", std::get<0>(key)},
         {"router", std::get<1>(key)},
         {"alarm", std::get<2>(key)}});
  }
  logged_ = std::move(now);
  return out;
}

std::vector<job::RouterAlarm> RouterAlarms::Of(const WorkspaceId& workspace,
                                               std::string_view version) {
  for (auto& standing : Look()) {
    bool same = standing.record->workspace() == workspace && standing.record->version() == version;
    if (same) return std::move(standing.alarms);
  }
  return {};
}

void RouterAlarms::Write(observe::PrometheusText& out) {
  auto standing = Look();
  // The number of series is bounded; further routers are in the log and in their status.
  if (standing.size() > kRoutersInMetrics) standing.resize(kRoutersInMetrics);
  out.Family("strata_router_decisions_total", "counter",
             "Requests by router and the model that it chose, of its version in use.");
  for (const auto& one : standing) {
    for (const auto& [model, count] : one.record->Counts()) {
      out.Sample("strata_router_decisions_total",
                 {{"workspace", one.record->workspace().value},
                  {"router", one.record->version()},
                  {"model", model}},
                 static_cast<double>(count));
    }
  }
  out.Family("strata_router_alarm", "gauge", "1 while the router's alarm stands.");
  for (const auto& one : standing) {
    for (auto name : job::RouterAlarmNames()) {
      bool stands = std::ranges::any_of(one.alarms, [&](const auto& a) { return a.name == name; });
      out.Sample("strata_router_alarm",
                 {{"workspace", one.record->workspace().value},
                  {"router", one.record->version()},
                  {"alarm", name}},
                 stands ? 1 : 0);
    }
  }
}

}  // namespace strata::server
