#pragma once
// The time for what is compared with time-outs: a few milliseconds behind, at a third of the price.

#include <ctime>

#include "base/clock.h"

namespace strata::net {

// SteadyTime as of the kernel's last tick.
inline SteadyTime CoarseNow() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return SteadyTime(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace strata::net
