#pragma once
// Keeps jobs.db small: jobs of every kind that ended a week ago are removed, at the start and every
// hour.

#include <future>
#include <memory>
#include <stop_token>

#include "base/clock.h"
#include "base/task.h"
#include "net/runtime.h"
#include "store/jobs.h"

namespace strata::server {

// Works on an io thread of the runtime until it is destroyed. All parts outlive it.
class JobPruner {
 public:
  JobPruner(store::JobQueue& jobs, const Clock& clock, net::Runtime& runtime);
  ~JobPruner();

 private:
  Task<void> Run(std::shared_ptr<std::promise<void>> ended);

  store::JobQueue& jobs_;
  const Clock& clock_;
  std::stop_source stop_;
  std::future<void> ended_;
};

}  // namespace strata::server
