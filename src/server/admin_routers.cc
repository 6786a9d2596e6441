// Routers over /strata/v1/routers: create, list, show, roll back, delete, explain, dry run.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/encoding.h"
#include "dialect/json_value.h"
#include "gateway/headroom.h"
#include "job/evaluation.h"
#include "job/router_watch.h"
#include "server/admin_json.h"
#include "server/routers/dry_run.h"
#include "server/routers/router_alarms.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;

Result<PutRouter> DecodePut(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(
      top.OnlyMembers({"name", "definition", "learned", "drop_learned", "create_only"}));
  PutRouter put;
  auto name = top.Get("name");
  STRATA_TRY(put.name, name.NonEmptyString());
  auto definition = top.Get("definition");
  STRATA_TRY(put.definition, definition.NonEmptyString());
  if (auto learned = top.Get("learned"); learned.present()) {
    STRATA_TRY(put.learned_bytes, learned.Base64());
    put.learned = PutRouter::Learned::kReplace;
  }
  if (auto drop = top.Get("drop_learned"); drop.present()) {
    STRATA_TRY(bool wanted, drop.Bool());
    if (wanted && put.learned == PutRouter::Learned::kReplace) {
      return Fail(drop.Wrong("cannot stand beside learned"));
    }
    if (wanted) put.learned = PutRouter::Learned::kDrop;
  }
  if (auto only = top.Get("create_only"); only.present()) {
    STRATA_TRY(put.must_be_new, only.Bool());
  }
  return put;
}

json::object EncodeVersion(const RouterVersion& version) {
  json::object out{{"version", version.number}, {"created", FormatIso8601(version.created)}};
  if (version.router != nullptr) {
    const auto& definition = version.router->definition();
    json::array candidates;
    for (const auto& c : definition.candidates) candidates.emplace_back(c.model);
    out["candidates"] = std::move(candidates);
    out["fallback"] = definition.fallback;
    out["objective"] = route::ObjectiveName(definition.objective);
    out["rules"] = definition.rules.size();
    out["cascade"] = definition.cascade.has_value();
    out["tolerance"] = definition.tolerance;
    if (const auto* learned = version.router->learned()) {
      out["learned"] = learned->state().version;
      out["learned_mode"] = definition.learned == route::LearnedMode::kActive ? "active" : "shadow";
    }
  }
  if (!version.problem.empty()) out["problem"] = version.problem;
  return out;
}

json::object Encode(const StoredRouter& router) {
  return {{"name", router.name},
          {"model", "router/" + router.name},
          {"id", router.id},
          {"arn", router.Arn()},
          {"current", router.current},
          {"latest", router.versions.back().number},
          {"testing", router.Running() != nullptr},
          {"created", FormatIso8601(router.created)},
          {"updated", FormatIso8601(router.updated)},
          {"in_force", EncodeVersion(router.Current())}};
}

// Guardrails and hooks come with the configuration, which may be read again at any time: a rule may
// be written before the one that it looks at.
json::array WarningsOf(const RouterVersion& version, const LiveState& live) {
  const auto* guardrails = live.guardrails.get();
  json::array out;
  if (version.router == nullptr) return out;
  const auto& definition = version.router->definition();
  std::vector<std::string> named;
  for (const auto& rule : definition.rules) route::AddGuardrailsOf(rule.when, named);
  if (definition.cascade) route::AddGuardrailsOf(definition.cascade->when, named);
  const auto known = "," + (guardrails == nullptr ? std::string() : guardrails->names()) + ",";
  for (const auto& name : named) {
    if (known.contains("," + name + ",")) continue;
    out.emplace_back(fmt::format(
        "the configuration has no guardrail '{}': what looks at it does not hold (it has: {})",
        name, known.size() > 2 ? known.substr(1, known.size() - 2) : "none"));
  }
  if (definition.cascade && !definition.cascade->hook.empty() &&
      gateway::FindHook(live.hooks.get(), definition.cascade->hook) == nullptr) {
    out.emplace_back(fmt::format("the configuration has no hook '{}': the cascade escalates always",
                                 definition.cascade->hook));
  }
  return out;
}

Task<Result<>> Put(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto put, DecodePut(e.http.body));
  STRATA_CO_TRY(auto made, co_await s.routers.Put(std::move(put), e.ctx.workspace, s.ops_pool));
  auto body = Encode(made);
  const auto live = s.live.Now();
  body["warnings"] = WarningsOf(made.versions.back(), *live);
  co_return co_await SendAdminJson(e, json::serialize(body));
}

