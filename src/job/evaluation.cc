#include "job/evaluation.h"

#include <fmt/format.h>

#include "base/check.h"
#include "store/erase.h"

namespace strata::job {
namespace {

Result<std::int64_t> Erase(store::Database& database, const std::string& table,
                           const std::string& in_workspace, const std::string& subject,
                           const WorkspaceId& workspace) {
  STRATA_CHECK_OK(
      database.Run(fmt::format("DELETE FROM {} WHERE subject = ? AND {}", table, in_workspace),
                   subject, workspace.value));
  return database.changes();
}

// After rows of versions that stay have gone.
Result<> CountRowsAgain(store::Database& database, const WorkspaceId& workspace) {
  STRATA_CHECK_OK(database.Run(
      "UPDATE set_versions SET row_count = (SELECT COUNT(*) FROM set_rows r WHERE r.set_id = "
      "set_versions.set_id AND r.since <= set_versions.version AND r.until > set_versions.version) "
      "WHERE set_id IN (SELECT id FROM sets WHERE workspace = ?)",
      workspace.value));
  return database.Run(
      "UPDATE sets SET row_count = (SELECT COUNT(*) FROM set_rows r WHERE r.set_id = sets.id AND "
      "r.since <= sets.version AND r.until > sets.version) WHERE workspace = ?",
      workspace.value);
}

}  // namespace

Result<std::unique_ptr<Evaluation>> Evaluation::Open(const std::string& path, const Clock& clock) {
  store::SqlFileOptions options;
  options.migrations = EvalMigrations();
  STRATA_TRY(auto file, store::SqlFile::Open(path, options));
  return std::unique_ptr<Evaluation>(new Evaluation(std::move(file), clock));
}

Task<Result<ErasedRows>> Evaluation::EraseSubject(std::string subject, WorkspaceId workspace) {
  if (subject.empty()) co_return Fail(InvalidArgument("subject", "expected an id"));
  auto work = [&](store::Database& database) -> Result<ErasedRows> {
    STRATA_CHECK_OK(store::OverwriteDeleted(database));
    auto erase = [&](const std::string& table, const std::string& in_workspace) {
      return Erase(database, table, in_workspace, subject, workspace);
    };
    ErasedRows out;
    STRATA_TRY(out.labels, erase("shadow_labels", "workspace = ?"));
    STRATA_TRY(out.feedback, erase("feedback", "workspace = ?"));
    STRATA_TRY(out.cases, erase("cases", "run IN (SELECT id FROM runs WHERE workspace = ?)"));
    STRATA_TRY(out.set_rows,
               erase("set_rows", "set_id IN (SELECT id FROM sets WHERE workspace = ?)"));
    if (out.set_rows > 0) STRATA_CHECK_OK(CountRowsAgain(database, workspace));
    return out;
  };
  STRATA_CO_TRY(auto erased, co_await file_->Write(std::move(work)));
  STRATA_CO_CHECK_OK(co_await store::EmptyLog(*file_));
  co_return erased;
}

void Evaluation::MakeWorker(store::JobQueue& jobs, AskerParts asker,
                            std::chrono::milliseconds beat_every) {
  worker_ = std::make_unique<EvalWorker>(EvalWorker::Parts{.jobs = jobs,
                                                           .sets = sets_,
                                                           .runs = runs_,
                                                           .asker = std::move(asker),
                                                           .beat_every = beat_every});
}

EvalWorker& Evaluation::worker() {
  STRATA_CHECK(worker_ != nullptr, "MakeWorker comes first");
  return *worker_;
}

}  // namespace strata::job
