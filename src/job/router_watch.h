#pragma once
// Whether a router still decides as it did: its later requests against its earlier ones.

#include <map>
#include <span>
#include <string>
#include <vector>

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

struct RouterWatch {
  std::string version;  // "router/mix:3", the only one that is looked at
  RouterWindow before, now;
  learn::Stability models, decided_by;
  learn::Stability familiarity;  // tenths of how unfamiliar requests are
  // Each a sentence; empty: nothing to say.
  std::vector<std::string> alarms;
};

// Fewer requests in either window raise no alarm.
inline constexpr std::size_t kWatchedMin = 30;

// `traces`: of one router's requests, newest first. Those of the newest request's version are split
// in two halves by time.
RouterWatch WatchRouter(std::span<const observe::FinishedTrace> traces);

}  // namespace strata::job
