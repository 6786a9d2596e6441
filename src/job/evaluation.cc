#include "job/evaluation.h"

#include "base/check.h"

namespace strata::job {

Result<std::unique_ptr<Evaluation>> Evaluation::Open(const std::string& path, const Clock& clock) {
  store::SqlFileOptions options;
  options.migrations = EvalMigrations();
  STRATA_TRY(auto file, store::SqlFile::Open(path, options));
  return std::unique_ptr<Evaluation>(new Evaluation(std::move(file), clock));
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
