#include "observe/trace_store.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "base/caught.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "base/pool.h"
#include "observe/trace_file.h"
#include "store/file.h"
#include "store/sqlite.h"

namespace strata::observe {
namespace {

using store::Database;

constexpr Option kOptions[] = {
    {"trace.retention_days", OptionKind::kInteger, "days", "14", "0..3650",
     "Files of traces older than this are deleted; 0 keeps them for ever."},
    {"trace.queue_max", OptionKind::kInteger, "traces", "4096", "1..1000000",
     "Finished traces that wait to be written; one more is dropped and counted."},
    {"trace.bytes_max", OptionKind::kInteger, "bytes", "4194304", "4096..67108864",
     "Size of one stored trace; longer fields are cut so that it fits."},
};

constexpr std::size_t kBatch = 1024;  // traces a transaction
constexpr std::chrono::milliseconds kBatchWait{250};
constexpr std::size_t kFilesOpen = 2;  // days the writer keeps open
constexpr std::size_t kListMax = 1000;
constexpr auto kExpiryEvery = std::chrono::hours(1);

std::string PathOf(const std::string& folder, std::string_view day) {
  return fmt::format("{}/traces-{}.db", folder, day);
}

// Days that have a file, newest first.
Result<std::vector<std::string>> Days(const std::string& folder) {
  STRATA_TRY(auto names, store::ListFolder(folder));
  std::vector<std::string> days;
  for (const auto& name : names) {
    if (name.starts_with("traces-") && name.ends_with(".db") && name.size() == 20) {
      days.push_back(name.substr(7, 10));
    }
  }
  std::reverse(days.begin(), days.end());
  return days;
}

}  // namespace

struct TraceStore::State {
  State(TraceStoreOptions given, const Clock& given_clock)
      : options(std::move(given)), clock(given_clock) {}

  const TraceStoreOptions options;
  const Clock& clock;
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable flushed;
  TraceBatch queue;
  std::uint64_t submitted = 0;
  std::uint64_t handled = 0;  // written or dropped, of those submitted
  bool closing = false;
  int waiting = 0;  // callers of Flush; 0: the writer may wait for a fuller batch
  std::atomic<std::uint64_t> written{0};
  std::atomic<std::uint64_t> dropped{0};
  std::map<std::string, std::unique_ptr<Database>> files;  // writer only, by day
  WallTime next_expiry{};                                  // writer only
  std::uint64_t unreported = 0;                            // writer only: lost, and not logged yet
  SteadyTime next_report{};                                // writer only
  std::thread thread;
  std::unique_ptr<Pool> readers;  // destroyed first

  void Loop();
  void WriteBatch(std::span<const TraceRow> batch);
  std::size_t WriteNext(std::span<const TraceRow> batch);
  void Lose(std::size_t traces, std::string_view why);
  Result<> WriteDay(const std::string& day, std::span<const TraceRow> traces);
  Result<Database*> FileOf(const std::string& day);
  Result<std::int64_t> DropExpired();
  void ExpireWhenDue();
  std::string OldestDay() const;
  void Flush();

  Result<FinishedTrace> Get(const std::string& trace_id);
  Result<std::vector<TraceSummary>> List(const TraceQuery& query);
  Result<std::int64_t> Erase(const std::string& subject, const WorkspaceId& workspace);
};

void TraceStore::State::Loop() {
  TraceBatch batch;
  while (true) {
    batch.Clear();
    {
      std::unique_lock lock(mutex);
      wake.wait_for(lock, std::chrono::minutes(1), [&] { return closing || queue.size() > 0; });
      // One transaction for many traces; whoever wants to read them does not wait for it.
      wake.wait_for(lock, kBatchWait,
                    [&] { return closing || waiting > 0 || queue.size() >= kBatch; });
      if (queue.size() == 0 && closing) return;
      std::swap(batch, queue);
    }
    auto count = batch.size();
    if (count > 0) WriteBatch(batch.Rows());
    CallCaught("trace.expire", [&] { ExpireWhenDue(); });
    {
      std::lock_guard lock(mutex);
      handled += count;
    }
    flushed.notify_all();
  }
}

// A trace is not worth the process: what throws here is out of memory, and costs the traces of one
// transaction.
void TraceStore::State::WriteBatch(std::span<const TraceRow> batch) {
  while (!batch.empty()) {
    std::size_t taken = std::min(batch.size(), kBatch);
    try {
      taken = WriteNext(batch.first(taken));
    } catch (...) {
      files.clear();  // of whose state nobody can be sure
      Lose(taken, WhatThrown(std::current_exception()));
    }
    batch = batch.subspan(taken);
  }
}

// In the order they came: those of one day that stand together share a transaction. How many they
// are; they are written, or counted as lost.
std::size_t TraceStore::State::WriteNext(std::span<const TraceRow> batch) {
  auto day_of = [](const TraceRow& row) {
    return std::chrono::floor<std::chrono::days>(row.start);
  };
  auto other = std::ranges::find_if(
      batch, [&](const auto& row) { return day_of(row) != day_of(batch.front()); });
  auto traces = batch.first(static_cast<std::size_t>(other - batch.begin()));
  auto day = DayOf(traces.front().start);
  ThrowPoint("trace.write");
  if (day < OldestDay()) {
    dropped += traces.size();
  } else if (auto done = WriteDay(day, traces); done.has_value()) {
    written += traces.size();
  } else {
    Lose(traces.size(), done.error().message());
  }
  return traces.size();
}

// A full disk loses every trace: one line a minute says how many.
void TraceStore::State::Lose(std::size_t traces, std::string_view why) {
  constexpr auto kReportEvery = std::chrono::minutes(1);
  dropped += traces;
  unreported += traces;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_report) return;
  next_report = now + kReportEvery;
  Log(Level::kWarning, "trace.write.failed",
      {{"traces", std::exchange(unreported, 0)}, {"error", why}});
}

