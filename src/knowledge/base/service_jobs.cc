// Ingestion jobs of KnowledgeBases.

#include "base/crash_point.h"
#include "base/ids.h"
#include "knowledge/base/service.h"

namespace strata::knowledge {

// --- Ingestion jobs

Task<Result<>> KnowledgeBases::Impl::Recover() {
  // Whatever held a lease of ours is dead: the folder has one process at a time.
  std::vector<std::string_view> kinds = {kIngestKind, kPendingKind};
  STRATA_CO_CHECK_OK(co_await parts_.jobs->TakeBackLeases(std::move(kinds)));
  for (const auto& base : catalog_->Bases()) {
    if (base.status == KnowledgeBaseStatus::kFailed) continue;  // nothing was ever put into it
    STRATA_CO_CHECK_OK(co_await ingestor_.Recover(base));
  }
  co_return Result<>();
}

Task<Result<IngestionJob>> KnowledgeBases::Impl::NewIngestion(std::string kb_id,
                                                              std::string source_id,
                                                              std::string description,
                                                              RequestContext& ctx) {
  STRATA_CO_TRY(auto place, co_await Find(kb_id, source_id, ctx));
  if (place.source.kind == DataSourceKind::kCustom) {
    co_return Fail(Code::kUnsupported,
                   "a custom data source has nothing to sync: ingest documents into it");
  }
  IngestionJob job;
  job.id = NewResourceId();
  job.knowledge_base_id = kb_id;
  job.data_source_id = source_id;
  job.description = std::move(description);
  job.started = ctx.clock->Wall();
  job.updated = job.started;
  auto& ends = ingestor_.ends();
  std::vector<std::string> settled;
  auto insert = [&](store::Database& db) -> Result<> {
    STRATA_TRY(auto rows, UnfinishedIngestions(db));
    for (const auto& row : rows) {
      if (row.job.data_source_id != source_id) continue;
      if (auto end = ends.Of(row.job.id)) {
        STRATA_CHECK_OK(
            SetIngestionStatus(db, row.job.id, end->status, end->reasons, ctx.clock->Wall()));
        settled.push_back(row.job.id);
      } else {
        return Fail(Code::kConflict, "ingestion job " + row.job.id + " of this data source runs");
      }
    }
    return InsertIngestion(db, job, ctx.key);
  };
  STRATA_CO_CHECK_OK(co_await place.open->file->Write(std::move(insert)));
  for (const auto& id : settled) ends.Forget(id);
  CrashPoint("kb.job.recorded");
  co_return job;
}

Task<Result<IngestionJob>> KnowledgeBases::StartIngestion(std::string kb_id, std::string source_id,
                                                          std::string description,
                                                          RequestContext& ctx) {
  STRATA_CO_TRY(auto job,
                co_await impl_->NewIngestion(kb_id, source_id, std::move(description), ctx));
  STRATA_CO_TRY(auto place, co_await impl_->Find(kb_id, source_id, ctx));
  auto queued = co_await impl_->ingestor_.EnqueueSync(place.base, source_id, job.id);
  if (!queued.has_value()) {
    // Nobody will run it: the next sync is not to wait for it.
    impl_->ingestor_.ends().Keep(
        job.id, {.status = JobStatus::kFailed, .reasons = {queued.error().message()}});
    co_return std::unexpected(std::move(queued.error()));
  }
  CrashPoint("kb.job.enqueued");
  auto note = [&](store::Database& db) { return SetIngestionQueueId(db, job.id, queued->id); };
  STRATA_CO_CHECK_OK(co_await place.open->file->Write(std::move(note)));
  impl_->worker_.Wake();
  co_return job;
}

Task<Result<IngestionJob>> KnowledgeBases::GetIngestion(std::string kb_id, std::string source_id,
                                                        std::string job_id, RequestContext& ctx) {
  STRATA_CO_TRY(auto place, co_await impl_->Find(kb_id, source_id, ctx));
  auto read = [&](store::Database& db) { return FindIngestion(db, job_id); };
  STRATA_CO_TRY(auto row, co_await place.open->file->Read(std::move(read)));
  if (!row || row->job.data_source_id != source_id) {
    co_return Fail(NotFound("ingestion job", job_id));
  }
  impl_->ingestor_.ends().Overlay(row->job);
  row->job.knowledge_base_id = std::move(kb_id);
  co_return std::move(row->job);
}

std::optional<IngestionPace> KnowledgeBases::Pace(const std::string& job_id) const {
  return impl_->ingestor_.Pace(job_id);
}

Task<Result<Page<IngestionJob>>> KnowledgeBases::ListIngestions(std::string kb_id,
                                                                std::string source_id,
                                                                PageRequest page,
                                                                RequestContext& ctx) {
  STRATA_CO_TRY(auto before, ReadToken(page));
  STRATA_CO_TRY(auto place, co_await impl_->Find(kb_id, source_id, ctx));
  auto read = [&](store::Database& db) {
    return ListIngestionRows(db, source_id, before, page.max_results);
  };
  STRATA_CO_TRY(auto list, co_await place.open->file->Read(std::move(read)));
  Page<IngestionJob> out;
  for (auto& row : list.rows) {
    impl_->ingestor_.ends().Overlay(row.job);
    row.job.knowledge_base_id = kb_id;
    out.items.push_back(std::move(row.job));
  }
  if (list.next != 0) out.next_token = std::to_string(list.next);
  co_return out;
}

Task<Result<IngestionJob>> KnowledgeBases::StopIngestion(std::string kb_id, std::string source_id,
                                                         std::string job_id, RequestContext& ctx) {
  STRATA_CO_TRY(auto place, co_await impl_->Find(kb_id, source_id, ctx));
  auto read = [&](store::Database& db) { return FindIngestion(db, job_id); };
  STRATA_CO_TRY(auto row, co_await place.open->file->Read(std::move(read)));
  if (!row || row->job.data_source_id != source_id) {
    co_return Fail(NotFound("ingestion job", job_id));
  }
  impl_->ingestor_.ends().Overlay(row->job);
  if (IsFinal(row->job.status)) {
    co_return Fail(Code::kConflict, "ingestion job " + job_id + " has ended");
  }
  auto state = store::JobState::kCancelled;
  if (!row->queue_id.empty()) {
    STRATA_CO_TRY(auto queued, co_await impl_->parts_.jobs->Cancel(row->queue_id));
    state = queued.state;
  }
  // A job that no worker has ends here; a running one's worker looks at the queue when it is woken.
  const auto status =
      state == store::JobState::kCancelled ? JobStatus::kStopped : JobStatus::kStopping;
  std::vector<std::string> reasons;
  if (status == JobStatus::kStopped) reasons.emplace_back(kStoppedReason);
  auto stop = [&](store::Database& db) {
    return SetIngestionStatus(db, job_id, status, reasons, ctx.clock->Wall());
  };
  STRATA_CO_CHECK_OK(co_await place.open->file->Write(std::move(stop)));
  impl_->worker_.Wake();
  co_return co_await GetIngestion(std::move(kb_id), std::move(source_id), std::move(job_id), ctx);
}

Task<Result<IngestionJob>> KnowledgeBases::Sync(
    std::string kb_id, std::string source_id,
    std::function<void(const IngestionStatistics&)> progress, RequestContext& ctx) {
  STRATA_CO_TRY(auto job, co_await impl_->NewIngestion(kb_id, source_id, {}, ctx));
  STRATA_CO_TRY(auto place, co_await impl_->Find(kb_id, source_id, ctx));
  std::function<bool()> asked = [] { return true; };
  auto outcome = co_await impl_->ingestor_.Sync(place.base, place.source, job.id, 1000,
                                                std::move(progress), std::move(asked), ctx);
  if (outcome.kind == JobOutcome::Kind::kRetry) {
    co_return Fail(Code::kUnavailable, std::move(outcome.error));
  }
  co_return co_await GetIngestion(std::move(kb_id), std::move(source_id), job.id, ctx);
}

}  // namespace strata::knowledge
