#pragma once
// What was spent before this run began, read until that succeeds.

#include <chrono>
#include <functional>
#include <memory>

#include "base/task.h"
#include "observe/ledger.h"
#include "observe/spending.h"

namespace strata::observe {

using Sleep = std::function<Task<Result<>>(std::chrono::milliseconds)>;

// Spending::LoadPast, and again after a failure: whoever has a budget is not served before. Each
// failure is a warning; then waits a second, and twice as long each time, up to a minute. Ends when
// `sleep` fails, which is net::Sleep but in tests. `ledger` outlives the task.
Task<void> LoadSpending(std::shared_ptr<Spending> spending, Ledger& ledger, Sleep sleep);

}  // namespace strata::observe
