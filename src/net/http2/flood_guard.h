#pragma once
// Notices a peer that sends too much of what costs it nothing.

#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace strata::net::http2 {

inline constexpr std::chrono::seconds kFloodWindow{10};

// Counts what comes within one window after the other.
class FloodGuard {
 public:
  // False when more than `max` came within kFloodWindow.
  bool Count(SteadyTime now, std::uint32_t max) {
    if (now - since_ > kFloodWindow) {
      since_ = now;
      count_ = 0;
    }
    return ++count_ <= max;
  }

 private:
  SteadyTime since_{};
  std::uint32_t count_ = 0;
};

}  // namespace strata::net::http2
