#include "job/eval_worker.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <set>
#include <tuple>

#include "base/caught.h"
#include "base/log.h"
#include "base/run_all.h"
#include "job/eval_history.h"

namespace strata::job {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds kIdle{500};
constexpr int kAttemptsMax = 1000;  // a restart takes one

template <class T>
bool HasTwice(const std::vector<T>& items) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (std::find(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(i), items[i]) !=
        items.begin() + static_cast<std::ptrdiff_t>(i)) {
      return true;
    }
  }
  return false;
}

Result<> CheckPlan(const EvalPlan& plan, const AskerParts& asker, const WorkspaceId& workspace) {
  const auto& registry = asker.registry;
  auto wrong = [](std::string field, const std::string& what) {
    return Fail(InvalidArgument(std::move(field), what));
  };
  if (plan.targets.empty() || plan.targets.size() > EvalWorker::kTargetsMax) {
    return wrong("targets", fmt::format("expected 1 to {} models", EvalWorker::kTargetsMax));
  }
  if (plan.judges.empty() || plan.judges.size() > EvalWorker::kJudgesMax) {
    return wrong("judges", fmt::format("expected 1 to {} judges", EvalWorker::kJudgesMax));
  }
  if (HasTwice(plan.targets)) return wrong("targets", "the same model stands twice");
  if (HasTwice(plan.judges)) return wrong("judges", "the same judge stands twice");
  if (plan.at_once < 1 || plan.at_once > EvalWorker::kCasesAtOnceMax) {
    return wrong("at_once", fmt::format("expected 1 to {}", EvalWorker::kCasesAtOnceMax));
  }
  for (const auto& target : plan.targets) {
    auto found = registry.Chat(target);
    if (!found.has_value()) return std::unexpected(std::move(found.error()));
    if (!asker.as_prompt) continue;
    domain::ChatRequest request;
    request.model = target;
    // Whether its variables fit is known when a row is asked.
    auto prompt = asker.as_prompt(request, EvalRow(), workspace);
    if (!prompt.has_value() && prompt.error().code() == Code::kNotFound) return prompt;
  }
  for (const auto& judge : plan.judges) {
    if (judge.kind != JudgeKind::kModel) continue;
    auto found = registry.Chat(judge.model);
    if (!found.has_value()) return std::unexpected(std::move(found.error()));
  }
  return {};
}

}  // namespace

// A row asked of a target, or a graded answer shown to a judge.
struct EvalWorker::Item {
  std::size_t row = 0;
  std::size_t target = 0;  // of a check: the judge
  std::optional<std::size_t> graded;
};

// One run under way, on one io thread.
struct EvalWorker::Work {
  store::Job job;
  EvalRun run;
  std::vector<EvalRow> rows;
  std::vector<Item> items;  // that are still to be done
  std::size_t next = 0;
  std::size_t done = 0;
  std::int64_t spent_picousd = 0;
  SteadyTime beat;
  std::stop_source stop;  // one of them failed, or somebody cancelled
  Result<> outcome;
  bool out_of_money = false;
};

// Jobs that a dead process held are due again, and runs that it had no time to make one for get it.
Task<Result<>> EvalWorker::TakeUp() {
  std::vector<std::string_view> kinds{kKind};
  STRATA_CO_CHECK_OK(co_await parts_.jobs.TakeBackLeases(std::move(kinds)));
  STRATA_CO_TRY(auto running, co_await parts_.runs.Running());
  for (const auto& run : running) {
    STRATA_CO_TRY(auto job, co_await JobOf(run));
  }
  co_return Result<>{};
}

void EvalWorker::Start(net::Runtime& runtime) {
  auto taken = runtime.Run(TakeUp());
  if (!taken.has_value()) {
    Log(Level::kWarning, "eval.take_up_failed", {{"error", taken.error().message()}});
  }
  for (std::size_t i = 0; i < kRunsAtOnce; ++i) runtime.Spawn(Loop(WaitGroup::Ticket(loops_)));
}

void EvalWorker::Stop() {
  stop_.request_stop();
  loops_.Wait();
}

// Nobody else works on this kind, so the lease only has to outlast the longest case.
std::chrono::milliseconds EvalWorker::LeaseTime(const EvalPlan& plan) const {
  constexpr int kTries = 3;
  auto calls = static_cast<int>(1 + plan.judges.size()) * kTries;
  return parts_.asker.settings().timeout * calls + std::chrono::minutes(10);
}

Task<void> EvalWorker::Loop([[maybe_unused]] WaitGroup::Ticket ticket) {
  auto stop = stop_.get_token();
  while (!stop.stop_requested()) {
    auto ran = co_await Caught("eval.worker", RunNext());
    if (ran.has_value() && *ran) continue;
    if (!ran.has_value()) {
      Log(Level::kWarning, "eval.lease_failed", {{"error", ran.error().message()}});
    }
    [[maybe_unused]] auto slept = co_await net::Sleep(kIdle, stop);
  }
}

Task<Result<bool>> EvalWorker::RunNext() {
  std::vector<std::string> kinds{std::string(kKind)};
  STRATA_CO_TRY(auto job, co_await parts_.jobs.Lease(std::move(kinds), std::chrono::hours(1)));
  if (!job) co_return false;
  co_await RunOne(std::move(*job));
  co_return true;
}

