#pragma once
// Evaluation runs in eval.db: what was to be run, and every case as it was answered and judged. A
// case is kept as soon as it is done, so a run that is taken up again repeats none.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/task.h"
#include "gateway/constraints.h"
#include "job/judges.h"
#include "store/sql_file.h"

namespace strata::job {

struct EvalPlan {
  std::string set;  // its name
  int version = 0;
  std::vector<std::string> targets;  // model ids; the others are compared with the first
  std::vector<Judge> judges;         // the first that can judge a row says its quality
  int at_once = 4;                   // cases
  std::optional<double> usd_max;     // no case begins once so much was spent; unset: no limit
};

enum class EvalState : std::uint8_t { kRunning, kDone, kFailed, kCancelled, kOutOfMoney };
std::string_view EvalStateName(EvalState state);  // "running", "done", …

struct EvalRun {
  std::string id;
  WorkspaceId workspace;
  KeyId key;                         // whose grants its calls have
  gateway::Constraints constraints;  // of the request that began it: its calls have them too
  EvalPlan plan;
  EvalState state = EvalState::kRunning;
  std::string error;  // kFailed
  std::size_t rows = 0;
  std::size_t cases = 0;  // that are done, of rows × targets
  WallTime created;
  WallTime updated;
};

// One row answered by one target, and how it was judged.
struct EvalCase {
  std::string row;
  std::size_t target = 0;  // of the plan
  std::string answer;
  std::string error;  // "" when it answered
  std::string model;  // who answered, where the target is a router
  std::string trace;
  std::int64_t input_tokens = 0, output_tokens = 0;
  std::optional<std::int64_t> cost_picousd;   // unset: a price is not known
  std::int64_t judge_picousd = 0;             // of models that judged, as far as known
  std::int64_t latency_ms = 0;                // of the answer, waits between tries left out
  std::vector<std::optional<double>> scores;  // one a judge; unset: it could not judge
  std::vector<std::string> reasons;           // of models that judged; as many as scores
  std::optional<double> quality;              // unset: no judge could
  friend bool operator==(const EvalCase&, const EvalCase&) = default;
};

// A model's grade of an answer that a person has judged.
struct HumanCheck {
  std::string row;
  std::size_t judge = 0;   // of the plan
  std::size_t answer = 0;  // of the row's graded ones
  double human = 0;
  std::optional<double> model;  // unset: it gave no grade
};

// How a target stood when a run of it was done.
struct EvalStanding {
  std::string target;
  double quality = 0;  // mean over the cases that a judge could judge
  bool fell = false;   // below the run before, and not by chance
};

// The newest one of a set and target.
struct SetStanding {
  WorkspaceId workspace;
  std::string set;
  EvalStanding standing;
};

// Thread-safe. `file` outlives it and has EvalMigrations.
class EvalRuns {
 public:
  explicit EvalRuns(store::SqlFile& file, const Clock& clock = SystemClock())
      : file_(file), clock_(clock) {}

  // `run`: id, workspace, key, plan and rows are given.
  Task<Result<EvalRun>> Create(EvalRun run);
  Task<Result<EvalRun>> Get(std::string id, WorkspaceId workspace);  // kNotFound
  Task<Result<std::vector<EvalRun>>> List(WorkspaceId workspace);    // newest first, at most 1000
  Task<Result<std::vector<EvalRun>>> Running();                      // of all workspaces
  Task<Result<>> Delete(std::string id, WorkspaceId workspace);      // kNotFound
  Task<Result<>> SetState(std::string id, EvalState state, std::string error);
  Task<Result<>> SetStandings(std::string id, std::vector<EvalStanding> standings);
  // Of the runs that were done last, at most `limit`. Blocks.
  Result<std::vector<SetStanding>> NewestStandingsBlocking(std::size_t limit);

  // A case that is there already stays as it is. `subject`: the row's.
  Task<Result<>> Save(std::string run, EvalCase done, std::string subject = {});
  Task<Result<>> SaveCheck(std::string run, HumanCheck check);

  // All that is done, by row id, then by target. Of a run of 100,000 rows and two
  // targets some hundreds of MB: reports read Figures instead.
  Task<Result<std::vector<EvalCase>>> Cases(std::string run);
  // Cases without their texts.
  Task<Result<std::vector<EvalCase>>> Figures(std::string run);
  Task<Result<std::vector<HumanCheck>>> Checks(std::string run);

 private:
  store::SqlFile& file_;
  const Clock& clock_;
};

}  // namespace strata::job
