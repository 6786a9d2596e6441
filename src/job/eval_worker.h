#pragma once
// Works on evaluation runs: durable jobs that a restart takes up again where they were.

#include <stop_token>
#include <string>

#include "base/wait_group.h"
#include "job/eval_asker.h"
#include "job/eval_sets.h"
#include "net/runtime.h"
#include "store/jobs.h"

namespace strata::job {

// Thread-safe.
class EvalWorker {
 public:
  static constexpr std::string_view kKind = "eval.run";
  static constexpr std::size_t kRunsAtOnce = 2;
  static constexpr int kCasesAtOnceMax = 64;
  static constexpr std::size_t kTargetsMax = 32;
  static constexpr std::size_t kJudgesMax = 16;

  struct Parts {  // all outlive it
    store::JobQueue& jobs;
    EvalSets& sets;
    EvalRuns& runs;
    AskerParts asker;
    std::chrono::milliseconds beat_every;  // how soon a cancelled run is told
  };
  explicit EvalWorker(Parts parts) : parts_(std::move(parts)), asker_(parts_.asker) {}
  ~EvalWorker() { Stop(); }

  // Takes up what a dead process left and works until Stop, on an io thread of `runtime`. Once.
  void Start(net::Runtime& runtime);
  void Stop();

  // Begins a run over the set's version (0: the newest). Errors: kNotFound (set, version, models),
  // kInvalidArgument (targets, judges; a set without rows).
  // Its calls have what the request's key grants when they are made, and the request's constraints.
  Task<Result<EvalRun>> Submit(EvalPlan plan, const RequestFacts& asker);
  // The cases under way end first. kNotFound; kConflict when it has ended.
  Task<Result<>> Cancel(std::string id, WorkspaceId workspace);

 private:
  struct Work;
  struct Item;
  Task<Result<>> TakeUp();
  Task<Result<store::Job>> JobOf(const EvalRun& run);
  Task<void> Loop(WaitGroup::Ticket ticket);
  Task<Result<bool>> RunNext();  // false: there was no job
  Task<void> RunOne(store::Job job);
  Task<Result<>> WorkOn(std::shared_ptr<Work> work);
  Task<Result<>> LoadWork(Work& work);
  Task<void> CasesOf(std::shared_ptr<Work> work);
  Task<Result<>> OneItem(Work& work, const Item& item);
  Task<Result<>> Beat(Work& work);
  Task<void> Watch(const EvalRun& run);
  Task<Result<>> KeepStandings(const EvalRun& run);
  Task<Result<>> Settle(Work& work, Result<> outcome);
  std::chrono::milliseconds LeaseTime(const EvalPlan& plan) const;

  Parts parts_;
  EvalAsker asker_;
  std::stop_source stop_;
  WaitGroup loops_;
};

}  // namespace strata::job