// What the run still has to do.
Task<Result<>> EvalWorker::LoadWork(Work& work) {
  std::string id(json::parse(work.job.payload.text).at("run").as_string());
  STRATA_CO_TRY(work.run, co_await parts_.runs.Get(id, work.job.workspace));
  const auto& plan = work.run.plan;
  EvalSets::RowsOf wanted{.set = {.name = plan.set, .version = plan.version}};
  STRATA_CO_TRY(work.rows, co_await parts_.sets.Rows(std::move(wanted), work.job.workspace));
  STRATA_CO_TRY(auto cases, co_await parts_.runs.Figures(id));
  STRATA_CO_TRY(auto checks, co_await parts_.runs.Checks(id));
  std::set<std::pair<std::string, std::size_t>> asked;
  std::set<std::tuple<std::string, std::size_t, std::size_t>> checked;
  for (const auto& c : cases) {
    asked.emplace(c.row, c.target);
    work.spent_picousd += c.cost_picousd.value_or(0) + c.judge_picousd;
  }
  for (const auto& c : checks) checked.emplace(c.row, c.judge, c.answer);
  work.done = cases.size();
  for (std::size_t r = 0; r < work.rows.size(); ++r) {
    const auto& row = work.rows[r];
    for (std::size_t t = 0; t < plan.targets.size(); ++t) {
      if (!asked.contains({row.id, t})) work.items.push_back({.row = r, .target = t, .graded = {}});
    }
    for (std::size_t j = 0; j < plan.judges.size(); ++j) {
      if (plan.judges[j].kind != JudgeKind::kModel) continue;
      for (std::size_t g = 0; g < row.graded.size(); ++g) {
        if (checked.contains({row.id, j, g})) continue;
        work.items.push_back({.row = r, .target = j, .graded = g});
      }
    }
  }
  co_return Result<>{};
}

Task<Result<>> EvalWorker::OneItem(Work& work, const Item& item) {
  const auto& row = work.rows[item.row];
  auto stop = work.stop.get_token();
  if (item.graded) {
    STRATA_CO_TRY(auto checked,
                  co_await asker_.Check(work.run, row, item.target, *item.graded, stop));
    work.spent_picousd += checked.picousd;
    auto check = std::move(checked.check);
    co_return co_await parts_.runs.SaveCheck(work.run.id, std::move(check));
  }
  STRATA_CO_TRY(auto done, co_await asker_.Run(work.run, row, item.target, stop));
  work.spent_picousd += done.cost_picousd.value_or(0) + done.judge_picousd;
  ++work.done;
  co_return co_await parts_.runs.Save(work.run.id, std::move(done), row.subject);
}

// Renews the lease; kCancelled when somebody asked for it.
Task<Result<>> EvalWorker::Beat(Work& work) {
  auto now = SystemClock().Steady();
  if (now - work.beat < parts_.beat_every) co_return Result<>{};
  work.beat = now;
  JsonText progress{fmt::format(R"({{"cases":{}}})", work.done)};
  co_return co_await parts_.jobs.Heartbeat(work.job, std::move(progress), LeaseTime(work.run.plan));
}

// One of several that share the work.
Task<void> EvalWorker::CasesOf(std::shared_ptr<Work> work) {
  const auto& usd_max = work->run.plan.usd_max;
  constexpr double kPicousd = 1e12;
  while (work->next < work->items.size() && !work->stop.stop_requested()) {
    if (usd_max && static_cast<double>(work->spent_picousd) >= *usd_max * kPicousd) {
      work->out_of_money = true;
      co_return;
    }
    auto item = work->items[work->next++];
    auto done = co_await Caught("eval.case", OneItem(*work, item));
    if (done.has_value()) done = co_await Beat(*work);
    if (done.has_value()) continue;
    if (work->outcome.has_value()) work->outcome = std::move(done);
    work->stop.request_stop();
  }
}

// Keeps how the targets stand, and says in the log which have become worse; what cannot be compared
// is no fault of the run.
Task<void> EvalWorker::Watch(const EvalRun& run) {
  auto watched = co_await Caught("eval.compare", KeepStandings(run));
  if (watched.has_value()) co_return;
  Log(Level::kWarning, "eval.compare_failed",
      {{"run", run.id}, {"error", watched.error().message()}});
}

Task<Result<>> EvalWorker::KeepStandings(const EvalRun& run) {
  STRATA_CO_TRY(const auto changes, co_await ChangesSince(parts_.runs, parts_.asker.pool, run));
  for (const auto& change : changes) {
    if (!change.fell()) continue;
    Log(Level::kWarning, "eval.quality_fell",
        {{"workspace", run.workspace.value},
         {"set", run.plan.set},
         {"target", change.target},
         {"run", run.id},
         {"before", change.before},
         {"rows", change.paired},
         {"quality_before", change.quality_before},
         {"quality", change.quality}});
  }
  STRATA_CO_TRY(const auto cases, co_await parts_.runs.Figures(run.id));
  co_return co_await parts_.runs.SetStandings(run.id, StandingsOf(run, cases, changes));
}

