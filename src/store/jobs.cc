#include "store/jobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/crash_point.h"
#include "base/format_message.h"
#include "base/rng.h"
#include "store/erase.h"

namespace strata::store {
namespace {

constexpr Migration kMigrations[] = {
    {"makes jobs", R"sql(
CREATE TABLE jobs(
  sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, key TEXT NOT NULL,
  workspace TEXT NOT NULL, payload TEXT NOT NULL, progress TEXT NOT NULL DEFAULT '',
  result TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '',
  state INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, attempts_max INTEGER NOT NULL,
  lease TEXT NOT NULL DEFAULT '', created INTEGER NOT NULL, updated INTEGER NOT NULL,
  due INTEGER NOT NULL, cancel_asked INTEGER NOT NULL DEFAULT 0,
  UNIQUE(kind, key)
) STRICT;
CREATE INDEX jobs_due ON jobs(kind, due) WHERE state IN (0, 1);
)sql"},
    // All that a listing looks for, so that no payload of a job that it does not list is read.
    {"lists jobs", R"sql(
CREATE INDEX jobs_listed ON jobs(kind, workspace, sequence, state, created);
)sql"},
};

constexpr std::size_t kPayloadMax = 1 << 20;
constexpr std::size_t kErrorMax = 4096;
constexpr auto kRetryMax = std::chrono::hours(1);

constexpr std::string_view kColumns =
    "id, kind, key, workspace, progress, result, error, state, attempts, attempts_max, lease, "
    "created, updated, due, cancel_asked, sequence, ";

std::int64_t Number(JobState state) { return static_cast<std::int64_t>(state); }

// Of kColumns and the payload.
Job JobOf(const Statement& row) {
  Job job;
  int column = 0;
  job.id = row.Text(column++);
  job.kind = row.Text(column++);
  job.key = row.Text(column++);
  job.workspace.value = row.Text(column++);
  job.progress.text = row.Text(column++);
  job.result.text = row.Text(column++);
  job.error = row.Text(column++);
  job.state = static_cast<JobState>(row.Integer(column++));
  job.attempts = static_cast<int>(row.Integer(column++));
  job.attempts_max = static_cast<int>(row.Integer(column++));
  job.lease = row.Text(column++);
  job.created = FromUnixMicros(row.Integer(column++));
  job.updated = FromUnixMicros(row.Integer(column++));
  job.due = FromUnixMicros(row.Integer(column++));
  job.cancel_asked = row.Integer(column++) != 0;
  job.number = row.Integer(column++);
  job.payload.text = row.Text(column);
  return job;
}

template <class... Args>
Result<std::optional<Job>> ReadOne(Database& database, std::string_view where,
                                   const Args&... args) {
  STRATA_TRY(auto rows,
             database.Prepare(fmt::format("SELECT {}payload FROM jobs {}", kColumns, where)));
  STRATA_TRY(bool row, rows.BindAll(args...).Step());
  return row ? std::optional(JobOf(rows)) : std::nullopt;
}

Result<Job> ReadJob(Database& database, const std::string& id) {
  STRATA_TRY(auto job, ReadOne(database, "WHERE id = ?", id));
  if (!job) return Fail(NotFound("job", id));
  return std::move(*job);
}

Result<Job> EnqueueJob(Database& database, const JobSpec& spec, WallTime now) {
  STRATA_TRY(auto there, ReadOne(database, "WHERE kind = ? AND key = ?", spec.kind, spec.key));
  if (there) return std::move(*there);
  auto id = NewResourceId();
  STRATA_CHECK_OK(database.Run(
      "INSERT INTO jobs(id, kind, key, workspace, payload, state, attempts_max, created, updated, "
      "due) VALUES(?,?,?,?,?,?,?,?,?,?)",
      id, spec.kind, spec.key, spec.workspace.value, spec.payload.text, Number(JobState::kQueued),
      spec.attempts_max, ToUnixMicros(now), ToUnixMicros(now), ToUnixMicros(now + spec.delay)));
  return ReadJob(database, id);
}

// Jobs that were leased as often as they may be, and whose last lease ran out: their worker died
// each time.
Result<> FailWornOut(Database& database, const std::string& kind, std::int64_t now) {
  return database.Run(
      "UPDATE jobs SET state = CASE WHEN cancel_asked THEN ?1 ELSE ?2 END, lease = '', updated = "
      "?3, error = CASE WHEN cancel_asked THEN error ELSE 'its worker died in every attempt' END "
      "WHERE kind = ?4 AND state = ?5 AND due <= ?3 AND (attempts >= attempts_max OR cancel_asked)",
      Number(JobState::kCancelled), Number(JobState::kFailed), now, kind,
      Number(JobState::kLeased));
}

Result<std::optional<Job>> LeaseJob(Database& database, const std::vector<std::string>& kinds,
                                    WallTime now, std::chrono::milliseconds lease_for) {
  auto micros = ToUnixMicros(now);
  std::optional<Job> best;
  for (const auto& kind : kinds) {
    STRATA_CHECK_OK(FailWornOut(database, kind, micros));
    STRATA_TRY(auto job,
               ReadOne(database,
                       "WHERE kind = ? AND state IN (0, 1) AND due <= ? ORDER BY due, sequence "
                       "LIMIT 1",
                       kind, micros));
    if (job && (!best || job->due < best->due)) best = std::move(job);
  }
  if (!best) return std::optional<Job>();
  STRATA_CHECK_OK(database.Run(
      "UPDATE jobs SET state = ?, lease = ?, attempts = attempts + 1, updated = ?, due = ? "
      "WHERE id = ?",
      Number(JobState::kLeased), SecureRandomHex(8), micros, ToUnixMicros(now + lease_for),
      best->id));
  CrashPoint("jobs.lease.before_commit");
  STRATA_TRY(auto leased, ReadJob(database, best->id));
  return std::optional(std::move(leased));
}

Error LeaseLost(const Job& job) {
  return Error(
      Code::kConflict,
      FormatMessage("the lease of job {} is no longer held: another worker may have it", job.id));
}

// The job as it stands, when `job` still holds its lease.
Result<Job> Held(Database& database, const Job& job) {
  STRATA_TRY(auto now, ReadJob(database, job.id));
  if (now.state != JobState::kLeased || now.lease != job.lease) return Fail(LeaseLost(job));
  return now;
}

Result<> EndJob(Database& database, const Job& job, JobState state, std::string_view result,
                std::string_view error, WallTime now) {
  CrashPoint("jobs.end.before_commit");
  // The lease stays in the row, so that its holder may repeat the call.
  return database.Run("UPDATE jobs SET state = ?, result = ?, error = ?, updated = ? WHERE id = ?",
                      Number(state), result, error, ToUnixMicros(now), job.id);
}

Result<> RetryJob(Database& database, const Job& job, std::string_view error, WallTime now,
                  std::chrono::milliseconds wait) {
  return database.Run(
      "UPDATE jobs SET state = ?, lease = '', error = ?, updated = ?, due = ? WHERE id = ?",
      Number(JobState::kQueued), error, ToUnixMicros(now), ToUnixMicros(now + wait), job.id);
}

std::chrono::milliseconds Backoff(std::chrono::milliseconds first, int attempts) {
  auto wait = first;
  for (int i = 1; i < attempts && wait < kRetryMax; ++i) wait *= 2;
  return std::min<std::chrono::milliseconds>(wait, kRetryMax);
}

Result<> FailJob(Database& database, const Job& job, std::string_view error, bool again,
                 WallTime now, std::chrono::milliseconds retry_after) {
  STRATA_TRY(auto held, Held(database, job));
  error = error.substr(0, kErrorMax);
  if (held.cancel_asked) return EndJob(database, held, JobState::kCancelled, "", error, now);
  if (!again || held.attempts >= held.attempts_max) {
    return EndJob(database, held, JobState::kFailed, "", error, now);
  }
  return RetryJob(database, held, error, now, Backoff(retry_after, held.attempts));
}

Result<> GiveBackJob(Database& database, const Job& job, WallTime now) {
  STRATA_TRY(auto held, Held(database, job));
  if (held.cancel_asked) return EndJob(database, held, JobState::kCancelled, "", "", now);
  return database.Run(
      "UPDATE jobs SET state = ?, lease = '', attempts = attempts - 1, updated = ?, due = ? "
      "WHERE id = ?",
      Number(JobState::kQueued), ToUnixMicros(now), ToUnixMicros(now), job.id);
}

Result<std::vector<Job>> ListJobs(Database& database, const JobFilter& filter) {
  const bool newest_first = filter.order == JobFilter::Order::kNewestFirst;
  STRATA_TRY(auto rows,
             database.Prepare(fmt::format(
                 "SELECT {}CASE ?8 WHEN '' THEN payload ELSE json_remove(payload, '$.' || ?8) END "
                 "FROM jobs WHERE kind = ?1 AND workspace = ?2 AND (?3 >> state) & 1 AND "
                 "created > ?4 AND created < ?5 AND sequence {} ?6 ORDER BY sequence {} LIMIT ?7",
                 kColumns, newest_first ? '<' : '>', newest_first ? "DESC" : "ASC")));
  using Limits = std::numeric_limits<std::int64_t>;
  std::int64_t states = filter.states.empty() ? -1 : 0;
  for (auto state : filter.states) states |= std::int64_t{1} << Number(state);
  auto micros = [](const auto& time, std::int64_t otherwise) {
    return time ? ToUnixMicros(*time) : otherwise;
  };
  const auto after = filter.after == 0 && newest_first ? Limits::max() : filter.after;
  rows.BindAll(filter.kind, filter.workspace.value, states,
               micros(filter.created_after, Limits::min()),
               micros(filter.created_before, Limits::max()), after, filter.limit, filter.leave_out);
  std::vector<Job> jobs;
  while (true) {
    STRATA_TRY(bool more, rows.Step());
    if (!more) return jobs;
    jobs.push_back(JobOf(rows));
  }
}

Result<> CheckSpec(const JobSpec& spec) {
  if (spec.kind.empty()) return Fail(InvalidArgument("kind", "it is empty"));
  if (spec.key.empty()) return Fail(InvalidArgument("key", "it is empty"));
  if (spec.payload.text.size() > kPayloadMax) {
    return Fail(
        Error(Code::kTooLarge,
              FormatMessage("a job's payload may have {} bytes; put more in a blob", kPayloadMax))
            .AtField("payload"));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<JobQueue>> JobQueue::Open(const std::string& path, const Clock& clock) {
  SqlFileOptions options;
  options.migrations = kMigrations;
  STRATA_TRY(auto file, SqlFile::Open(path, options));
  return std::unique_ptr<JobQueue>(new JobQueue(std::move(file), clock));
}

Task<Result<Job>> JobQueue::Enqueue(JobSpec spec) {
  STRATA_CO_CHECK_OK(CheckSpec(spec));
  auto work = [&spec, now = clock_.Wall()](Database& db) { return EnqueueJob(db, spec, now); };
  co_return co_await file_->Write(work);
}

Task<Result<std::optional<Job>>> JobQueue::Lease(std::vector<std::string> kinds,
                                                 std::chrono::milliseconds lease_for) {
  auto work = [&kinds, lease_for, now = clock_.Wall()](Database& db) {
    return LeaseJob(db, kinds, now, lease_for);
  };
  co_return co_await file_->Write(work);
}

Task<Result<>> JobQueue::TakeBackLeases(std::vector<std::string_view> kinds) {
  auto work = [&kinds, now = ToUnixMicros(clock_.Wall())](Database& db) -> Result<> {
    for (auto kind : kinds) {
      STRATA_CHECK_OK(db.Run("UPDATE jobs SET due = ?1 WHERE kind = ?2 AND state = ?3 AND due > ?1",
                             now, kind, Number(JobState::kLeased)));
    }
    return {};
  };
  co_return co_await file_->Write(work);
}

Task<Result<>> JobQueue::Heartbeat(Job job, JsonText progress,
                                   std::chrono::milliseconds lease_for) {
  auto work = [&, now = clock_.Wall()](Database& db) -> Result<> {
    STRATA_TRY(auto held, Held(db, job));
    STRATA_CHECK_OK(db.Run("UPDATE jobs SET progress = ?, updated = ?, due = ? WHERE id = ?",
                           progress.text, ToUnixMicros(now), ToUnixMicros(now + lease_for),
                           held.id));
    job.cancel_asked = held.cancel_asked;
    return {};
  };
  STRATA_CO_CHECK_OK(co_await file_->Write(work));
  if (job.cancel_asked)
    co_return strata::Fail(Code::kCancelled, "job " + job.id + " is to be cancelled");
  co_return Result<>{};
}

Task<Result<>> JobQueue::Complete(Job job, JsonText result) {
  auto work = [&, now = clock_.Wall()](Database& db) -> Result<> {
    STRATA_TRY(auto current, ReadJob(db, job.id));
    if (current.state == JobState::kDone && current.lease == job.lease) return {};
    STRATA_CHECK_OK(Held(db, job));
    return EndJob(db, job, JobState::kDone, result.text, "", now);
  };
  auto done = co_await file_->Write(work);
  if (done.has_value()) CrashPoint("jobs.end.committed");
  co_return done;
}

Task<Result<>> JobQueue::Fail(Job job, std::string error, Retry retry,
                              std::chrono::milliseconds retry_after) {
  auto work = [&, now = clock_.Wall()](Database& db) {
    return FailJob(db, job, error, retry == Retry::kYes, now, retry_after);
  };
  co_return co_await file_->Write(work);
}

Task<Result<>> JobQueue::GiveBack(Job job) {
  auto work = [&, now = clock_.Wall()](Database& db) { return GiveBackJob(db, job, now); };
  co_return co_await file_->Write(work);
}

Task<Result<Job>> JobQueue::Cancel(std::string id) {
  auto work = [&, now = clock_.Wall()](Database& db) -> Result<Job> {
    STRATA_TRY(auto job, ReadJob(db, id));
    if (job.state == JobState::kQueued) {
      STRATA_CHECK_OK(EndJob(db, job, JobState::kCancelled, "", job.error, now));
    } else if (job.state == JobState::kLeased) {
      STRATA_CHECK_OK(db.Run("UPDATE jobs SET cancel_asked = 1, updated = ? WHERE id = ?",
                             ToUnixMicros(now), id));
    }
    return ReadJob(db, id);
  };
  co_return co_await file_->Write(work);
}

Task<Result<>> JobQueue::Cancelled(Job job) {
  auto work = [&, now = clock_.Wall()](Database& db) -> Result<> {
    STRATA_CHECK_OK(Held(db, job));
    return EndJob(db, job, JobState::kCancelled, "", "", now);
  };
  co_return co_await file_->Write(work);
}

Task<Result<Job>> JobQueue::Get(std::string id) {
  auto work = [&id](Database& db) { return ReadJob(db, id); };
  co_return co_await file_->Read(work);
}

Task<Result<std::vector<Job>>> JobQueue::List(JobFilter filter) {
  auto work = [&filter](Database& db) { return ListJobs(db, filter); };
  co_return co_await file_->Read(work);
}

Task<Result<std::int64_t>> JobQueue::Prune(WallTime before) {
  auto work = [before](Database& db) -> Result<std::int64_t> {
    STRATA_CHECK_OK(db.Run("DELETE FROM jobs WHERE state >= ? AND updated < ?",
                           Number(JobState::kDone), ToUnixMicros(before)));
    return db.changes();
  };
  co_return co_await file_->Write(work);
}

Task<Result<std::int64_t>> JobQueue::EraseSubject(std::string subject, WorkspaceId workspace) {
  if (subject.empty()) co_return strata::Fail(InvalidArgument("subject", "expected an id"));
  auto work = [&](Database& db) -> Result<std::int64_t> {
    STRATA_CHECK_OK(OverwriteDeleted(db));
    STRATA_CHECK_OK(
        db.Run("DELETE FROM jobs WHERE workspace = ? AND json_valid(payload) AND "
               "json_extract(payload, '$.subject') = ?",
               workspace.value, subject));
    return db.changes();
  };
  STRATA_CO_TRY(auto erased, co_await file_->Write(work));
  STRATA_CO_CHECK_OK(co_await EmptyLog(*file_));
  co_return erased;
}

}  // namespace strata::store
