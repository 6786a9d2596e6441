#include "server/job_pruner.h"

#include <chrono>

#include "base/log.h"

namespace strata::server {
namespace {

// For callers who ask for an asynchronous invocation, and for whoever looks into jobs.db.
constexpr std::chrono::hours kEndedKept{7 * 24};
constexpr std::chrono::hours kEvery{1};

}  // namespace

JobPruner::JobPruner(store::JobQueue& jobs, const Clock& clock, net::Runtime& runtime)
    : jobs_(jobs), clock_(clock) {
  auto ended = std::make_shared<std::promise<void>>();
  ended_ = ended->get_future();
  runtime.Spawn(Run(std::move(ended)));
}

JobPruner::~JobPruner() {
  stop_.request_stop();
  ended_.wait();
}

Task<void> JobPruner::Run(std::shared_ptr<std::promise<void>> ended) {
  do {
    const auto pruned = co_await jobs_.Prune(clock_.Wall() - kEndedKept);
    if (!pruned.has_value()) {
      Log(Level::kWarning, "server.prune_jobs_failed", {{"error", pruned.error().message()}});
    }
  } while ((co_await net::Sleep(kEvery, stop_.get_token())).has_value());
  ended->set_value();
}

}  // namespace strata::server