void TraceStore::State::ExpireWhenDue() {
  if (clock.Wall() < next_expiry) return;
  next_expiry = clock.Wall() + kExpiryEvery;
  if (auto done = DropExpired(); !done.has_value()) {
    Log(Level::kWarning, "trace.expiry.failed", {{"error", done.error().message()}});
  }
}

Result<> TraceStore::State::WriteDay(const std::string& day, std::span<const TraceRow> traces) {
  STRATA_TRY(auto* file, FileOf(day));
  STRATA_TRY(auto transaction, store::Transaction::Begin(*file));
  STRATA_CHECK_OK(WriteTraces(*file, traces, options.trace_bytes_max));
  return transaction.Commit();
}

Result<Database*> TraceStore::State::FileOf(const std::string& day) {
  auto it = files.find(day);
  if (it != files.end()) return it->second.get();
  STRATA_TRY(auto file, OpenTraceFile(PathOf(options.folder, day)));
  auto* raw = file.get();
  files.emplace(day, std::move(file));
  if (files.size() > kFilesOpen) {
    files.erase(files.begin()->first == day ? std::prev(files.end()) : files.begin());
  }
  return raw;
}

// Days before it are past retention.
std::string TraceStore::State::OldestDay() const {
  if (options.retention_days == 0) return {};
  return DayOf(clock.Wall() - std::chrono::hours(24) * options.retention_days);
}

Result<std::int64_t> TraceStore::State::DropExpired() {
  STRATA_TRY(auto days, Days(options.folder));
  auto oldest = OldestDay();
  std::int64_t removed = 0;
  for (const auto& day : days) {
    if (day >= oldest) continue;
    for (const char* suffix : {"", "-wal", "-shm"}) {
      STRATA_CHECK_OK(store::RemoveFile(PathOf(options.folder, day) + suffix));
    }
    ++removed;
    Log(Level::kInfo, "trace.expired", {{"day", day}});
  }
  return removed;
}

void TraceStore::State::Flush() {
  std::unique_lock lock(mutex);
  auto goal = submitted;
  if (handled >= goal) return;
  ++waiting;
  wake.notify_all();
  flushed.wait(lock, [&] { return handled >= goal; });
  --waiting;
}

Result<FinishedTrace> TraceStore::State::Get(const std::string& trace_id) {
  Flush();  // a trace can be read as soon as it was handed in
  STRATA_TRY(auto days, Days(options.folder));
  for (const auto& day : days) {
    auto file = OpenTraceFileToRead(PathOf(options.folder, day));
    if (!file.has_value()) {
      if (file.error().code() == Code::kNotFound) continue;  // retention was faster
      return Fail(std::move(file.error()));
    }
    STRATA_TRY(auto trace, ReadTrace(**file, trace_id));
    if (trace) return std::move(*trace);
  }
  return Fail(NotFound("trace", trace_id));
}

