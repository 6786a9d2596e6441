#pragma once
// Time as a dependency, so that tests and simulations own it.

#include <chrono>
#include <string>

namespace strata {

using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime Wall() const = 0;      // UTC
  virtual SteadyTime Steady() const = 0;  // for durations and deadlines
};

// The machine's clocks.
const Clock& SystemClock();

// Moves only when told. Owned by one thread.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start = WallTime{std::chrono::seconds(1'700'000'000)})
      : wall_(start) {}
  WallTime Wall() const override { return wall_; }
  SteadyTime Steady() const override { return steady_; }
  void Advance(std::chrono::microseconds by) {
    wall_ += by;
    steady_ += by;
  }

 private:
  WallTime wall_;
  SteadyTime steady_{std::chrono::hours(1)};
};

// "2026-11-22T08:23:39.123Z".
std::string FormatIso8601(WallTime time);

inline std::int64_t ToUnixMicros(WallTime time) { return time.time_since_epoch().count(); }
inline WallTime FromUnixMicros(std::int64_t micros) {
  return WallTime{std::chrono::microseconds(micros)};
}

}  // namespace strata
