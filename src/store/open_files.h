#pragma once
// How many files, connections among them, this process may have open (RLIMIT_NOFILE).

#include <cstdint>

namespace strata::store {

std::uint64_t OpenFilesMax();

// Raises that to what the system grants for the asking, its hard limit; returns what it is then.
std::uint64_t RaiseOpenFilesMax();

}  // namespace strata::store
