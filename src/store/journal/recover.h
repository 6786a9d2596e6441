#pragma once
// Reads what dead processes left in the journal's folder.

#include <cstdint>
#include <string>

#include "base/result.h"
#include "store/journal.h"

namespace strata::store {

struct Recovery {
  std::uint64_t records = 0;
  std::uint64_t interrupted = 0;
  std::uint64_t torn_segments = 0;
  std::uint64_t lost = 0;  // records that cannot be read
};

// Hands every final to `sink`, and every intent without one as interrupted; then removes the files.
// The caller holds the data folder, so whoever wrote them is dead. May be repeated after a crash in
// its middle. A file that is no journal is set aside as NAME.bad and logged.
Result<Recovery> RecoverJournal(const std::string& folder, const CallSink& sink);

}  // namespace strata::store
