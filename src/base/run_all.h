#pragma once
// Several tasks at once.

#include <vector>

#include "base/task.h"

namespace strata {

// Runs all of them on the caller's executor and returns when the last has ended. An exception of
// one is rethrown then. What they refer to outlives this call.
Task<void> RunAll(std::vector<Task<void>> tasks);

}  // namespace strata
