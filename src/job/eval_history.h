#pragma once
// How an evaluation run stands to the run before it: quality over time.

#include <span>
#include <string>
#include <vector>

#include "base/pool.h"
#include "job/eval_runs.h"
#include "learn/bootstrap.h"

namespace strata::job {

// One target, on the rows that it was judged on both times.
struct EvalChange {
  std::string target;
  std::string before;  // id of the run before
  WallTime when;       // it began
  std::size_t paired = 0;
  double quality_before = 0;
  double quality = 0;
  learn::Interval difference;  // of the means; paired bootstrap over rows, 95 %
  double p = 1;                // of a fall as deep by chance (learn/sign_flips.h)

  // Beyond chance by both: the bootstrap of a few rows that are alike has no width.
  bool fell() const { return difference.high < 0 && p <= 0.025; }
};

// The newest run of the same set (of any version) and the same judges that was done before `run`
// began and has the target; targets without one are left out. Reads at most one earlier run a
// target, without texts; the intervals are worked out on `pool`.
Task<Result<std::vector<EvalChange>>> ChangesSince(EvalRuns& runs, Pool& pool, EvalRun run);

// How the targets of a run stand: those of whose cases one was judged.
std::vector<EvalStanding> StandingsOf(const EvalRun& run, std::span<const EvalCase> cases,
                                      std::span<const EvalChange> changes);

// Of two runs' cases of one target each.
EvalChange ChangeOf(std::span<const EvalCase> before, std::size_t target_before,
                    std::span<const EvalCase> after, std::size_t target_after);

}  // namespace strata::job
