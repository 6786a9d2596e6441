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

// A trace as it is stored: its spans as text, which is a fraction of what they are in memory.
struct TraceRow {
  FinishedTrace about;  // without spans
  WallTime start;
  WallTime finish;
  std::size_t span_count = 0;
  std::string error_code;  // of the root span, "" without
  std::string spans;
};

// `trace` has spans. The longest fields are cut so that the spans' text fits `trace_bytes_max`.
TraceRow EncodeTrace(FinishedTrace trace, std::size_t trace_bytes_max);

// Inside a transaction. A second part of the same trace is added to the first, up to
// `trace_bytes_max`.
Result<> WriteTraces(store::Database& database, std::span<const TraceRow> rows,
                     std::size_t trace_bytes_max);

Result<std::optional<FinishedTrace>> ReadTrace(store::Database& database,
                                               const std::string& trace_id);

// Newest first, at most `limit`.
Result<std::vector<TraceSummary>> ListTraces(store::Database& database, const TraceQuery& query,
                                             std::size_t limit);

// Overwrites what is removed, also what an erasure that was cut short had removed. Returns how many
// traces that were.
Result<std::int64_t> EraseTraces(store::Database& database, const std::string& subject,
                                 const WorkspaceId& workspace);

// UTC day, "2026-11-22".
std::string DayOf(WallTime time);
// Of the earliest span.
WallTime StartOf(const FinishedTrace& trace);

}  // namespace strata::observe
