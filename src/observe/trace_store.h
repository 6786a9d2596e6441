#pragma once
// Where finished traces are kept: one SQLite file a day (UTC), written in batches by one thread.
// Retention deletes whole files. A request never waits for it: when the queue is full, the trace is
// dropped and counted.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/options.h"
#include "base/span.h"
#include "base/task.h"

namespace strata::observe {

// All spans of one request and what it is found by.
struct FinishedTrace {
  std::string trace_id;
  WorkspaceId workspace;
  KeyId key;
  std::string subject;  // pseudonymous end user, "" unknown
  std::string dialect;
  std::string model;  // as asked
  std::vector<SpanRecord> spans;
};

struct TraceSummary {
  std::string trace_id;
  WorkspaceId workspace;
  KeyId key;
  std::string subject;
  std::string dialect;
  std::string model;
  WallTime start;
  std::chrono::microseconds duration{0};
  std::int64_t span_count = 0;
  std::string error_code;  // of the root span, "" without
};

struct TraceQuery {
  std::optional<WorkspaceId> workspace{};
  std::string text{};  // substring of any span's fields, "" any
  std::string model{};
  std::string key{};
  bool errors_only = false;
  std::optional<WallTime> from{};
  std::optional<WallTime> until{};
  std::size_t limit = 50;  // at most 1000; newest first
};

struct TraceStoreOptions {
  std::string folder;                     // the data folder
  int retention_days = 14;                // 0: kept for ever
  std::size_t queue_max = 4096;           // traces that wait to be written
  std::size_t trace_bytes_max = 4 << 20;  // a longer field is cut so that a trace fits
};
TraceStoreOptions TraceStoreOptionsOf(const Options& options, std::string folder);

// Thread-safe.
class TraceStore {
 public:
  static OptionTable TraceOptionTable();  // `trace.*`
  static Result<std::unique_ptr<TraceStore>> Open(TraceStoreOptions options,
                                                  const Clock& clock = SystemClock());
  ~TraceStore();  // writes what is queued

  // Never blocks, and never throws: a trace that cannot be kept is counted.
  void Submit(FinishedTrace trace);

  // kNotFound: never written, dropped, or past retention.
  Task<Result<FinishedTrace>> Get(std::string trace_id);
  Task<Result<std::vector<TraceSummary>>> List(TraceQuery query);
  // Removes the workspace's traces of that end user, overwriting them; returns how many. Durable
  // when it returns; after an error some days are done, and it may be called again.
  Task<Result<std::int64_t>> EraseSubject(std::string subject, WorkspaceId workspace);
  // Deletes files past retention; also done once an hour by the writer. Returns how many.
  Task<Result<std::int64_t>> DropExpired();

  // The same for callers that may block.
  Result<FinishedTrace> GetBlocking(const std::string& trace_id);
  Result<std::vector<TraceSummary>> ListBlocking(const TraceQuery& query);
  // Waits until everything submitted so far is written.
  void Flush();

  struct Counters {
    std::uint64_t written = 0;
    std::uint64_t dropped = 0;  // queue full, or it could not be written
  };
  Counters counters() const;

 private:
  struct State;
  explicit TraceStore(std::unique_ptr<State> state);
  void Enqueue(FinishedTrace& trace);
  std::unique_ptr<State> state_;
};

// The form that is stored: a JSON array of spans.
// Longer fields are cut at `field_max` bytes.
std::string SpansToJson(const std::vector<SpanRecord>& spans,
                        std::size_t field_max = std::size_t{1} << 30);
Result<std::vector<SpanRecord>> SpansFromJson(std::string_view json);

}  // namespace strata::observe
