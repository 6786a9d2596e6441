#pragma once
// Leased at-least-once jobs in jobs.db. A worker leases a job for a while, renews the lease as it
// works, and completes it; when it dies the lease runs out and another takes the job over. So work
// must be idempotent, and a repeat costs at most what happened since the last progress.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/span.h"
#include "base/task.h"
#include "store/sql_file.h"

namespace strata::store {

enum class JobState : std::uint8_t { kQueued, kLeased, kDone, kFailed, kCancelled };

struct JobSpec {
  std::string kind;  // "kb.ingest"
  std::string key;   // idempotency: a second Enqueue of the same (kind, key) returns the first job
  WorkspaceId workspace;
  JsonText payload;
  int attempts_max = 5;
  std::chrono::milliseconds delay{0};
};

struct Job {
  std::string id;           // ten characters of A-Z0-9
  std::int64_t number = 0;  // grows from job to job
  std::string kind;
  std::string key;
  WorkspaceId workspace;
  JsonText payload;
  JsonText progress;  // what the worker reported last; kept over a takeover
  JsonText result;    // of a job that is done
  std::string error;  // of the last attempt that failed
  JobState state = JobState::kQueued;
  int attempts = 0;  // leases so far
  int attempts_max = 0;
  std::string lease;  // token of the lease held; "" when none is
  WallTime created;
  WallTime updated;
  WallTime due;  // not before this, and while leased: until when
  bool cancel_asked = false;
};

struct JobFilter {
  std::string kind = {};                        // this one alone
  WorkspaceId workspace = {};                   // this one alone
  std::vector<JobState> states = {};            // empty: any
  std::optional<WallTime> created_after = {};   // not included
  std::optional<WallTime> created_before = {};  // not included
  enum class Order : std::uint8_t { kNewestFirst, kOldestFirst } order = Order::kNewestFirst;
  std::size_t limit = 100;
  std::int64_t after = 0;      // `number` of the last job of the page before; 0: the first page
  std::string leave_out = {};  // member of the payloads that is not read: what makes them large
};

// Thread-safe. Every method is a short transaction of its own.
class JobQueue {
 public:
  static Result<std::unique_ptr<JobQueue>> Open(const std::string& path,
                                                const Clock& clock = SystemClock());

  Task<Result<Job>> Enqueue(JobSpec spec);

  // The job that is due longest of one of `kinds`, also one whose lease ran out; nullopt when there
  // is none. A job that ran out of attempts becomes kFailed instead.
  Task<Result<std::optional<Job>>> Lease(std::vector<std::string> kinds,
                                         std::chrono::milliseconds lease_for);

  // For the one process that works on jobs of `kinds`, as it starts: leases that are still held are
  // those of a process that died, and their jobs are due now.
  Task<Result<>> TakeBackLeases(std::vector<std::string_view> kinds);

  // Renews the lease and stores progress. kConflict when the lease is no longer held (another
  // worker has it): stop working. kCancelled when somebody asked to cancel: stop and call
  // Cancelled.
  Task<Result<>> Heartbeat(Job job, JsonText progress, std::chrono::milliseconds lease_for);

  // kConflict when the lease is no longer held. Completing twice with the same lease is harmless.
  Task<Result<>> Complete(Job job, JsonText result);

  // Queues it again after `retry_after` doubled with each attempt (at most an hour), until
  // attempts_max; kPermanent ends it at once.
  enum class Retry : std::uint8_t { kYes, kPermanent };
  Task<Result<>> Fail(Job job, std::string error, Retry retry,
                      std::chrono::milliseconds retry_after = std::chrono::seconds(1));

  // Queues it again, due now, as if it had not been leased: for workers that stop. kConflict as
  // above.
  Task<Result<>> GiveBack(Job job);

  // A queued job is cancelled at once; of a leased one the worker is told at its next heartbeat.
  Task<Result<Job>> Cancel(std::string id);
  Task<Result<>> Cancelled(Job job);

  Task<Result<Job>> Get(std::string id);
  // A page of a listing. Jobs that end or are removed meanwhile move no page.
  Task<Result<std::vector<Job>>> List(JobFilter filter);

  // Removes jobs that ended before `before`; returns how many.
  Task<Result<std::int64_t>> Prune(WallTime before);

  // Removes the workspace's jobs, in any state, whose payload has that member "subject", and
  // overwrites them; returns how many. A worker that holds one of them cannot complete it any more.
  // Durable when it returns; after an error it may be called again.
  Task<Result<std::int64_t>> EraseSubject(std::string subject, WorkspaceId workspace);

 private:
  JobQueue(std::unique_ptr<SqlFile> file, const Clock& clock)
      : file_(std::move(file)), clock_(clock) {}
  std::unique_ptr<SqlFile> file_;
  const Clock& clock_;
};

}  // namespace strata::store
