#pragma once
// The journal: the durable step of every model call, without a database on the chat path.
//
// Each thread that serves requests appends checksummed records to its own memory-mapped file: the
// intent before a provider is called, the final before the last byte of the answer leaves.
// Appending is a memory copy into pages of the kernel, so it survives kill -9; for power loss set
// `fsync_every`. A drain thread hands finished rows to the sink (the ledger) and removes a segment
// only when everything in it is there. What a dead process left is recovered by Open: finals as
// they are, intents without a final charged their estimate and marked interrupted.
//
// File: 64 bytes header (magic "STRJRNL1", lane, segment number, pid), then records: u32 payload
// length, u32 CRC-32 of length and payload, payload, padded to 8 bytes. Zero length ends it: files
// are allocated with zeros up front, so that a full disk is seen before a call starts and never in
// the middle of one.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/options.h"
#include "base/result.h"
#include "store/call_row.h"

namespace strata::store {

class CallRecord;

enum class WhenFull : std::uint8_t { kRefuse, kGoUnrecorded };

struct JournalOptions {
  std::string folder;
  std::size_t segment_bytes = 8 << 20;
  std::size_t bytes_max = 512 << 20;  // of all segments; beyond it the journal is full
  std::chrono::milliseconds drain_every{200};
  std::chrono::milliseconds fsync_every{0};  // 0: never
  WhenFull when_full = WhenFull::kRefuse;
};
// From `journal.*`.
JournalOptions JournalOptionsOf(const Options& options, std::string folder);

// Stores rows durably before it returns; called by one thread at a time, with rows that it may have
// seen before: it ignores a row whose (request id, call number) it has. On an error, also one that
// it throws, the same rows come again later.
using CallSink = std::function<Result<>(std::span<const CallRow>)>;

// Thread-safe. Appends are lock-free for the calling thread, which gets a lane (a file) of its own
// at its first call.
class Journal {
 public:
  static OptionTable JournalOptionTable();

  // Recovers what a dead process left (the folder belongs to whoever holds the DataDir), hands it
  // to `sink`, then starts the drain thread. Fails when the sink does.
  static Result<std::unique_ptr<Journal>> Open(JournalOptions options, CallSink sink);
  // Drains once more and joins. No CallRecord may be alive.
  ~Journal();

  // What Admit asks, by any thread; unset: every call may be made. Set before the first of them.
  using Admission = std::function<Result<>(const CallIntent&)>;
  void SetAdmission(Admission admission);

  // Whether a call may be made; an error refuses it. Begin does not ask: what was spent is recorded
  // in any case, also afterwards.
  Result<> Admit(const CallIntent& intent) const;

  // Appends the intent and keeps room for its final. kUnavailable when the
  // journal or the disk is full and the option says refuse; otherwise the record is one that writes
  // nothing.
  Result<CallRecord> Begin(CallIntent intent);

  // Waits until everything finished before this call has reached the sink. Blocks: for tests,
  // shutdown, and the command line.
  Result<> Flush();

  struct Counters {
    std::uint64_t intents = 0;
    std::uint64_t finals = 0;
    std::uint64_t interrupted = 0;  // charged their estimate, recovery included
    std::uint64_t unrecorded = 0;   // went on without a record
    std::uint64_t refused = 0;
    std::uint64_t sink_failures = 0;
    std::uint64_t recovered = 0;      // records read from segments of a dead process
    std::uint64_t torn_segments = 0;  // whose tail had a bad checksum
    std::uint64_t lost = 0;           // records that cannot be read: of calls without a row
  };
  Counters counters() const;

  // What the sink has not got yet, and how near the journal is to its limit. Takes a lock for
  // reading two numbers: for probes, not for the request path.
  struct Backlog {
    std::uint64_t rows_waiting = 0;
    std::size_t bytes = 0;
    std::size_t bytes_max = 0;
    // No further file fits, or rows can no longer be moved until a restart; whether calls are
    // refused then is an option.
    bool full = false;
  };
  Backlog backlog() const;

 private:
  friend class CallRecord;
  struct State;
  explicit Journal(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

// One call between intent and final. Fill `outcome()` as facts become known, then Finish. Destroyed
// without Finish it writes the final itself: status kCancelled when outcome().status says so, else
// kInterrupted, charged the usage that stands in outcome(), or the estimate when that is zero.
// Moved, not copied; used by one thread at a time (not always the same one).
class CallRecord {
 public:
  CallRecord() = default;  // records nothing
  CallRecord(CallRecord&&) noexcept;
  CallRecord& operator=(CallRecord&&) noexcept;
  ~CallRecord();

  CallOutcome& outcome();
  const CallIntent& intent() const;

  // Appends the final; the answer may be acknowledged only when this succeeded. kUnavailable: it
  // could not be written (the call is then charged its estimate). Does nothing the second time.
  Result<> Finish(CallStatus status);

  // false: made by the default constructor, or the journal is full and goes on unrecorded.
  bool recording() const;

 private:
  friend class Journal;
  struct Body;
  explicit CallRecord(std::unique_ptr<Body> body);
  void End() noexcept;
  std::unique_ptr<Body> body_;
};

// The records of one segment's bytes, up to the first that is torn; `torn` says whether there was
// one. Separate from the mapping so that it can be fuzzed and tested.
struct SegmentScan {
  std::vector<std::string_view> payloads;  // into `bytes`
  bool torn = false;
};
// kCorruption: the header is not a journal's; kUnsupported: a newer one.
Result<SegmentScan> ScanSegment(std::string_view bytes);

}  // namespace strata::store
