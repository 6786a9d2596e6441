#pragma once
// How many attempts beyond the first a model may make: a share of its requests, and a few a second
// so that a quiet model may retry at all. Keeps an outage from being multiplied by its victims.
// Source: Finagle's RetryBudget (com.twitter.finagle.service.RetryBudget): 20 %, ten a second, kept
// for ten seconds.

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace strata::gateway {

struct RetryBudgetOptions {
  double share = 0.2;
  double per_second = 10;
};

// Thread-safe, lock-free. `clock` outlives it.
class RetryBudget {
 public:
  RetryBudget(const RetryBudgetOptions& options, const Clock& clock);

  void Request();  // one more request
  bool Take();     // false: no retry now

 private:
  bool TakeFromTime();

  static constexpr std::int64_t kOne = 1000;          // a retry, in what is saved
  static constexpr std::int64_t kSavedMax = 100'000;  // a hundred retries
  const std::int64_t deposit_;
  const std::int64_t every_us_;  // 0: nothing for free
  const Clock& clock_;
  std::atomic<std::int64_t> saved_{0};
  std::atomic<std::int64_t> next_free_us_{0};  // when the next free one is due, less the burst
};

}  // namespace strata::gateway