Task<Result<>> List(Services& s, Exchange& e) {
  json::array items;
  for (const auto& router : s.routers.List(e.ctx.workspace)) items.push_back(Encode(router));
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"routers", std::move(items)}}));
}

Task<Result<>> Get(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto router, s.routers.Get(e.params.at(0), e.ctx.workspace));
  auto ref = ParseRouterRef(e.params.at(0));
  const auto* version = router.Find(ref.version == 0 ? router.current : ref.version);
  if (version == nullptr) co_return Fail(NotFound("router version", e.params.at(0)));
  auto out = Encode(router);
  out["shown"] = EncodeVersion(*version);
  out["definition"] = version->definition;
  json::array versions;
  for (const auto& v : router.versions) versions.push_back(EncodeVersion(v));
  out["versions"] = std::move(versions);
  co_return co_await SendAdminJson(e, json::serialize(out));
}

// The learned router in force, as `strata route train` wrote it; kNotFound where there is none.
Task<Result<>> GetLearned(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto router, s.routers.Get(e.params.at(0), e.ctx.workspace));
  const auto& sha256 = router.Current().learned;
  if (sha256.empty()) co_return Fail(NotFound("learned router of", e.params.at(0)));
  STRATA_CO_TRY(auto bytes, co_await s.routers.LearnedBytes(sha256));
  json::object out{{"sha256", sha256}, {"learned", Base64Encode(bytes)}};
  co_return co_await SendAdminJson(e, json::serialize(out));
}

Task<Result<>> Roll(Services& s, Exchange& e) {
  constexpr std::int64_t kVersionMax = 1'000'000;
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body));
  JsonField top(parsed);
  STRATA_CO_CHECK_OK(top.ExpectObject());
  STRATA_CO_CHECK_OK(top.OnlyMembers({"version"}));
  auto field = top.Get("version");
  STRATA_CO_TRY(auto version, field.Integer(1, kVersionMax));
  std::string name = e.params.at(0);
  STRATA_CO_TRY(auto router, co_await s.routers.Roll(std::move(name), static_cast<int>(version),
                                                     e.ctx.workspace));
  co_return co_await SendAdminJson(e, json::serialize(Encode(router)));
}

Task<Result<>> Delete(Services& s, Exchange& e) {
  std::string name = e.params.at(0);
  STRATA_CO_CHECK_OK(co_await s.routers.Delete(std::move(name), e.ctx.workspace));
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"deleted", e.params.at(0)}}));
}

constexpr std::size_t kWatchedMax = 1000;  // requests that a status looks at

json::object Encode(const job::RouterWindow& window) {
  return {{"requests", window.requests},
          {"models", json::value_from(window.models)},
          {"decided_by", json::value_from(window.decided_by)},
          {"predicted", window.predicted},
          {"unfamiliar", window.unfamiliar}};
}

json::object Encode(const learn::Stability& stability) {
  return {{"index", stability.index}, {"shifted", stability.shifted}};
}

// The later half of the router's last requests against the earlier one.
Task<Result<>> Status(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto router, s.routers.Get(e.params.at(0), e.ctx.workspace));
  observe::TraceQuery query;
  query.workspace = e.ctx.workspace;
  query.model = "router/" + router.name;
  query.limit = kWatchedMax;
  STRATA_CO_TRY(auto list, co_await s.traces.List(std::move(query)));
  std::vector<observe::FinishedTrace> traces;
  for (const auto& summary : list) {
    auto trace = co_await s.traces.Get(summary.trace_id);
    if (trace.has_value()) traces.push_back(std::move(*trace));
  }
  auto watch = job::WatchRouter(traces);
  // What the running server counts without traces: sampling leaves nothing out of it.
  for (auto& alarm : s.router_alarms.Of(e.ctx.workspace, watch.version)) {
    auto same = [&](const auto& known) { return known.name == alarm.name; };
    if (std::ranges::none_of(watch.alarms, same)) watch.alarms.push_back(std::move(alarm));
  }
  json::array alarms;
  for (const auto& alarm : watch.alarms) alarms.emplace_back(alarm.text);
  json::object out{
      {"router", "router/" + router.name},        {"version", watch.version},
      {"before", Encode(watch.before)},           {"now", Encode(watch.now)},
      {"models", Encode(watch.models)},           {"decided_by", Encode(watch.decided_by)},
      {"familiarity", Encode(watch.familiarity)}, {"alarms", std::move(alarms)}};
  auto& labeler = s.evaluation.labeler();
  if (const auto& now = router.Current().router; now && now->definition().labels) {
    out["labels_usd_today"] = labeler.SpentToday(e.ctx.workspace, router.name);
    out["labels_usd_per_day"] = now->definition().labels->usd_per_day;
  }
  if (auto quality = labeler.QualityOf(e.ctx.workspace, watch.version)) {
    out["labels"] = json::object{{"rows", quality->labels},
                                 {"ratio", quality->ratio.estimate},
                                 {"low", quality->ratio.low},
                                 {"high", quality->ratio.high}};
  }
  co_return co_await SendAdminJson(e, json::serialize(out));
}

