#pragma once
// Named places where a test may kill the process, to prove that nothing acknowledged is lost, or
// have an exception thrown, to prove that a thread outlives it.
//
// STRATA_CRASH_AT="name:n" in the environment makes the n-th passage of that point raise SIGKILL,
// STRATA_THROW_AT the same throw std::bad_alloc. Points are always compiled in: one relaxed load
// when neither variable is set. CrashPoints stand on durable steps only, ThrowPoints in the loops
// of threads, where nobody need be killed.

#include <string_view>

namespace strata {

void CrashPoint(std::string_view name);
void ThrowPoint(std::string_view name);

// STRATA_CRASH_COUNT=FILE makes every passage append "name\n" to FILE, so that a test can prove
// each point was reached.

}  // namespace strata
