#include "store/journal.h"

#include <fmt/format.h>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "base/caught.h"
#include "base/log.h"
#include "store/call_key.h"
#include "store/file.h"
#include "store/journal/drain.h"
#include "store/journal/lanes.h"
#include "store/journal/recover.h"

namespace strata::store {
namespace {

constexpr Option kOptions[] = {
    {"journal.segment_bytes", OptionKind::kInteger, "bytes", "8388608", "65536..268435456",
     "Size of one journal file; a thread holds at most about one open call for each 4 KiB of it."},
    {"journal.bytes_max", OptionKind::kInteger, "bytes", "536870912", "1048576..68719476736",
     "Size of all journal files together; beyond it the journal is full (see journal.when_full)."},
    {"journal.drain_every", OptionKind::kInteger, "ms", "200", "1..60000",
     "How often finished calls are moved from the journal to the ledger."},
    {"journal.fsync_every", OptionKind::kInteger, "ms", "0", "0..60000",
     "How often the journal is forced to the disk, for power loss; 0 is never (a killed process "
     "loses nothing either way)."},
    {"journal.when_full", OptionKind::kText, "", "refuse", "refuse|unrecorded",
     "What a full journal or disk does to new calls: refuse them (503), or serve them without a "
     "record and count them."},
};

constexpr char kBroken[] = "the journal can no longer reach the ledger; a restart recovers it";

struct AtomicCounters {
  std::atomic<std::uint64_t> intents{0}, finals{0}, interrupted{0}, unrecorded{0}, refused{0};
  std::atomic<std::uint64_t> sink_failures{0}, recovered{0}, torn_segments{0};
  std::atomic<std::uint64_t> abandoned{0}, delivered{0}, lost{0};
};

bool IsPowerOfTwo(std::uint64_t n) { return n != 0 && (n & (n - 1)) == 0; }

template <class F>
Result<> NotThrowing(F&& work) {
  try {
    return std::forward<F>(work)();
  } catch (...) {
    return Fail(ThrownError("journal.sink", std::current_exception()));
  }
}

}  // namespace

// When the drain itself throws (memory has run out), nobody knows any more which records it has
// counted for which file. It then stops for good, so that no file goes away whose calls are not in
// the ledger, and calls are refused as by a full journal: what is served without reaching the
// ledger holds no budget, and would be unknown to everybody until a restart. Calls under way still
// end: their finals are appended to files that stay, and the next Open moves all of it, twice at
// worst, which the ledger ignores.
struct Journal::State {
  State(JournalOptions given, CallSink given_sink)
      : options(std::move(given)),
        // The rows come again, whatever the sink had done with them: it ignores those it has.
        sink([this, to = std::move(given_sink)](std::span<const CallRow> rows) -> Result<> {
          STRATA_CHECK_OK(NotThrowing([&] { return to(rows); }));
          counters.delivered += rows.size();
          return {};
        }),
        lanes(std::make_shared<Lanes>(options)),
        drain(*lanes, sink, counters.lost) {}

  const JournalOptions options;
  const CallSink sink;
  const std::shared_ptr<Lanes> lanes;
  AtomicCounters counters;
  std::atomic<bool> broken{false};  // see above
  Drain drain;                      // drain thread only

  std::mutex mutex;
  std::condition_variable wake;      // the drain thread
  std::condition_variable answered;  // who flushes
  bool closing = false;
  std::uint64_t flush_asked = 0;
  std::uint64_t flush_answered = 0;
  Result<> flush_result;
  std::vector<CallRow> abandoned;
  std::thread thread;
  Admission admission;  // empty: every call is let in

