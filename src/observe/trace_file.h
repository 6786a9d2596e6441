#pragma once
// One traces-DAY.db: its schema and what is asked of it. Blocks.

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "observe/trace_store.h"
#include "store/sqlite.h"

namespace strata::observe {

Result<std::unique_ptr<store::Database>> OpenTraceFile(const std::string& path);
Result<std::unique_ptr<store::Database>> OpenTraceFileToRead(const std::string& path);

// A trace as it is stored: its spans as text, which is a fraction of what they are in memory.
// Views: of what it was made from, or of a batch.
struct TraceRow {
  std::string_view trace_id, workspace, key, subject, dialect, model;
  std::string_view error_code;  // of the root span, "" without
  std::string_view spans;
  WallTime start;
  WallTime finish;
  std::size_t span_count = 0;
};

// Traces on their way to the writer, their texts in one block of memory: whoever served a request
// copies them once, and no thread frees small blocks of another, which is dear for both.
class TraceBatch {
 public:
  void Add(const TraceRow& row);
  std::size_t size() const { return entries_.size(); }
  // In the order in which they were added; valid until the batch changes.
  std::vector<TraceRow> Rows() const;
  void Clear();  // keeps the memory that batches usually take

 private:
  struct Entry {
    WallTime start;
    WallTime finish;
    std::size_t span_count = 0;
    std::array<std::size_t, 8> sizes{};  // of the row's texts
  };
  std::string texts_;  // one behind the other
  std::vector<Entry> entries_;
};

// `trace` has spans; its texts are made UTF-8. The longest fields are cut so that `spans`, which is
// set to their text, fits `trace_bytes_max`.
TraceRow EncodeTrace(FinishedTrace& trace, std::size_t trace_bytes_max, std::string& spans);

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