Task<Result<>> EvalWorker::Settle(Work& work, Result<> outcome) {
  const auto& id = work.run.id;
  if (outcome.has_value()) {
    auto state = work.out_of_money ? EvalState::kOutOfMoney : EvalState::kDone;
    STRATA_CO_CHECK_OK(co_await parts_.runs.SetState(id, state, ""));
    if (state == EvalState::kDone) co_await Watch(work.run);
    co_return co_await parts_.jobs.Complete(work.job, JsonText{"{}"});
  }
  auto code = outcome.error().code();
  if (code == Code::kCancelled) {
    STRATA_CO_CHECK_OK(co_await parts_.runs.SetState(id, EvalState::kCancelled, ""));
    co_return co_await parts_.jobs.Cancelled(work.job);
  }
  if (code == Code::kConflict) co_return outcome;  // somebody else holds the lease
  // The set or the run is gone, or the file is damaged: another try gives the same.
  bool permanent = code != Code::kUnavailable;
  auto retry = permanent ? store::JobQueue::Retry::kPermanent : store::JobQueue::Retry::kYes;
  if (permanent && !id.empty()) {
    STRATA_CO_CHECK_OK(
        co_await parts_.runs.SetState(id, EvalState::kFailed, outcome.error().message()));
  }
  co_return co_await parts_.jobs.Fail(work.job, outcome.error().message(), retry);
}

Task<Result<>> EvalWorker::WorkOn(std::shared_ptr<Work> work) {
  STRATA_CO_CHECK_OK(co_await LoadWork(*work));
  STRATA_CO_CHECK_OK(co_await Beat(*work));
  std::stop_callback stopping(stop_.get_token(), [&work] { work->stop.request_stop(); });
  std::vector<Task<void>> tasks;
  tasks.reserve(static_cast<std::size_t>(work->run.plan.at_once));
  for (int i = 0; i < work->run.plan.at_once; ++i) tasks.push_back(CasesOf(work));
  co_await RunAll(std::move(tasks));
  co_return std::move(work->outcome);
}

Task<void> EvalWorker::RunOne(store::Job job) {
  auto work = std::make_shared<Work>();
  work->job = std::move(job);
  auto outcome = co_await Caught("eval.run", WorkOn(work));
  // The process stops: the next one takes the lease back and goes on.
  if (stop_.stop_requested()) co_return;
  auto settled = co_await Settle(*work, std::move(outcome));
  if (!settled.has_value()) {
    Log(Level::kWarning, "eval.settle_failed",
        {{"run", work->run.id}, {"error", settled.error().message()}});
  }
}

// The run's job; made when it is not there.
Task<Result<store::Job>> EvalWorker::JobOf(const EvalRun& run) {
  store::JobSpec spec;
  spec.kind = kKind;
  spec.key = run.id;
  spec.workspace = run.workspace;
  spec.payload.text = json::serialize(json::object{{"run", run.id}});
  spec.attempts_max = kAttemptsMax;
  co_return co_await parts_.jobs.Enqueue(std::move(spec));
}

Task<Result<EvalRun>> EvalWorker::Submit(EvalPlan plan, const RequestFacts& asker) {
  const auto& workspace = asker.workspace;
  STRATA_CO_CHECK_OK(CheckPlan(plan, parts_.asker, workspace));
  STRATA_CO_TRY(auto set, co_await parts_.sets.Get(plan.set, workspace));
  if (plan.version == 0) plan.version = set.version;
  if (plan.version < 0 || plan.version > set.version) {
    co_return Fail(
        NotFound("version of evaluation set", fmt::format("{}:{}", set.name, plan.version)));
  }
  EvalRun run;
  run.id = NewResourceId();
  run.workspace = workspace;
  run.key = asker.key;
  run.constraints = gateway::Constraints::Of(asker);
  for (const auto& version : set.versions) {
    if (version.number == plan.version) run.rows = version.rows;
  }
  if (run.rows == 0) {
    co_return Fail(InvalidArgument("set", fmt::format("'{}' holds no rows", plan.set)));
  }
  run.plan = std::move(plan);
  STRATA_CO_TRY(auto made, co_await parts_.runs.Create(std::move(run)));
  STRATA_CO_TRY(auto job, co_await JobOf(made));
  co_return made;
}

Task<Result<>> EvalWorker::Cancel(std::string id, WorkspaceId workspace) {
  STRATA_CO_TRY(auto run, co_await parts_.runs.Get(std::move(id), workspace));
  if (run.state != EvalState::kRunning) {
    co_return Fail(Code::kConflict, fmt::format("evaluation run {} has ended: {}", run.id,
                                                EvalStateName(run.state)));
  }
  STRATA_CO_TRY(auto job, co_await JobOf(run));
  STRATA_CO_TRY(auto cancelled, co_await parts_.jobs.Cancel(job.id));
  if (cancelled.state == store::JobState::kCancelled) {
    co_return co_await parts_.runs.SetState(run.id, EvalState::kCancelled, "");
  }
  co_return Result<>{};
}

}  // namespace strata::job
