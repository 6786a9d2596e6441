#include "knowledge/base/ingestor.h"

#include <boost/json.hpp>

#include "base/account_words.h"
#include "base/budget_error.h"
#include "base/caught.h"
#include "base/crash_point.h"
#include "base/ids.h"
#include "base/json_text.h"
#include "base/log.h"
#include "knowledge/base/base_embedder.h"
#include "knowledge/base/sync.h"

namespace strata::knowledge {
namespace {

using Kind = JobOutcome::Kind;

// A job that failed by faults of the moment this many times is given up.
constexpr int kAttempts = 5;
// Of the queue: leases also count when the process died, so this is far more.
constexpr int kLeases = 1000;
// Removed chunks that a base may remember; following them takes milliseconds.
constexpr std::int64_t kRemovalsMax = 10'000;
// Pending documents one behind the other that meet a fault of the moment: it is not theirs.
constexpr int kStuckMax = 3;

std::string Member(const JsonText& payload, std::string_view name) {
  boost::system::error_code error;
  const auto value = boost::json::parse(payload.text, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* member = object ? object->if_contains(name) : nullptr;
  return member && member->is_string() ? std::string(member->get_string()) : std::string();
}

bool IsOfTheMoment(const Error& error) {
  return error.code() == Code::kUnavailable ||
         (error.code() == Code::kRateLimited && !IsBudgetUsedUp(error));
}

// Whether every document would meet it.
bool ConcernsAll(const Error& error) {
  return error.code() == Code::kCancelled || error.code() == Code::kCorruption ||
         IsAboutOurAccount(error) || error.field() == "model";
}

// The error of a run as an outcome, when it is not one of the job itself.
JobOutcome OutcomeOf(const Error& error, int attempt, bool asked) {
  if (error.code() == Code::kCancelled) {
    if (asked) return {.kind = Kind::kStopped, .error = std::string(kStoppedReason)};
    return {.kind = Kind::kGiveBack, .error = error.message()};
  }
  if (IsAboutOurAccount(error)) Log(Level::kError, "kb.sync.refused", {{"error", error.message()}});
  return {.kind = IsOfTheMoment(error) && attempt < kAttempts ? Kind::kRetry : Kind::kFailed,
          .error = WithoutAccountWords(error, "the log")};
}

void LogCatchUp(const Error& error) {
  Log(Level::kWarning, "kb.catch_up_failed", {{"error", error.message()}});
}

// The row that ends as FAILED or INDEXED.
DocumentRow RowOf(const PendingDocument& pending, LocationKind location, const Clock& clock) {
  DocumentRow row;
  row.document_id = DocumentIdOf(pending.source_id, pending.input.id);
  row.source_id = pending.source_id;
  row.uri = pending.input.id;
  row.location = location;
  row.title = pending.input.title;
  row.media_type = pending.input.media_type;
  row.version = VersionOf(pending.input);
  row.metadata = pending.input.metadata;
  row.access = pending.input.access;
  row.labels = pending.input.labels;
  row.bytes = static_cast<std::int64_t>(pending.input.content.size());
  row.updated = clock.Wall();
  return row;
}

}  // namespace

Result<Indexer> Ingestor::IndexerFor(const KnowledgeBase& base) const {
  STRATA_TRY(auto embedder, EmbedderOf(base, parts_.embedder));
  return Indexer(*parts_.parser, *parts_.pool, std::move(embedder));
}

Task<JobOutcome> Ingestor::Sync(const KnowledgeBase& base, const DataSource& source,
                                std::string job_id, int attempt,
                                std::function<void(const IngestionStatistics&)> progress,
                                std::function<bool()> asked, RequestContext& ctx) const {
  auto open = co_await bases_.Get(base);
  if (!open.has_value()) co_return OutcomeOf(open.error(), attempt, asked());
  ctx.kb = base.name;  // whom its calls are charged to
  auto& file = *(*open)->file;
  auto begin = [&](store::Database& db) {
    return SetIngestionStatus(db, job_id, JobStatus::kInProgress, {}, ctx.clock->Wall());
  };
  auto result = co_await file.Write(std::move(begin));
  auto indexer = IndexerFor(base);
  if (result.has_value() && !indexer.has_value()) result = std::unexpected(indexer.error());
  SourceOptions options = parts_.sources;
  options.include = source.include;
  options.exclude = source.exclude;
  auto items = OpenSource(source.uri, std::move(options));
  if (result.has_value() && !items.has_value()) result = std::unexpected(items.error());
  if (result.has_value()) {
    auto changed = [&] {
      if (!progress) return;
      auto row = file.ReadBlocking([&](store::Database& db) { return FindIngestion(db, job_id); });
      if (row.has_value() && *row) progress((*row)->job.statistics);
    };
    indexer->TellProgress(
        [this, &job_id](std::int64_t bytes, double share) { pace_.Within(job_id, bytes, share); });
    SyncTask task{.source = source,
                  .items = **items,
                  .indexer = *indexer,
                  .file = file,
                  .pool = *parts_.pool,
                  .job_id = job_id,
                  .changed = std::move(changed),
                  .pace = pace_};
    result = co_await Caught("kb.sync", RunSync(std::move(task), ctx));
    pace_.End(job_id);
  }
  co_return co_await EndSync(**open, std::move(job_id), std::move(result), attempt, asked(), ctx);
}

Task<Result<>> Ingestor::CatchUp(OpenBase& open) const {
  auto catch_up = [&] { return open.cache->CatchUp(); };
  STRATA_CO_CHECK_OK(co_await RunBlocking(*parts_.pool, std::move(catch_up)));
  // There is no other cache, so nobody asks for these removals again.
  auto prune = [followed = open.cache->followed()](store::Database& db) {
    return PruneRemovals(db, followed);
  };
  co_return co_await open.file->Write(std::move(prune));
}

Task<void> Ingestor::BoundRemovals(OpenBase& open) const {
  auto look = [](store::Database& db) { return HasMoreRemovals(db, kRemovalsMax); };
  const auto many = co_await open.file->Read(std::move(look));
  if (!many.value_or(false)) co_return;
  const auto caught = co_await CatchUp(open);
  if (!caught.has_value()) LogCatchUp(caught.error());
}

Task<JobOutcome> Ingestor::EndSync(OpenBase& open, std::string job_id, Result<> result, int attempt,
                                   bool asked, RequestContext& ctx) const {
  JobOutcome outcome;
  if (!result.has_value()) outcome = OutcomeOf(result.error(), attempt, asked);
  if (auto caught = co_await CatchUp(open); !caught.has_value()) LogCatchUp(caught.error());
  JobStatus status = JobStatus::kComplete;
  if (outcome.kind == Kind::kFailed) status = JobStatus::kFailed;
  if (outcome.kind == Kind::kStopped) status = JobStatus::kStopped;
  if (outcome.kind == Kind::kGiveBack) co_return outcome;
  std::vector<std::string> reasons;
  if (outcome.kind == Kind::kRetry) {
    status = JobStatus::kInProgress;
  } else if (!outcome.error.empty()) {
    reasons.push_back(outcome.error);
  }
  auto set = [&](store::Database& db) {
    return SetIngestionStatus(db, job_id, status, reasons, ctx.clock->Wall());
  };
  if (auto written = co_await open.file->Write(std::move(set)); !written.has_value()) {
    // The disk is full or broken: whoever follows the job hears of it all the same, and neither
    // waits for a retry that nobody can write down.
    if (outcome.error.empty()) outcome.error = written.error().message();
    if (status == JobStatus::kInProgress) status = JobStatus::kFailed;
    if (reasons.empty()) reasons.push_back(outcome.error);
    ends_.Keep(job_id, {status, std::move(reasons)});
    outcome.kind = Kind::kFailed;
    co_return outcome;
  }
  if (outcome.kind == Kind::kRetry) co_return outcome;
  CrashPoint("kb.job.ended");
  co_return outcome;
}

Result<> Ingestor::Grant(const KeyId& key, RequestContext& ctx) const {
  ctx.key = key;
  return parts_.grant ? parts_.grant(key, ctx) : Result<>();
}

Task<JobOutcome> Ingestor::IndexPending(const KnowledgeBase& base, int attempt,
                                        RequestContext& ctx) const {
  auto open = co_await bases_.Get(base);
  if (!open.has_value()) co_return OutcomeOf(open.error(), 1, false);
  auto& file = *(*open)->file;
  auto indexer = IndexerFor(base);
  if (!indexer.has_value()) co_return co_await LeavePending(file, std::move(indexer.error()));
  std::optional<Error> stuck;  // of the last document that waits for the next attempt
  int stuck_in_turn = 0;
  for (std::int64_t after = 0;;) {
    if (auto alive = ctx.CheckAlive(); !alive.has_value()) {
      co_return OutcomeOf(alive.error(), 1, false);
    }
    auto next = [after](store::Database& db) { return NextPending(db, after); };
    auto pending = co_await file.Read(std::move(next));
    if (!pending.has_value()) co_return OutcomeOf(pending.error(), 1, false);
    if (!*pending) break;
    after = (*pending)->row;
    auto own = ContextOf(base, ctx.cancel);
    auto done = co_await IndexOnePending(base, file, *indexer, std::move(**pending), attempt, own);
    if (done.has_value()) {
      stuck_in_turn = 0;
      continue;
    }
    stuck = std::move(done.error());
    const bool goes_on =
        IsOfTheMoment(*stuck) && attempt < kAttempts && ++stuck_in_turn < kStuckMax;
    if (!goes_on) break;
  }
  co_await BoundRemovals(**open);
  if (!stuck) co_return JobOutcome{};
  co_return co_await LeavePending(file, std::move(*stuck));
}

// The outcome of a run that leaves documents behind; they say why.
Task<JobOutcome> Ingestor::LeavePending(store::SqlFile& file, Error error) const {
  auto outcome = OutcomeOf(error, 1, false);
  if (outcome.kind == Kind::kGiveBack) co_return outcome;
  auto note = [reason = "not indexed yet: " + outcome.error](store::Database& db) {
    return SetPendingReason(db, reason);
  };
  auto noted = co_await file.Write(std::move(note));
  if (!noted.has_value()) {
    Log(Level::kWarning, "kb.pending.note_failed", {{"error", noted.error().message()}});
  }
  co_return outcome;
}

// An error: the document waits for the next attempt. One that is its own marks it FAILED.
Task<Result<>> Ingestor::IndexOnePending(const KnowledgeBase& base, store::SqlFile& file,
                                         const Indexer& indexer, PendingDocument pending,
                                         int attempt, RequestContext& ctx) const {
  const auto source = catalog_.Source(base.id, pending.source_id);
  const auto recipe = source.has_value() ? source->recipe : ChunkRecipe{};
  const auto location = source.has_value() && source->kind == DataSourceKind::kS3
                            ? LocationKind::kS3
                            : LocationKind::kCustom;
  const auto row = RowOf(pending, location, *ctx.clock);
  JobTally tally;
  tally.pending_row = pending.row;
  if (auto granted = Grant(pending.key, ctx); !granted.has_value()) {
    co_return co_await MarkFailed(file, row, granted.error(), std::move(tally), *ctx.clock);
  }
  auto indexed =
      co_await IndexOne(file, indexer, row, std::move(pending.input.content), recipe, tally, ctx);
  if (indexed.has_value()) co_return Result<>();
  auto& error = indexed.error();
  if (ConcernsAll(error)) co_return std::unexpected(std::move(error));
  if (IsOfTheMoment(error)) {
    if (attempt < kAttempts) co_return std::unexpected(std::move(error));
    const bool its_own = co_await indexer.Answers(ctx);
    if (!its_own) co_return std::unexpected(std::move(error));
  }
  co_return co_await MarkFailed(file, row, error, std::move(tally), *ctx.clock);
}

RequestContext Ingestor::ContextOf(const KnowledgeBase& base, std::stop_token cancel) const {
  RequestContext ctx;
  ctx.request_id = NewRequestId();
  ctx.workspace = base.workspace;
  ctx.dialect = "ingestion";
  ctx.kb = base.name;
  ctx.urgency = Urgency::kBackground;
  ctx.cancel = std::move(cancel);
  ctx.clock = parts_.clock;
  return ctx;
}

Task<JobOutcome> Ingestor::Handle(store::Job job, std::stop_token cancel,
                                  std::function<bool()> asked) const {
  auto base = catalog_.Base(Member(job.payload, "kb"), job.workspace);
  if (!base.has_value() || base->status == KnowledgeBaseStatus::kDeleting) co_return JobOutcome{};
  auto ctx = ContextOf(*base, std::move(cancel));
  if (job.kind == kPendingKind) co_return co_await IndexPending(*base, job.attempts, ctx);
  auto source = catalog_.Source(base->id, Member(job.payload, "source"));
  if (!source.has_value()) co_return JobOutcome{};
  std::string job_id = Member(job.payload, "job");
  auto open = co_await bases_.Get(*base);
  if (!open.has_value()) co_return OutcomeOf(open.error(), job.attempts, asked());
  auto find = [&](store::Database& db) { return FindIngestion(db, job_id); };
  auto row = co_await (*open)->file->Read(std::move(find));
  if (!row.has_value()) co_return OutcomeOf(row.error(), job.attempts, asked());
  // What ended before it could be written down; or its end was, and not in the queue.
  if (auto end = ends_.Of(job_id)) {
    auto set = [&](store::Database& db) {
      return SetIngestionStatus(db, job_id, end->status, end->reasons, ctx.clock->Wall());
    };
    auto written = co_await (*open)->file->Write(std::move(set));
    if (!written.has_value()) co_return OutcomeOf(written.error(), 1, asked());
    ends_.Forget(job_id);
    co_return JobOutcome{.kind = Kind::kFailed, .error = end->reasons.front()};
  }
  if (!*row || IsFinal((*row)->job.status)) co_return JobOutcome{};
  if (auto granted = Grant((*row)->key, ctx); !granted.has_value()) {
    co_return co_await EndSync(**open, std::move(job_id), std::move(granted), job.attempts, asked(),
                               ctx);
  }
  co_return co_await Sync(*base, *source, std::move(job_id), job.attempts, nullptr,
                          std::move(asked), ctx);
}

Task<Result<store::Job>> Ingestor::EnqueueSync(const KnowledgeBase& base, std::string source_id,
                                               std::string job_id) const {
  store::JobSpec spec;
  spec.kind = kIngestKind;
  spec.key = job_id;
  spec.workspace = base.workspace;
  spec.attempts_max = kLeases;
  spec.payload.text = R"({"kb":)" + JsonString(base.id) + R"(,"source":)" + JsonString(source_id) +
                      R"(,"job":)" + JsonString(job_id) + "}";
  co_return co_await parts_.jobs->Enqueue(std::move(spec));
}

Task<Result<store::Job>> Ingestor::EnqueuePending(const KnowledgeBase& base) const {
  store::JobSpec spec;
  spec.kind = kPendingKind;
  spec.key = NewRequestId().value;
  spec.workspace = base.workspace;
  spec.attempts_max = kLeases;
  spec.payload.text = R"({"kb":)" + JsonString(base.id) + "}";
  co_return co_await parts_.jobs->Enqueue(std::move(spec));
}

Task<Result<>> Ingestor::CancelJobsOf(const KnowledgeBase& base) const {
  for (const auto kind : {kIngestKind, kPendingKind}) {
    store::JobFilter filter{.kind = std::string(kind),
                            .workspace = base.workspace,
                            .states = {store::JobState::kQueued, store::JobState::kLeased},
                            .order = store::JobFilter::Order::kOldestFirst};
    std::vector<store::Job> jobs;
    do {
      STRATA_CO_TRY(jobs, co_await parts_.jobs->List(filter));
      for (const auto& job : jobs) {
        filter.after = job.number;
        if (Member(job.payload, "kb") != base.id) continue;
        STRATA_CO_CHECK_OK(co_await parts_.jobs->Cancel(job.id));
      }
    } while (jobs.size() == filter.limit);
  }
  co_return Result<>();
}

Task<Result<Ingestor::LeftWork>> Ingestor::LeftWorkOf(OpenBase& open) const {
  auto read = [](store::Database& db) -> Result<LeftWork> {
    LeftWork left;
    STRATA_TRY(left.jobs, UnfinishedIngestions(db));
    STRATA_TRY(const auto pending, NextPending(db, 0));
    left.pending = pending.has_value();
    return left;
  };
  co_return co_await open.file->Read(std::move(read));
}

Task<Result<>> Ingestor::Recover(KnowledgeBase base) const {
  const auto open = co_await bases_.Get(base);
  auto left = Result<LeftWork>();
  if (open.has_value()) left = co_await LeftWorkOf(**open);
  if (!open.has_value() || !left.has_value()) {
    bases_.NoteFailure(base.id, open.has_value() ? left.error() : open.error());
    co_return Result<>();
  }
  for (const auto& row : left->jobs) {
    STRATA_CO_TRY(auto job, co_await EnqueueSync(base, row.job.data_source_id, row.job.id));
    auto note = [&](store::Database& db) { return SetIngestionQueueId(db, row.job.id, job.id); };
    const auto noted = co_await (*open)->file->Write(std::move(note));
    if (!noted.has_value()) bases_.NoteFailure(base.id, noted.error());
  }
  if (left->pending) STRATA_CO_CHECK_OK(co_await EnqueuePending(base));
  co_return Result<>();
}

}  // namespace strata::knowledge