  void Loop();
  Result<> PassOrBreak();
  Result<> Pass();
  Result<> Append(Lane& lane, const CallIntent& intent);
  std::chrono::milliseconds Tick() const;
  void Abandon(CallRow row);
};

struct CallRecord::Body {
  std::shared_ptr<Journal::State> state;  // none: nothing is recorded
  std::shared_ptr<Lane> lane;             // where the intent stands
  bool ended = false;
  CallRow row;
};

std::chrono::milliseconds Journal::State::Tick() const {
  if (options.fsync_every.count() == 0) return options.drain_every;
  return std::min(options.drain_every, options.fsync_every);
}

void Journal::State::Loop() {
  while (true) {
    std::uint64_t ticket = 0;
    bool last = false;
    {
      std::unique_lock lock(mutex);
      wake.wait_for(lock, Tick(), [&] { return closing || flush_asked > flush_answered; });
      ticket = flush_asked;
      last = closing;
    }
    auto result = PassOrBreak();
    if (!result.has_value() && IsPowerOfTwo(++counters.sink_failures)) {
      Log(Level::kWarning, "journal.drain.failed", {{"error", result.error().message()}});
    }
    {
      std::lock_guard lock(mutex);
      flush_answered = ticket;
      flush_result = std::move(result);
    }
    answered.notify_all();
    if (last) return;
  }
}

Result<> Journal::State::PassOrBreak() {
  if (broken) return Fail(Code::kUnavailable, kBroken);
  try {
    return Pass();
  } catch (...) {
    broken = true;
    Log(Level::kError, "journal.drain.broken", {{"what", WhatThrown(std::current_exception())}});
    return Fail(Code::kUnavailable, kBroken);
  }
}

Result<> Journal::State::Append(Lane& lane, const CallIntent& intent) {
  if (broken) return Fail(Code::kUnavailable, kBroken);
  return lanes->AppendIntent(lane, EncodeIntent(intent));
}

Result<> Journal::State::Pass() {
  if (options.fsync_every.count() > 0) STRATA_CHECK_OK(drain.Sync());
  std::vector<CallRow> rows;
  {
    std::lock_guard lock(mutex);
    rows.swap(abandoned);
  }
  for (auto& row : rows) drain.AddAbandoned(std::move(row));
  return drain.Pass();
}

void Journal::State::Abandon(CallRow row) {
  ++counters.interrupted;
  ++counters.abandoned;
  std::lock_guard lock(mutex);
  abandoned.push_back(std::move(row));
}

OptionTable Journal::JournalOptionTable() { return kOptions; }

JournalOptions JournalOptionsOf(const Options& options, std::string folder) {
  JournalOptions out;
  out.folder = std::move(folder);
  // Whole pages: files are mapped.
  out.segment_bytes =
      static_cast<std::size_t>(options.Integer("journal.segment_bytes")) / 4096 * 4096;
  out.bytes_max = static_cast<std::size_t>(options.Integer("journal.bytes_max"));
  out.drain_every = std::chrono::milliseconds(options.Integer("journal.drain_every"));
  out.fsync_every = std::chrono::milliseconds(options.Integer("journal.fsync_every"));
  out.when_full = options.Text("journal.when_full") == "unrecorded" ? WhenFull::kGoUnrecorded
                                                                    : WhenFull::kRefuse;
  return out;
}

Result<std::unique_ptr<Journal>> Journal::Open(JournalOptions options, CallSink sink) {
  STRATA_CHECK_OK(MakeFolder(options.folder));
  STRATA_TRY(auto recovery, RecoverJournal(options.folder, sink));
  if (recovery.records > 0) {
    Log(Level::kInfo, "journal.recovered",
        {{"records", recovery.records},
         {"interrupted", recovery.interrupted},
         {"torn_segments", recovery.torn_segments}});
  }
  auto state = std::make_shared<State>(std::move(options), std::move(sink));
  state->counters.recovered = recovery.records;
  state->counters.interrupted = recovery.interrupted;
  state->counters.torn_segments = recovery.torn_segments;
  state->counters.lost = recovery.lost;
  state->thread = std::thread([s = state.get()] { s->Loop(); });
  pthread_setname_np(state->thread.native_handle(), "journal");
  return std::unique_ptr<Journal>(new Journal(std::move(state)));
}

Journal::~Journal() {
  {
    std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->wake.notify_all();
  state_->thread.join();
  state_->lanes->RemoveSpares();
  // What could not be moved stays in its files, and the next Open recovers it.
  if (state_->broken) return;
  if (auto done = state_->drain.RemoveFinished(true); !done.has_value()) {
    Log(Level::kWarning, "journal.close.failed", {{"error", done.error().message()}});
  }
}

void Journal::SetAdmission(Admission admission) { state_->admission = std::move(admission); }

Result<> Journal::Admit(const CallIntent& intent) const {
  return state_->admission ? state_->admission(intent) : Result<>();
}

Result<CallRecord> Journal::Begin(CallIntent intent) {
  auto body = std::make_unique<CallRecord::Body>();
  auto lane = state_->lanes->Mine();
  auto appended = state_->Append(*lane, intent);
  body->row.intent = std::move(intent);
  if (appended.has_value()) {
    ++state_->counters.intents;
    body->state = state_;
    body->lane = std::move(lane);
    return CallRecord(std::move(body));
  }
  if (state_->options.when_full == WhenFull::kRefuse) {
    ++state_->counters.refused;
    return Fail(
        Error(Code::kUnavailable, appended.error().words()).RetryAfter(std::chrono::seconds(1)));
  }
  if (auto count = ++state_->counters.unrecorded; IsPowerOfTwo(count)) {
    Log(Level::kWarning, "journal.call.unrecorded",
        {{"count", count}, {"error", appended.error().message()}});
  }
  return CallRecord(std::move(body));
}

Result<> Journal::Flush() {
  std::unique_lock lock(state_->mutex);
  auto ticket = ++state_->flush_asked;
  state_->wake.notify_all();
  state_->answered.wait(lock, [&] { return state_->flush_answered >= ticket; });
  return state_->flush_result;
}

Journal::Counters Journal::counters() const {
  const auto& c = state_->counters;
  return {c.intents,       c.finals,    c.interrupted,   c.unrecorded, c.refused,
          c.sink_failures, c.recovered, c.torn_segments, c.lost};
}

Journal::Backlog Journal::backlog() const {
  const auto& c = state_->counters;
  Backlog out;
  auto delivered = c.delivered.load();
  auto made = c.finals.load() + c.abandoned.load();
  out.rows_waiting = made > delivered ? made - delivered : 0;
  out.bytes = state_->lanes->bytes_used();
  out.bytes_max = state_->options.bytes_max;
  out.full = state_->broken || out.bytes + state_->options.segment_bytes > out.bytes_max;
  return out;
}

// ---- CallRecord

CallRecord::CallRecord(std::unique_ptr<Body> body) : body_(std::move(body)) {}
CallRecord::CallRecord(CallRecord&&) noexcept = default;
CallRecord& CallRecord::operator=(CallRecord&& other) noexcept {
  if (this != &other) {
    End();
    body_ = std::move(other.body_);
  }
  return *this;
}
CallRecord::~CallRecord() { End(); }

bool CallRecord::recording() const { return body_ && body_->state; }

CallOutcome& CallRecord::outcome() {
  if (!body_) body_ = std::make_unique<Body>();
  return body_->row.outcome;
}

const CallIntent& CallRecord::intent() const {
  static const CallIntent none;
  return body_ ? body_->row.intent : none;
}

Result<> CallRecord::Finish(CallStatus status) {
  if (!body_ || body_->ended) return {};
  body_->ended = true;
  body_->row.outcome.status = status;
  if (!body_->state) return {};
  auto& state = *body_->state;
  auto mine = state.lanes->Mine();
  auto final = EncodeOutcome(body_->row.intent, body_->row.outcome);
  auto appended = state.lanes->AppendFinal(*mine, *body_->lane, final);
  if (appended.has_value()) {
    ++state.counters.finals;
    if (status == CallStatus::kInterrupted) ++state.counters.interrupted;
  } else {
    state.Abandon(InterruptedRow(body_->row.intent));
  }
  return appended;
}

void CallRecord::End() noexcept {
  if (!body_ || body_->ended || !body_->state) return;
  try {
    auto& outcome = body_->row.outcome;
    if (outcome.usage.TotalTokens() == 0) {
      outcome.usage = body_->row.intent.estimate;
      outcome.usage.estimated = true;
      outcome.cost = body_->row.intent.estimate_cost;
    }
    auto status = outcome.status == CallStatus::kCancelled ? CallStatus::kCancelled
                                                           : CallStatus::kInterrupted;
    // A failure is accounted for inside: the call is charged its estimate.
    [[maybe_unused]] auto done = Finish(status);
  } catch (const std::exception& thrown) {
    ++body_->state->counters.lost;
    Log(Level::kError, "journal.record.lost", {{"error", thrown.what()}});
  }
}

}  // namespace strata::store
