#include "job/evaluation.h"

namespace strata::job {

Result<std::unique_ptr<Evaluation>> Evaluation::Open(const std::string& path, const Clock& clock) {
  store::SqlFileOptions options;
  options.migrations = EvalMigrations();
  STRATA_TRY(auto file, store::SqlFile::Open(path, options));
  return std::unique_ptr<Evaluation>(new Evaluation(std::move(file), clock));
}

}  // namespace strata::job
