// What orchestrators and monitoring ask: /healthz, /readyz, /metrics.

#include <algorithm>
#include <boost/json.hpp>

#include "base/log.h"
#include "base/pool.h"
#include "job/evaluation.h"
#include "knowledge/eval_history.h"
#include "knowledge/knowledge_base.h"
#include "server/admin_json.h"
#include "server/routers/router_alarms.h"
#include "server/routes.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using observe::PrometheusText;

Task<Result<>> Ready(Services& s, Exchange& e) {
  auto live = s.live.Now();
  auto look = [&s, live]() -> Result<std::vector<NotReady>> {
    return s.readiness.Check(s.journal, s.folder.path(), live->settings.disk_free_min);
  };
  STRATA_CO_TRY(auto reasons, co_await RunBlocking(s.ops_pool, std::move(look)));
  json::array items;
  for (const auto& r : reasons) items.push_back({{"reason", r.reason}, {"detail", r.detail}});
  bool ready = items.empty();
  net::Headers headers;
  headers.Set("content-type", "application/json");
  auto body = json::serialize(json::object{{"ready", ready}, {"reasons", std::move(items)}});
  co_return co_await e.writer.Send(ready ? 200 : 503, std::move(headers), std::move(body));
}

bool IsLoopback(std::string_view peer) {
  return peer.starts_with("127.") || peer.starts_with("[::1]") || peer.starts_with("[::ffff:127.");
}

// Costs and model names are not for everybody. A request that came through a proxy is the proxy's
// client's, wherever the proxy runs.
Result<> CheckMetricsAccess(Services& s, Exchange& e) {
  auto access = s.live.Now()->settings.metrics_access;
  if (access == MetricsAccess::kOpen) return {};
  bool proxied = e.http.headers.Has("x-forwarded-for") || e.http.headers.Has("forwarded");
  if (access == MetricsAccess::kLoopback && !proxied && IsLoopback(e.http.peer)) return {};
  STRATA_TRY(e.key, s.access.Authenticate(e.http));
  gateway::Access::Apply(*e.key, e.ctx);
  return gateway::RequireRole(*e.key, "metrics");
}

void WriteJournal(const Services& s, PrometheusText& out) {
  auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  auto backlog = s.journal.backlog();
  auto counts = s.journal.counters();
  out.Gauge("strata_ledger_lag_rows", "Finished calls that are in the journal, not in the ledger.",
            number(backlog.rows_waiting));
  out.Gauge("strata_journal_bytes", "Size of all journal files.", number(backlog.bytes));
  out.Gauge("strata_journal_bytes_max", "journal.bytes_max.", number(backlog.bytes_max));
  out.Counter("strata_journal_intents_total", "Calls begun.", number(counts.intents));
  out.Counter("strata_journal_finals_total", "Calls whose end was recorded.",
              number(counts.finals));
  out.Counter("strata_journal_interrupted_total", "Calls charged their estimate.",
              number(counts.interrupted));
  out.Counter("strata_journal_refused_total", "Calls refused because the journal was full.",
              number(counts.refused));
  out.Counter("strata_journal_unrecorded_total", "Calls that went on without a record.",
              number(counts.unrecorded));
  out.Counter("strata_ledger_failures_total", "Writes of the ledger that failed, to be repeated.",
              number(counts.sink_failures));
  out.Counter("strata_ledger_lost_total",
              "Calls without a row: unreadable in the journal, or their number was taken.",
              number(counts.lost + s.ledger.rows_lost()));
}

void WritePools(const Services& s, PrometheusText& out) {
  out.Family("strata_pool_waiting", "gauge", "Work that waits for a thread of the pool.");
  for (const auto* pool : {&s.parse_pool, &s.kb_pool, &s.ops_pool, &s.admin_pool}) {
    out.Sample("strata_pool_waiting", {{"pool", pool->name()}},
               static_cast<double>(pool->waiting()));
  }
  out.Gauge("strata_meta_writes_waiting", "Writes of meta.db that wait.",
            static_cast<double>(s.meta.writer().waiting()));
}

// The health board is bounded by the configured deployments and the models that were asked for;
// further ones are left out of the metrics, not of `strata provider list`.
void WriteDeployments(const Services& s, PrometheusText& out) {
  auto reports = s.resilience.board().List();
  if (reports.size() > observe::CallMetrics::kModelsMax) {
    reports.resize(observe::CallMetrics::kModelsMax);
  }
  auto each = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
    out.Family(name, type, help);
    for (const auto& r : reports) {
      out.Sample(name, {{"deployment", r.id}, {"provider", r.provider}},
                 static_cast<double>(value(r)));
    }
  };
  using Report = gateway::DeploymentReport;
  each("strata_deployment_attempts_total", "counter", "Calls of the deployment.",
       [](const Report& r) { return r.attempts; });
  each("strata_deployment_retries_total", "counter", "Calls that repeat one at the same model.",
       [](const Report& r) { return r.retries; });
  each("strata_deployment_fallbacks_total", "counter",
       "Calls of requests that were meant for another model.",
       [](const Report& r) { return r.fallbacks; });
  each("strata_deployment_hedges_total", "counter", "Calls that ran beside a slow one.",
       [](const Report& r) { return r.hedges; });
  each("strata_deployment_in_flight", "gauge", "Calls that run.",
       [](const Report& r) { return r.in_flight; });
  each("strata_deployment_breaker_open", "gauge", "1 while the deployment is not asked.",
       [](const Report& r) { return r.breaker == gateway::BreakerState::kOpen ? 1 : 0; });
}