Result<std::vector<TraceSummary>> TraceStore::State::List(const TraceQuery& query) {
  Flush();
  STRATA_TRY(auto days, Days(options.folder));
  auto limit = std::min(query.limit, kListMax);
  std::vector<TraceSummary> all;
  for (const auto& day : days) {
    if (all.size() >= limit) break;
    if (query.from && day < DayOf(*query.from)) break;
    if (query.until && day > DayOf(*query.until)) continue;
    auto file = OpenTraceFileToRead(PathOf(options.folder, day));
    if (!file.has_value()) {
      if (file.error().code() == Code::kNotFound) continue;
      return Fail(std::move(file.error()));
    }
    STRATA_TRY(auto some, ListTraces(**file, query, limit - all.size()));
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

Result<std::int64_t> TraceStore::State::Erase(const std::string& subject,
                                              const WorkspaceId& workspace) {
  if (subject.empty()) return Fail(InvalidArgument("subject", "expected an id"));
  Flush();  // what waits in the queue may be theirs
  STRATA_TRY(auto days, Days(options.folder));
  std::int64_t erased = 0;
  for (const auto& day : days) {
    STRATA_TRY(auto file, OpenTraceFile(PathOf(options.folder, day)));
    STRATA_TRY(auto count, EraseTraces(*file, subject, workspace));
    erased += count;
  }
  return erased;
}

// ---- TraceStore

OptionTable TraceStore::TraceOptionTable() { return kOptions; }

TraceStoreOptions TraceStoreOptionsOf(const Options& options, std::string folder) {
  TraceStoreOptions out;
  out.folder = std::move(folder);
  out.retention_days = static_cast<int>(options.Integer("trace.retention_days"));
  out.queue_max = static_cast<std::size_t>(options.Integer("trace.queue_max"));
  out.trace_bytes_max = static_cast<std::size_t>(options.Integer("trace.bytes_max"));
  return out;
}

TraceStore::TraceStore(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->thread = std::thread([s = state_.get()] { s->Loop(); });
  pthread_setname_np(state_->thread.native_handle(), "traces");
}

TraceStore::~TraceStore() {
  state_->readers.reset();
  {
    std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->wake.notify_all();
  state_->thread.join();
}

Result<std::unique_ptr<TraceStore>> TraceStore::Open(TraceStoreOptions options,
                                                     const Clock& clock) {
  STRATA_CHECK_OK(store::MakeFolder(options.folder));
  auto state = std::make_unique<State>(std::move(options), clock);
  state->readers = std::make_unique<Pool>("r:traces", 2, 256);
  state->next_expiry = clock.Wall();
  return std::unique_ptr<TraceStore>(new TraceStore(std::move(state)));
}

void TraceStore::Submit(FinishedTrace trace) {
  if (trace.spans.empty()) return;
  // A request ends here, on whatever thread it is: it has answered, whatever becomes of its trace.
  try {
    Enqueue(trace);
  } catch (...) {
    ++state_->dropped;
    Log(Level::kWarning, "trace.submit.failed", {{"what", WhatThrown(std::current_exception())}});
  }
}

void TraceStore::Enqueue(FinishedTrace& trace) {
  // Here, and not by the writer: the spans' memory is free for the next request while it is still
  // in the cache, and what waits for the writer is small.
  std::string spans;
  const auto row = EncodeTrace(trace, state_->options.trace_bytes_max, spans);
  bool wake = false;
  {
    std::lock_guard lock(state_->mutex);
    if (state_->queue.size() >= state_->options.queue_max) {
      ++state_->dropped;
      return;
    }
    state_->queue.Add(row);
    ++state_->submitted;
    wake = state_->queue.size() == 1 || state_->queue.size() == kBatch;
  }
  if (wake) state_->wake.notify_one();
}

Task<Result<FinishedTrace>> TraceStore::Get(std::string trace_id) {
  auto work = [this, &trace_id] { return state_->Get(trace_id); };
  co_return co_await RunBlocking(*state_->readers, work);
}
Task<Result<std::vector<TraceSummary>>> TraceStore::List(TraceQuery query) {
  auto work = [this, &query] { return state_->List(query); };
  co_return co_await RunBlocking(*state_->readers, work);
}
Task<Result<std::int64_t>> TraceStore::EraseSubject(std::string subject, WorkspaceId workspace) {
  auto work = [this, &subject, &workspace] { return state_->Erase(subject, workspace); };
  co_return co_await RunBlocking(*state_->readers, work);
}
Task<Result<std::int64_t>> TraceStore::DropExpired() {
  auto work = [this] { return state_->DropExpired(); };
  co_return co_await RunBlocking(*state_->readers, work);
}

Result<FinishedTrace> TraceStore::GetBlocking(const std::string& trace_id) {
  return state_->Get(trace_id);
}
Result<std::vector<TraceSummary>> TraceStore::ListBlocking(const TraceQuery& query) {
  return state_->List(query);
}
void TraceStore::Flush() { state_->Flush(); }

TraceStore::Counters TraceStore::counters() const { return {state_->written, state_->dropped}; }

}  // namespace strata::observe
