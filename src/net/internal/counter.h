#pragma once
// Numbers that one thread writes and any thread reads.

#include <atomic>
#include <cstdint>

namespace strata::net {

// One writing thread, so that counting takes no locked instruction.
class Counter {
 public:
  void Add(std::uint64_t by) { Set(value_.load(std::memory_order_relaxed) + by); }
  void Subtract(std::uint64_t by) { Set(value_.load(std::memory_order_relaxed) - by); }
  void Set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

// Bytes that passed through transports, TLS taken off.
struct Traffic {
  Counter in;
  Counter out;
};

}  // namespace strata::net
