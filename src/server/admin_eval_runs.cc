// Evaluation runs over /strata/v1/eval-runs: begin, list, report, cases, rows to learn from,
// cancel, delete.

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/format_message.h"
#include "dialect/json_value.h"
#include "job/eval_history.h"
#include "job/eval_report.h"
#include "job/evaluation.h"
#include "route/json_list.h"
#include "server/admin_json.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;

json::object Encode(const job::EvalRun& run) {
  json::array judges;
  for (const auto& judge : run.plan.judges) judges.emplace_back(judge.Name());
  json::object out{{"id", run.id},
                   {"set", fmt::format("{}:{}", run.plan.set, run.plan.version)},
                   {"targets", json::value_from(run.plan.targets)},
                   {"judges", std::move(judges)},
                   {"state", job::EvalStateName(run.state)},
                   {"rows", run.rows},
                   {"cases", run.cases},
                   {"cases_in_all", run.rows * run.plan.targets.size()},
                   {"created", FormatIso8601(run.created)},
                   {"updated", FormatIso8601(run.updated)}};
  if (!run.error.empty()) out["error"] = run.error;
  if (run.plan.usd_max) out["max_usd"] = *run.plan.usd_max;
  return out;
}

json::array Encode(const learn::Interval& interval) {
  return {interval.estimate, interval.low, interval.high};
}

json::value Encode(const std::optional<double>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::object Encode(const job::TargetReport& target) {
  json::array judges;
  for (const auto& mean : target.judges) judges.push_back(Encode(mean));
  json::object out{{"target", target.target},
                   {"cases", target.cases},
                   {"failed", target.failed},
                   {"unjudged", target.unjudged},
                   {"quality", Encode(target.quality)},
                   {"paired", target.paired},
                   {"difference", Encode(target.difference)},
                   {"ratio", Encode(target.ratio)},
                   {"usd", target.usd},
                   {"unpriced", target.unpriced},
                   {"latency_ms_p50", target.latency_ms_p50},
                   {"latency_ms_p95", target.latency_ms_p95},
                   {"judges", std::move(judges)}};
  if (target.cost_ratio) out["cost_ratio"] = Encode(*target.cost_ratio);
  return out;
}

json::object Encode(const job::EvalChange& change) {
  return {{"target", change.target},
          {"before", change.before},
          {"when", FormatIso8601(change.when)},
          {"paired", change.paired},
          {"quality_before", change.quality_before},
          {"quality", change.quality},
          {"difference", Encode(change.difference)},
          {"fell", change.fell()}};
}

json::object Encode(const job::JudgeReport& judge) {
  return {{"judge", judge.judge},
          {"silent", judge.silent},
          {"graded", judge.people.n},
          {"agreement", Encode(judge.people.share)},
          {"kappa", Encode(judge.people.kappa)},
          {"judges_itself", judge.judges_itself}};
}

Result<job::EvalPlan> DecodePlan(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(route::OnlyKnown(top, {"set", "targets", "judges", "at_once", "max_usd"}));
  job::EvalPlan plan;
  STRATA_TRY(auto set, top.Get("set").NonEmptyString());
  auto ref = job::ParseEvalSetRef(set);
  plan.set = std::move(ref.name);
  plan.version = ref.version;
  STRATA_TRY(plan.targets, route::TextOrList(top.Get("targets")));
  std::vector<std::string> judges{"schema", "numeric", "exact"};
  if (auto field = top.Get("judges"); field.present()) {
    STRATA_TRY(judges, route::TextOrList(field));
  }
  for (const auto& name : judges) {
    STRATA_TRY(auto judge, job::ParseJudge(name));
    plan.judges.push_back(std::move(judge));
  }
  if (auto at_once = top.Get("at_once"); at_once.present()) {
    STRATA_TRY(auto number, at_once.Integer(1, job::EvalWorker::kCasesAtOnceMax));
    plan.at_once = static_cast<int>(number);
  }
  if (auto usd = top.Get("max_usd"); usd.present()) {
    STRATA_TRY(plan.usd_max, usd.Double(0, 1e6));
  }
  return plan;
}

Task<Result<>> Begin(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto plan, DecodePlan(e.http.body));
  STRATA_CO_TRY(auto run, co_await s.evaluation.worker().Submit(std::move(plan), e.ctx));
  co_return co_await SendAdminJson(e, json::serialize(Encode(run)));
}

Task<Result<>> List(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto runs, co_await s.evaluation.runs().List(e.ctx.workspace));
  json::array items;
  for (const auto& run : runs) items.push_back(Encode(run));
  json::object body{{"runs", std::move(items)}};
  co_return co_await SendAdminJson(e, json::serialize(body));
}

