#pragma once
// One traces-DAY.db: its schema and what is asked of it. Blocks.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "observe/trace_store.h"
#include "store/sqlite.h"

namespace strata::observe {

Result<std::unique_ptr<store::Database>> OpenTraceFile(const std::string& path);
Result<std::unique_ptr<store::Database>> OpenTraceFileToRead(const std::string& path);

// Inside a transaction. A second part of the same trace is added to the first.
Result<> WriteTrace(store::Database& database, const FinishedTrace& trace,
                    std::size_t trace_bytes_max);

Result<std::optional<FinishedTrace>> ReadTrace(store::Database& database,
                                               const std::string& trace_id);

// Newest first, at most `limit`.
Result<std::vector<TraceSummary>> ListTraces(store::Database& database, const TraceQuery& query,
                                             std::size_t limit);

// `column`: subject or key. Overwrites what is removed. Returns how many traces that were.
Result<std::int64_t> EraseTraces(store::Database& database, std::string_view column,
                                 const std::string& value);

// UTC day of the earliest span, "2026-11-22".
std::string DayOf(WallTime time);
WallTime StartOf(const FinishedTrace& trace);

}  // namespace strata::observe
