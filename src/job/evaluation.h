#pragma once
// Evaluation in one data folder: the parts that share eval.db.

#include <memory>
#include <string>

#include "job/eval_sets.h"
#include "store/sql_file.h"

namespace strata::job {

// Thread-safe.
class Evaluation {
 public:
  // Opens or makes eval.db. kUnsupported: of a newer strata; kCorruption, kUnavailable.
  static Result<std::unique_ptr<Evaluation>> Open(const std::string& path,
                                                  const Clock& clock = SystemClock());

  EvalSets& sets() { return sets_; }

 private:
  Evaluation(std::unique_ptr<store::SqlFile> file, const Clock& clock)
      : file_(std::move(file)), sets_(*file_, clock) {}

  std::unique_ptr<store::SqlFile> file_;
  EvalSets sets_;
};

}  // namespace strata::job