// How far it is, and with ?report=true what it says so far.
Task<Result<>> Get(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto run, co_await s.evaluation.runs().Get(e.params.at(0), e.ctx.workspace));
  auto body = Encode(run);
  if (net::QueryParameter(e.http.query(), "report") == "true") {
    STRATA_CO_TRY(auto cases, co_await s.evaluation.runs().Figures(run.id));
    STRATA_CO_TRY(auto checks, co_await s.evaluation.runs().Checks(run.id));
    auto work = [&]() -> Result<job::EvalReport> { return job::ReportOf(run.plan, cases, checks); };
    STRATA_CO_TRY(auto report, co_await RunBlocking(s.kb_pool, std::move(work)));
    json::array targets, judges;
    for (const auto& target : report.targets) targets.push_back(Encode(target));
    for (const auto& judge : report.judges) judges.push_back(Encode(judge));
    STRATA_CO_TRY(auto since, co_await job::ChangesSince(s.evaluation.runs(), s.kb_pool, run));
    json::array changes;
    for (const auto& change : since) changes.push_back(Encode(change));
    body["report"] = json::object{{"targets", std::move(targets)},
                                  {"changes", std::move(changes)},
                                  {"model_judges", std::move(judges)},
                                  {"judge_usd", report.judge_usd}};
  }
  co_return co_await SendAdminJson(e, json::serialize(body));
}

std::string CaseLine(const job::EvalPlan& plan, const job::EvalCase& c) {
  json::object scores, reasons;
  for (std::size_t j = 0; j < plan.judges.size() && j < c.scores.size(); ++j) {
    scores[plan.judges[j].Name()] = Encode(c.scores[j]);
    if (j < c.reasons.size() && !c.reasons[j].empty()) {
      reasons[plan.judges[j].Name()] = c.reasons[j];
    }
  }
  json::object out{{"row", c.row},
                   {"target", plan.targets.at(c.target)},
                   {"quality", Encode(c.quality)},
                   {"scores", std::move(scores)},
                   {"answer", c.answer},
                   {"trace", c.trace},
                   {"input_tokens", c.input_tokens},
                   {"output_tokens", c.output_tokens},
                   {"latency_ms", c.latency_ms}};
  constexpr double kPicousd = 1e12;
  if (c.cost_picousd) out["cost_usd"] = static_cast<double>(*c.cost_picousd) / kPicousd;
  if (!c.error.empty()) out["error"] = c.error;
  if (!c.model.empty()) out["model"] = c.model;
  if (!reasons.empty()) out["reasons"] = std::move(reasons);
  return json::serialize(out);
}

Task<Result<>> Cases(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto run, co_await s.evaluation.runs().Get(e.params.at(0), e.ctx.workspace));
  STRATA_CO_TRY(auto cases, co_await s.evaluation.runs().Cases(run.id));
  JsonLines lines(e);
  STRATA_CO_CHECK_OK(co_await lines.Start());
  for (const auto& c : cases) {
    if (c.target >= run.plan.targets.size()) continue;
    STRATA_CO_CHECK_OK(co_await lines.Line(CaseLine(run.plan, c)));
  }
  co_return co_await lines.Finish({});
}

// What `strata route train` reads.
Task<Result<>> Rows(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto run, co_await s.evaluation.runs().Get(e.params.at(0), e.ctx.workspace));
  job::EvalSets::RowsOf wanted{.set = {.name = run.plan.set, .version = run.plan.version}};
  STRATA_CO_TRY(auto rows, co_await s.evaluation.sets().Rows(std::move(wanted), e.ctx.workspace));
  STRATA_CO_TRY(auto cases, co_await s.evaluation.runs().Cases(run.id));
  auto work = [&]() -> Result<std::string> { return job::RoutingRows(run.plan, rows, cases); };
  STRATA_CO_TRY(auto text, co_await RunBlocking(s.kb_pool, std::move(work)));
  net::Headers headers;
  headers.Set("content-type", "application/x-ndjson");
  co_return co_await e.writer.Send(200, std::move(headers), std::move(text));
}

Task<Result<>> Cancel(Services& s, Exchange& e) {
  STRATA_CO_CHECK_OK(co_await s.evaluation.worker().Cancel(e.params.at(0), e.ctx.workspace));
  co_return co_await SendAdminJson(e,
                                   json::serialize(json::object{{"cancelling", e.params.at(0)}}));
}

Task<Result<>> Delete(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto run, co_await s.evaluation.runs().Get(e.params.at(0), e.ctx.workspace));
  if (run.state == job::EvalState::kRunning) {
    co_return Fail(Code::kConflict,
                   FormatMessage("evaluation run {} is running: cancel it first", run.id));
  }
  STRATA_CO_CHECK_OK(co_await s.evaluation.runs().Delete(run.id, e.ctx.workspace));
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"deleted", run.id}}));
}

}  // namespace

void AddAdminEvalRunRoutes(Router& router, Services& services) {
  const AdminOperations add(router, services);
  add("POST", "/strata/v1/eval-runs", "begin_eval_run", Begin);
  add("GET", "/strata/v1/eval-runs", "list_eval_runs", List);
  add("GET", "/strata/v1/eval-runs/{id}", "get_eval_run", Get);
  add("GET", "/strata/v1/eval-runs/{id}/cases", "get_eval_cases", Cases);
  add("GET", "/strata/v1/eval-runs/{id}/rows", "get_eval_routing_rows", Rows);
  add("POST", "/strata/v1/eval-runs/{id}/cancel", "cancel_eval_run", Cancel);
  add("DELETE", "/strata/v1/eval-runs/{id}", "delete_eval_run", Delete);
}

}  // namespace strata::server