// JSON lines that `strata route refit` reads.
Task<Result<>> GetLabels(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto router, s.routers.Get(e.params.at(0), e.ctx.workspace));
  STRATA_CO_TRY(auto lines, co_await s.evaluation.labeler().rows().Lines(std::move(router.name),
                                                                         e.ctx.workspace));
  net::Headers headers;
  headers.Set("content-type", "application/x-ndjson");
  co_return co_await e.writer.Send(200, std::move(headers), std::move(lines));
}

// The body is a request as `strata route dry-run` reads them.
Task<Result<>> Explain(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto router, s.routers.Find(e.params.at(0), e.ctx.workspace));
  STRATA_CO_TRY(auto sample, DecodeSample(e.http.body));
  // As a request would be judged, so that rules that look at guardrails hold as they would.
  if (auto guardrails = s.live.Now()->guardrails) {
    e.ctx.decided_by.guardrail = guardrails->names();
    STRATA_CO_CHECK_OK(co_await guardrails->JudgeRequest(sample.request, e.ctx));
  }
  route::Signals signals(sample.request, e.ctx, &s.spending, "router/" + router->name());
  auto models = s.registry.Snapshot();
  // With the prices of this moment, which a question teaches nothing.
  const route::ShadowPrices unknown(router->definition().candidates.size());
  auto record = s.router_memory.Find(e.ctx.workspace, router->version());
  route::Capacity capacity{.prices = record ? record->prices() : unknown,
                           .learns = nullptr,
                           .headroom = gateway::HeadroomOf,
                           .latencies = &s.latencies};
  STRATA_CO_TRY(auto plan, router->Choose(*models, signals, nullptr, &capacity));
  auto text = route::DecisionJson(*plan.decision).text;
  text.insert(1, fmt::format("\"task\":\"{}\",\"language\":\"{}\",\"prompt_tokens\":{},",
                             signals.kind(), signals.language(), signals.prompt_tokens()));
  co_return co_await SendAdminJson(e, std::move(text));
}

Task<Result<>> DryRunOf(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto router, s.routers.Find(e.params.at(0), e.ctx.workspace));
  DryRun run{.router = std::move(router),
             .models = s.registry.Snapshot(),
             .ctx = e.ctx,
             .spending = &s.spending};
  auto work = [&run, &body = e.http.body]() -> Result<std::string> { return run.Of(body); };
  STRATA_CO_TRY(auto report, co_await RunBlocking(s.kb_pool, std::move(work)));
  co_return co_await SendAdminJson(e, std::move(report));
}

}  // namespace

void AddAdminRouterRoutes(Router& router, Services& services) {
  const AdminOperations add(router, services);
  add("POST", "/strata/v1/routers", "put_router", Put);
  add("GET", "/strata/v1/routers", "list_routers", List);
  add("GET", "/strata/v1/routers/{name}", "get_router", Get);
  add("GET", "/strata/v1/routers/{name}/learned", "get_learned_router", GetLearned);
  add("DELETE", "/strata/v1/routers/{name}", "delete_router", Delete);
  add("GET", "/strata/v1/routers/{name}/status", "router_status", Status);
  add("GET", "/strata/v1/routers/{name}/labels", "get_router_labels", GetLabels);
  add("POST", "/strata/v1/routers/{name}/rollback", "roll_router", Roll);
  add("POST", "/strata/v1/routers/{name}/explain", "explain_router", Explain);
  add("POST", "/strata/v1/routers/{name}/dry-run", "dry_run_router", DryRunOf);
}

}  // namespace strata::server