void WriteConnections(const Services& s, PrometheusText& out) {
  if (!s.server_stats) return;
  auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  auto stats = s.server_stats();
  out.Gauge("strata_connections_open", "Open client connections.", number(stats.connections_open));
  out.Counter("strata_connections_accepted_total", "Client connections taken.",
              number(stats.connections_accepted));
  out.Counter("strata_connections_refused_total", "Client connections over a limit.",
              number(stats.connections_refused));
  out.Counter("strata_http_received_bytes_total", "Bytes of HTTP from clients.",
              number(stats.bytes_in));
  out.Counter("strata_http_sent_bytes_total", "Bytes of HTTP to clients.", number(stats.bytes_out));
}

// As measured last. A scrape goes on without what cannot be read.
void WriteBaseQuality(Services& s, PrometheusText& out) {
  const auto standings = s.eval_history.StandingsBlocking();
  if (!standings.has_value()) {
    Log(Level::kWarning, "metrics.quality_failed", {{"error", standings.error().message()}});
    return;
  }
  out.Family("strata_kb_quality", "gauge", "Figures of a base's newest evaluation.");
  for (const auto& one : *standings) {
    for (std::size_t f = 0; f < knowledge::kRankFigures; ++f) {
      out.Sample("strata_kb_quality",
                 {{"workspace", one.workspace.value},
                  {"base", one.base},
                  {"figure", knowledge::kRankFigureNames[f]}},
                 one.newest.figures[f]);
    }
  }
  out.Family("strata_kb_quality_fell", "gauge",
             "1 while the newest evaluation is worse than the one before.");
  for (const auto& one : *standings) {
    const bool fell = one.newest.change && one.newest.change->fell();
    out.Sample("strata_kb_quality_fell", {{"workspace", one.workspace.value}, {"base", one.base}},
               fell ? 1 : 0);
  }
}

void WriteEvalQuality(Services& s, PrometheusText& out) {
  constexpr std::size_t kStandingsMax = 100;
  const auto standings = s.evaluation.runs().NewestStandingsBlocking(kStandingsMax);
  if (!standings.has_value()) {
    Log(Level::kWarning, "metrics.quality_failed", {{"error", standings.error().message()}});
    return;
  }
  const auto write = [&](std::string_view name, auto value) {
    for (const auto& one : *standings) {
      out.Sample(
          name,
          {{"workspace", one.workspace.value}, {"set", one.set}, {"target", one.standing.target}},
          value(one.standing));
    }
  };
  out.Family("strata_eval_quality", "gauge", "Mean quality of a target in its set's newest run.");
  write("strata_eval_quality", [](const job::EvalStanding& standing) { return standing.quality; });
  out.Family("strata_eval_quality_fell", "gauge", "1 while it is worse than in the run before.");
  write("strata_eval_quality_fell",
        [](const job::EvalStanding& standing) { return standing.fell ? 1 : 0; });
}

std::string AllMetrics(Services& s) {
  PrometheusText out;
  out.Family("strata_build_info", "gauge", "Always 1.");
  out.Sample("strata_build_info", {{"version", STRATA_VERSION}}, 1);
  out.Gauge("process_start_time_seconds", "Unix time of the start.",
            static_cast<double>(ToUnixMicros(s.started)) / 1e6);
  WriteProcessMetrics(out);
  auto ready =
      s.readiness.Check(s.journal, s.folder.path(), s.live.Now()->settings.disk_free_min).empty();
  out.Gauge("strata_ready", "1 while /readyz answers 200.", ready ? 1 : 0);
  const auto bases = s.bases.ListAll();
  out.Gauge("strata_kb_failed", "Knowledge bases whose file is missing or damaged.",
            static_cast<double>(std::ranges::count(bases, knowledge::KnowledgeBaseStatus::kFailed,
                                                   &knowledge::KnowledgeBase::status)));
  out.Counter("strata_config_reloads_total", "Reloads that were taken.",
              static_cast<double>(s.reloader.taken()));
  out.Counter("strata_config_reload_failures_total", "Reloads that were refused.",
              static_cast<double>(s.reloader.refused()));
  WriteConnections(s, out);
  WriteDeployments(s, out);
  s.request_metrics.Write(out);
  s.call_metrics.Write(out);
  s.router_alarms.Write(out);
  WriteBaseQuality(s, out);
  WriteEvalQuality(s, out);
  WriteJournal(s, out);
  WritePools(s, out);
  return out.Take();
}

Task<Result<>> Metrics(Services& s, Exchange& e) {
  STRATA_CO_CHECK_OK(CheckMetricsAccess(s, e));
  auto write = [&s]() -> Result<std::string> { return AllMetrics(s); };
  STRATA_CO_TRY(auto text, co_await RunBlocking(s.ops_pool, std::move(write)));
  net::Headers headers;
  headers.Set("content-type", std::string(PrometheusText::kContentType));
  co_return co_await e.writer.Send(200, std::move(headers), std::move(text));
}

}  // namespace

void AddOpsRoutes(Router& router, Services& services) {
  auto* s = &services;
  auto add = [&](std::string pattern, std::string operation, RouteHandler handler) {
    router.Add({.method = "GET",
                .pattern = std::move(pattern),
                .face = Face::kStrata,
                .operation = std::move(operation),
                .role = "",
                .handler = std::move(handler),
                .probe = true});
  };
  add("/healthz", "health", [](Exchange& e) { return SendAdminJson(e, R"({"status":"ok"})"); });
  add("/readyz", "ready", [s](Exchange& e) { return Ready(*s, e); });
  add("/metrics", "metrics", [s](Exchange& e) { return Metrics(*s, e); });
}

}  // namespace strata::server
