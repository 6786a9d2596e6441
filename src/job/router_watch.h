#pragma once
// Whether a router still decides as it did: its later requests against its earlier ones.

#include <map>
#include <span>
#include <string>
#include <vector>

#include "gateway/router_memory.h"
#include "job/shadow_labels.h"
#include "learn/calibration.h"
#include "learn/stability.h"
#include "observe/trace_store.h"

namespace strata::job {

// Of one window of requests.
struct RouterWindow {
  std::size_t requests = 0;
  std::map<std::string, std::size_t> models;      // that answered, or were escalated to
  std::map<std::string, std::size_t> decided_by;  // "rule", "learned", "fallback", …
  std::size_t predicted = 0;                      // requests that a learned router looked at
  std::size_t unfamiliar = 0;  // of these, how many were too far from its labelled rows
};

struct RouterAlarm {
  std::string_view name;  // of RouterAlarmNames()
  std::string text;       // a sentence with the figures
};
// "models", "one_model", "fallback", "failover", "unfamiliar", "familiarity", "quality".
std::span<const std::string_view> RouterAlarmNames();

struct RouterWatch {
  std::string version;  // "router/mix:3", the only one that is looked at
  RouterWindow before, now;
  learn::Stability models, decided_by;
  learn::Stability familiarity;  // tenths of how unfamiliar requests are
  std::vector<RouterAlarm> alarms;
};

// Fewer requests in either window raise no alarm.
inline constexpr std::size_t kWatchedMin = 30;

// `traces`: of one router's requests, newest first. Those of the newest request's version are split
// in two halves by time.
RouterWatch WatchRouter(std::span<const observe::FinishedTrace> traces);

// The same of what the running server remembers, with how often the fallback had to answer.
RouterWatch WatchRouter(const gateway::RouterRecord& record);

// Where shadow labels show that callers get less than the router's tolerance allows, beyond chance.
std::optional<RouterAlarm> QualityAlarm(const gateway::RouterRecord& record,
                                        const ShadowLabeler& labeler);

}  // namespace strata::job
