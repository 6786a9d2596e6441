#pragma once
// Named places where a test may kill the process, to prove that nothing acknowledged is lost.
//
// STRATA_CRASH_AT="name:n" in the environment makes the n-th passage of that point raise SIGKILL.
// Points are always compiled in: one relaxed load when the variable is not set, and they stand on
// durable steps only.

#include <string_view>

namespace strata {

void CrashPoint(std::string_view name);

// STRATA_CRASH_COUNT=FILE makes every passage append "name\n" to FILE, so that a test can prove
// each point was reached.

}  // namespace strata
