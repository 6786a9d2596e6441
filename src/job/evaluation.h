#pragma once
// Evaluation in one data folder: the parts that share eval.db, and who works on runs.

#include <memory>
#include <string>

#include "job/eval_runs.h"
#include "job/eval_sets.h"
#include "job/eval_worker.h"
#include "job/feedback.h"
#include "job/shadow_labels.h"
#include "store/sql_file.h"

namespace strata::job {

// What was removed with a person.
struct ErasedRows {
  std::int64_t set_rows = 0;  // of evaluation sets, in all versions
  std::int64_t cases = 0;     // of evaluation runs
  std::int64_t feedback = 0;
  std::int64_t labels = 0;  // from traffic
};

// Thread-safe.
class Evaluation {
 public:
  // Opens or makes eval.db. kUnsupported: of a newer strata; kCorruption, kUnavailable.
  static Result<std::unique_ptr<Evaluation>> Open(const std::string& path,
                                                  const Clock& clock = SystemClock());

  EvalSets& sets() { return sets_; }
  EvalRuns& runs() { return runs_; }
  Feedbacks& feedback() { return feedback_; }
  ShadowLabeler& labeler() { return labeler_; }

  // Removes what is kept of that end user in the workspace, overwriting it. Durable when it
  // returns; after an error it may be called again. Learned routers keep what they were fitted to;
  // their references are ids and vectors, without texts.
  Task<Result<ErasedRows>> EraseSubject(std::string subject, WorkspaceId workspace);

  // Who asks and works, once there is somebody to ask; before requests come.
  void MakeWorker(store::JobQueue& jobs, AskerParts asker,
                  std::chrono::milliseconds beat_every = std::chrono::seconds(2));
  EvalWorker& worker();

 private:
  Evaluation(std::unique_ptr<store::SqlFile> file, const Clock& clock)
      : file_(std::move(file)),
        sets_(*file_, clock),
        runs_(*file_, clock),
        feedback_(*file_, clock),
        labeler_(*file_, clock) {}

  std::unique_ptr<store::SqlFile> file_;
  EvalSets sets_;
  EvalRuns runs_;
  Feedbacks feedback_;
  ShadowLabeler labeler_;
  std::unique_ptr<EvalWorker> worker_;
};

}  // namespace strata::job
