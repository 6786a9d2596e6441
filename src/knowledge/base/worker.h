#pragma once
// The ingestion worker: one thread that takes leased jobs from the queue and runs them, renewing
// the lease meanwhile.

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/task.h"
#include "store/jobs.h"

namespace strata::knowledge {

// What a job's run came to.
struct JobOutcome {
  enum class Kind {
    kDone,
    kRetry,     // a fault of the moment; again later
    kFailed,    // for good
    kStopped,   // because somebody asked to cancel it
    kGiveBack,  // because the worker is stopping
  } kind = Kind::kDone;
  std::string error;
};

// Runs one job; one that throws has failed for good. `cancel` stops when the job is to end early;
// `asked` says then whether somebody cancelled the job (true) or the worker stops.
using JobHandler = std::function<Task<JobOutcome>(store::Job job, std::stop_token cancel,
                                                  std::function<bool()> asked)>;

// Thread-safe. `jobs` outlives it.
class Worker {
 public:
  Worker(store::JobQueue& jobs, std::vector<std::string> kinds, JobHandler handler);
  ~Worker();  // stops

  void Start();
  // Cancels the running job, gives it back to the queue, joins.
  void Stop();
  // There may be a new job, or somebody asked to cancel the running one.
  void Wake();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::knowledge
