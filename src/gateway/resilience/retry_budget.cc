#include "gateway/resilience/retry_budget.h"

#include <algorithm>

namespace strata::gateway {
namespace {

constexpr std::int64_t kBurstUs = 10'000'000;  // free retries of ten seconds may come at once

}  // namespace

RetryBudget::RetryBudget(const RetryBudgetOptions& options, const Clock& clock)
    : deposit_(static_cast<std::int64_t>(options.share * kOne)),
      every_us_(options.per_second > 0 ? static_cast<std::int64_t>(1e6 / options.per_second) : 0),
      clock_(clock) {}

void RetryBudget::Request() {
  if (saved_.fetch_add(deposit_, std::memory_order_relaxed) > kSavedMax) {
    saved_.fetch_sub(deposit_, std::memory_order_relaxed);
  }
}

bool RetryBudget::Take() {
  auto saved = saved_.load(std::memory_order_relaxed);
  while (saved >= kOne) {
    if (saved_.compare_exchange_weak(saved, saved - kOne, std::memory_order_relaxed)) return true;
  }
  return TakeFromTime();
}

// The generic cell rate algorithm: each free retry moves the due time on by its share of a second.
bool RetryBudget::TakeFromTime() {
  if (every_us_ == 0) return false;
  auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(clock_.Steady().time_since_epoch())
          .count();
  auto due = next_free_us_.load(std::memory_order_relaxed);
  std::int64_t next = 0;
  do {
    next = std::max(due, now - kBurstUs) + every_us_;
    if (next > now) return false;
  } while (!next_free_us_.compare_exchange_weak(due, next, std::memory_order_relaxed));
  return true;
}

}  // namespace strata::gateway
