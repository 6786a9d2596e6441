#include "job/eval_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>
#include <set>
#include <tuple>

namespace strata::job {
namespace {

namespace json = boost::json;

constexpr std::string_view kStateNames[] = {"running", "done", "failed", "cancelled",
                                            "out of money"};
constexpr int kListMax = 1000;

// What is read back was written here: boost's exceptions are damage of the file.
template <class F>
auto Reading(F read) -> Result<decltype(read())> {
  try {
    return read();
  } catch (const std::exception& e) {
    return Fail(Code::kCorruption, fmt::format("eval.db: {}", e.what()));
  }
}

json::value Optional(const std::optional<double>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

std::optional<double> OptionalOf(const json::value& value) {
  return value.is_null() ? std::nullopt : std::optional(value.to_number<double>());
}

std::string PlanText(const EvalRun& run) {
  const auto& plan = run.plan;
  json::array judges;
  for (const auto& judge : plan.judges) judges.emplace_back(judge.Name());
  return json::serialize(json::object{{"set", plan.set},
                                      {"version", plan.version},
                                      {"targets", json::value_from(plan.targets)},
                                      {"judges", std::move(judges)},
                                      {"at_once", plan.at_once},
                                      {"usd_max", Optional(plan.usd_max)},
                                      {"constraints", gateway::ConstraintsJson(run.constraints)}});
}

// Both the plan and the constraints; runs of before have no constraints.
Result<> ReadPlan(std::string_view text, EvalRun& run) {
  STRATA_TRY(auto tree, Reading([&] { return json::parse(text).as_object(); }));
  auto& plan = run.plan;
  std::vector<std::string> judges;
  STRATA_CHECK_OK(Reading([&] {
    plan.set = json::value_to<std::string>(tree.at("set"));
    plan.version = tree.at("version").to_number<int>();
    plan.targets = json::value_to<std::vector<std::string>>(tree.at("targets"));
    judges = json::value_to<std::vector<std::string>>(tree.at("judges"));
    plan.at_once = tree.at("at_once").to_number<int>();
    plan.usd_max = OptionalOf(tree.at("usd_max"));
    return true;
  }));
  for (const auto& name : judges) {
    STRATA_TRY(auto judge, ParseJudge(name));
    plan.judges.push_back(std::move(judge));
  }
  if (const auto* kept = tree.if_contains("constraints")) {
    STRATA_TRY(run.constraints, gateway::ReadConstraints(*kept));
  }
  return {};
}

std::string FiguresText(const EvalCase& c) {
  json::array scores;
  for (const auto& score : c.scores) scores.push_back(Optional(score));
  json::object out{{"input_tokens", c.input_tokens},
                   {"output_tokens", c.output_tokens},
                   {"judge_picousd", c.judge_picousd},
                   {"latency_ms", c.latency_ms},
                   {"scores", std::move(scores)},
                   {"quality", Optional(c.quality)},
                   {"error", c.error},
                   {"model", c.model}};
  out["cost_picousd"] = c.cost_picousd ? json::value(*c.cost_picousd) : json::value(nullptr);
  return json::serialize(out);
}

std::string TextsText(const EvalCase& c) {
  return json::serialize(json::object{
      {"answer", c.answer}, {"trace", c.trace}, {"reasons", json::value_from(c.reasons)}});
}

void ReadFigures(std::string_view text, EvalCase& c) {
  auto tree = json::parse(text).as_object();
  c.input_tokens = tree.at("input_tokens").to_number<std::int64_t>();
  c.output_tokens = tree.at("output_tokens").to_number<std::int64_t>();
  c.judge_picousd = tree.at("judge_picousd").to_number<std::int64_t>();
  c.latency_ms = tree.at("latency_ms").to_number<std::int64_t>();
  c.quality = OptionalOf(tree.at("quality"));
  c.error = json::value_to<std::string>(tree.at("error"));
  c.model = json::value_to<std::string>(tree.at("model"));
  for (const auto& score : tree.at("scores").as_array()) c.scores.push_back(OptionalOf(score));
  const auto& cost = tree.at("cost_picousd");
  if (!cost.is_null()) c.cost_picousd = cost.to_number<std::int64_t>();
}

void ReadTexts(std::string_view text, EvalCase& c) {
  auto tree = json::parse(text).as_object();
  c.answer = json::value_to<std::string>(tree.at("answer"));
  c.trace = json::value_to<std::string>(tree.at("trace"));
  c.reasons = json::value_to<std::vector<std::string>>(tree.at("reasons"));
}

std::string StandingsText(const std::vector<EvalStanding>& standings) {
  json::array out;
  for (const auto& s : standings) {
    out.push_back(json::object{{"target", s.target}, {"quality", s.quality}, {"fell", s.fell}});
  }
  return json::serialize(out);
}

std::vector<EvalStanding> ReadStandings(std::string_view text) {
  std::vector<EvalStanding> out;
  for (const auto& item : json::parse(text).as_array()) {
    const auto& s = item.as_object();
    out.push_back({.target = json::value_to<std::string>(s.at("target")),
                   .quality = s.at("quality").to_number<double>(),
                   .fell = s.at("fell").as_bool()});
  }
  return out;
}

constexpr std::string_view kColumns =
    "id, workspace, key, plan, state, error, row_count, created, updated, "
    "(SELECT COUNT(*) FROM cases WHERE run = id)";

Result<EvalRun> RunOf(const store::Statement& row) {
  EvalRun run;
  run.id = row.Text(0);
  run.workspace.value = row.Text(1);
  run.key.value = row.Text(2);
  STRATA_CHECK_OK(ReadPlan(row.Text(3), run));
  auto state = static_cast<std::size_t>(row.Integer(4));
  if (state >= std::size(kStateNames)) return Fail(Code::kCorruption, "eval.db: an unknown state");
  run.state = static_cast<EvalState>(state);
  run.error = row.Text(5);
  run.rows = static_cast<std::size_t>(row.Integer(6));
  run.created = FromUnixMicros(row.Integer(7));
  run.updated = FromUnixMicros(row.Integer(8));
  run.cases = static_cast<std::size_t>(row.Integer(9));
  return run;
}

Result<EvalRun> GetRun(store::Database& database, const std::string& id,
                       const WorkspaceId& workspace) {
  STRATA_TRY(auto row, database.Prepare(fmt::format(
                           "SELECT {} FROM runs WHERE id = ? AND workspace = ?", kColumns)));
  row.Bind(1, id).Bind(2, workspace.value);
  STRATA_TRY(bool found, row.Step());
  if (!found) return Fail(NotFound("evaluation run", id));
  return RunOf(row);
}

Result<std::vector<EvalRun>> RunsOf(store::Statement& row) {
  std::vector<EvalRun> out;
  while (true) {
    STRATA_TRY(bool more, row.Step());
    if (!more) return out;
    STRATA_TRY(auto run, RunOf(row));
    out.push_back(std::move(run));
  }
}

enum class Part : std::uint8_t { kFigures, kAll };

Result<std::vector<EvalCase>> ReadCases(store::Database& database, const std::string& run,
                                        Part part) {
  STRATA_TRY(auto row, database.Prepare(
                           fmt::format("SELECT row_id, target, figures, {} FROM cases WHERE run = "
                                       "? ORDER BY row_id, target",
                                       part == Part::kAll ? "texts" : "''")));
  row.Bind(1, run);
  std::vector<EvalCase> out;
  while (true) {
    STRATA_TRY(bool more, row.Step());
    if (!more) return out;
    EvalCase c;
    c.row = row.Text(0);
    c.target = static_cast<std::size_t>(row.Integer(1));
    STRATA_CHECK_OK(Reading([&] {
      ReadFigures(row.Text(2), c);
      if (part == Part::kAll) ReadTexts(row.Text(3), c);
      return true;
    }));
    out.push_back(std::move(c));
  }
}

}  // namespace

std::string_view EvalStateName(EvalState state) {
  return kStateNames[static_cast<std::size_t>(state)];
}

Task<Result<EvalRun>> EvalRuns::Create(EvalRun run) {
  run.created = run.updated = clock_.Wall();
  auto plan = PlanText(run);
  auto work = [&](store::Database& database) {
    auto at = ToUnixMicros(run.created);
    return database.Run(
        "INSERT INTO runs(id, workspace, key, plan, state, row_count, created, updated) "
        "VALUES(?,?,?,?,?,?,?,?)",
        run.id, run.workspace.value, run.key.value, plan, static_cast<int>(run.state), run.rows, at,
        at);
  };
  STRATA_CO_CHECK_OK(co_await file_.Write(std::move(work)));
  co_return run;
}

Task<Result<EvalRun>> EvalRuns::Get(std::string id, WorkspaceId workspace) {
  auto work = [&](store::Database& database) { return GetRun(database, id, workspace); };
  co_return co_await file_.Read(std::move(work));
}

Task<Result<std::vector<EvalRun>>> EvalRuns::List(WorkspaceId workspace) {
  auto work = [&](store::Database& database) -> Result<std::vector<EvalRun>> {
    STRATA_TRY(auto row, database.Prepare(fmt::format("SELECT {} FROM runs WHERE workspace = ? "
                                                      "ORDER BY created DESC LIMIT ?",
                                                      kColumns)));
    row.Bind(1, workspace.value).Bind(2, kListMax);
    return RunsOf(row);
  };
  co_return co_await file_.Read(std::move(work));
}

Task<Result<std::vector<EvalRun>>> EvalRuns::Running() {
  auto work = [](store::Database& database) -> Result<std::vector<EvalRun>> {
    STRATA_TRY(auto row,
               database.Prepare(fmt::format("SELECT {} FROM runs WHERE state = ?", kColumns)));
    row.Bind(1, static_cast<int>(EvalState::kRunning));
    return RunsOf(row);
  };
  co_return co_await file_.Read(std::move(work));
}

Task<Result<>> EvalRuns::Delete(std::string id, WorkspaceId workspace) {
  auto work = [&](store::Database& database) -> Result<> {
    STRATA_TRY(auto run, GetRun(database, id, workspace));
    return database.Run("DELETE FROM runs WHERE id = ?", run.id);
  };
  co_return co_await file_.Write(std::move(work));
}

Task<Result<>> EvalRuns::SetState(std::string id, EvalState state, std::string error) {
  auto work = [&, now = ToUnixMicros(clock_.Wall())](store::Database& database) {
    return database.Run("UPDATE runs SET state = ?, error = ?, updated = ? WHERE id = ?",
                        static_cast<int>(state), error, now, id);
  };
  co_return co_await file_.Write(std::move(work));
}

Task<Result<>> EvalRuns::SetStandings(std::string id, std::vector<EvalStanding> standings) {
  auto text = StandingsText(standings);
  auto work = [&](store::Database& database) {
    return database.Run("UPDATE runs SET standings = ? WHERE id = ?", text, id);
  };
  co_return co_await file_.Write(std::move(work));
}

Result<std::vector<SetStanding>> EvalRuns::NewestStandingsBlocking(std::size_t limit) {
  auto work = [&](store::Database& database) -> Result<std::vector<SetStanding>> {
    STRATA_TRY(auto row, database.Prepare("SELECT workspace, plan, standings FROM runs WHERE "
                                          "standings <> '' ORDER BY created DESC LIMIT ?"));
    row.Bind(1, kListMax);
    std::vector<SetStanding> out;
    std::set<std::tuple<std::string, std::string, std::string>> seen;
    while (out.size() < limit) {
      STRATA_TRY(bool more, row.Step());
      if (!more) break;
      EvalRun run;
      STRATA_CHECK_OK(ReadPlan(row.Text(1), run));
      STRATA_TRY(auto standings, Reading([&] { return ReadStandings(row.Text(2)); }));
      for (auto& standing : standings) {
        if (out.size() == limit) break;
        WorkspaceId workspace;
        workspace.value = row.Text(0);
        if (!seen.emplace(workspace.value, run.plan.set, standing.target).second) continue;
        out.push_back({std::move(workspace), run.plan.set, std::move(standing)});
      }
    }
    return out;
  };
  return file_.ReadBlocking(std::move(work));
}

Task<Result<>> EvalRuns::Save(std::string run, EvalCase done, std::string subject) {
  auto figures = FiguresText(done);
  auto texts = TextsText(done);
  auto work = [&](store::Database& database) {
    return database.Run(
        "INSERT OR IGNORE INTO cases(run, row_id, target, figures, texts, subject) "
        "VALUES(?,?,?,?,?,?)",
        run, done.row, done.target, figures, texts, subject);
  };
  co_return co_await file_.Write(std::move(work));
}

Task<Result<>> EvalRuns::SaveCheck(std::string run, HumanCheck check) {
  auto work = [&](store::Database& database) {
    return database.Run("INSERT OR IGNORE INTO human_checks VALUES(?,?,?,?,?,?)", run, check.row,
                        check.judge, check.answer, check.human, check.model);
  };
  co_return co_await file_.Write(std::move(work));
}

Task<Result<std::vector<EvalCase>>> EvalRuns::Cases(std::string run) {
  auto work = [&](store::Database& database) { return ReadCases(database, run, Part::kAll); };
  co_return co_await file_.Read(std::move(work));
}

Task<Result<std::vector<EvalCase>>> EvalRuns::Figures(std::string run) {
  auto work = [&](store::Database& database) { return ReadCases(database, run, Part::kFigures); };
  co_return co_await file_.Read(std::move(work));
}

Task<Result<std::vector<HumanCheck>>> EvalRuns::Checks(std::string run) {
  auto work = [&](store::Database& database) -> Result<std::vector<HumanCheck>> {
    STRATA_TRY(auto row, database.Prepare("SELECT row_id, judge, answer, human, model FROM "
                                          "human_checks WHERE run = ?"));
    row.Bind(1, run);
    std::vector<HumanCheck> out;
    while (true) {
      STRATA_TRY(bool more, row.Step());
      if (!more) return out;
      HumanCheck check{.row = std::string(row.Text(0)),
                       .judge = static_cast<std::size_t>(row.Integer(1)),
                       .answer = static_cast<std::size_t>(row.Integer(2)),
                       .human = row.Real(3),
                       .model = std::nullopt};
      if (!row.IsNull(4)) check.model = row.Real(4);
      out.push_back(std::move(check));
    }
  };
  co_return co_await file_.Read(std::move(work));
}

}  // namespace strata::job
