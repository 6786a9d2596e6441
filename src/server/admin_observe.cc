// Traces, cost, the ledger's chain and backups over /strata/v1.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>

#include "dialect/json_value.h"
#include "knowledge/base_files.h"
#include "observe/ledger.h"
#include "observe/tag_costs.h"
#include "observe/trace_tree.h"
#include "server/admin_json.h"
#include "server/server_admin.h"
#include "server/trace_readers.h"
#include "store/backup.h"

namespace strata::server {
namespace {

namespace json = boost::json;

Task<Result<>> SendText(Exchange& e, std::string body, std::string type) {
  net::Headers headers;
  headers.Set("content-type", std::move(type));
  co_return co_await e.writer.Send(200, std::move(headers), std::move(body));
}

Task<Result<>> GetTrace(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto trace, co_await FindTrace(s, e, e.params.at(0)));
  STRATA_CO_CHECK_OK(co_await LeaveOutWhatIsGone(s, trace, e.ctx));
  auto form = net::QueryParameter(e.http.query(), "form").value_or("json");
  if (form == "text")
    co_return co_await SendText(e, observe::TreeText(trace), "text/plain; charset=utf-8");
  co_return co_await SendAdminJson(e, observe::TreeJson(trace));
}

Task<Result<>> ListTraces(Services& s, Exchange& e) {
  observe::TraceQuery query;
  query.workspace = e.ctx.workspace;
  query.text = net::QueryParameter(e.http.query(), "text").value_or("");
  query.model = net::QueryParameter(e.http.query(), "model").value_or("");
  query.errors_only = net::QueryParameter(e.http.query(), "errors") == "true";
  STRATA_CO_TRY(auto list, co_await s.traces.List(std::move(query)));
  json::array items;
  for (const auto& t : list) {
    items.push_back({{"trace_id", t.trace_id},
                     {"url", s.links.UrlOf(t.trace_id)},
                     {"model", t.model},
                     {"dialect", t.dialect},
                     {"start", FormatIso8601(t.start)},
                     {"duration_ms", t.duration.count() / 1000.0},
                     {"spans", t.span_count},
                     {"error", t.error_code}});
  }
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"traces", std::move(items)}}));
}

// "2026-11-22" as the start of that UTC day.
Result<WallTime> ParseDay(std::string_view field, const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int end = 0;
  if (text.size() == 10 &&
      std::sscanf(text.c_str(), "%4d-%2u-%2u%n", &year, &month, &day, &end) == 3 && end == 10) {
    std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                     std::chrono::day(day)};
    if (date.ok()) return WallTime{std::chrono::sys_days(date)};
  }
  return Fail(
      InvalidArgument(std::string(field), fmt::format("'{}' is not a date like 2026-11-22", text)));
}

Result<observe::CostQuery> DecodeCost(const Exchange& e) {
  auto parameter = [&](std::string_view name) { return net::QueryParameter(e.http.query(), name); };
  observe::CostQuery query;
  query.workspace = e.ctx.workspace;
  auto by = parameter("by").value_or("model");
  if (by.starts_with("tag:")) {
    query.by = observe::CostQuery::By::kTag;
    query.tag = by.substr(4);
    if (query.tag.empty()) {
      return Fail(InvalidArgument("by", "expected tag:NAME, or tag for every tag"));
    }
  } else {
    STRATA_TRY(query.by, observe::ParseCostBy(by));
    query.tag = parameter("tag").value_or("");
  }
  if (auto from = parameter("from")) {
    STRATA_TRY(query.from, ParseDay("from", *from));
  }
  if (auto until = parameter("until")) {
    STRATA_TRY(query.until, ParseDay("until", *until));
  }
  if (query.from && query.until && *query.until <= *query.from) {
    return Fail(InvalidArgument("until", "must be after from; it is the day after the last"));
  }
  return query;
}

Task<Result<>> Cost(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto query, DecodeCost(e));
  auto& journal = s.journal;
  STRATA_CO_CHECK_OK(co_await RunBlocking(s.admin_pool, [&journal]() { return journal.Flush(); }));
  const bool every_tag = query.by == observe::CostQuery::By::kTag && query.tag.empty();
  STRATA_CO_TRY(auto lines, co_await s.ledger.Cost(std::move(query)));
  bool csv = net::QueryParameter(e.http.query(), "form") == "csv";
  auto body = csv         ? observe::CostCsv(lines)
              : every_tag ? observe::TagCostTable(lines)
                          : observe::CostTable(lines);
  co_return co_await SendText(e, std::move(body),
                              csv ? "text/csv; charset=utf-8" : "text/plain; charset=utf-8");
}

Task<Result<>> VerifyLedger(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto report, co_await s.ledger.Verify());
  co_return co_await SendAdminJson(
      e, json::serialize(json::object{{"rows", report.rows}, {"head", report.head}}));
}

Task<Result<>> Backup(Services& s, Exchange& e) {
  STRATA_CO_CHECK_OK(RequireServerAdmin(e.ctx, "the data folder is backed up"));
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body));
  dialect::JsonField top(parsed);
  STRATA_CO_CHECK_OK(top.ExpectObject());
  auto to = top.Get("to");
  STRATA_CO_TRY(auto target, to.NonEmptyString());
  auto work = [&s, target]() -> Result<store::BackupReport> {
    STRATA_CHECK_OK(s.journal.Flush());
    s.traces.Flush();
    auto made = store::Backup(s.folder.path(), target, knowledge::BaseFiles());
    if (made.has_value() || made.error().code() != Code::kCorruption) return made;
    // Who asked is the one to mend it, and must hear which file it is.
    return Fail(Code::kConflict, made.error().message());
  };
  STRATA_CO_TRY(auto report, co_await RunBlocking(s.admin_pool, std::move(work)));
  json::object out{{"databases", report.databases},
                   {"files", report.files},
                   {"bytes", report.bytes},
                   {"to", target}};
  co_return co_await SendAdminJson(e, json::serialize(out));
}

// The console shows every workspace.
Task<Result<>> ConsoleAddress(Services& s, Exchange& e) {
  STRATA_CO_CHECK_OK(RequireServerAdmin(e.ctx, "the console is opened"));
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"url", s.links.ConsoleUrl()}}));
}

}  // namespace

Task<Result<observe::FinishedTrace>> FindTrace(Services& services, const Exchange& exchange,
                                               std::string id) {
  auto found = co_await services.traces.Get(id);
  if (!found.has_value() && found.error().code() == Code::kNotFound) {
    // A trace is written a moment after its answer; who asks at once must find it.
    auto& traces = services.traces;
    STRATA_CO_CHECK_OK(co_await RunBlocking(services.admin_pool, [&traces]() -> Result<> {
      traces.Flush();
      return {};
    }));
    found = co_await services.traces.Get(id);
  }
  if (found.has_value() && found->workspace != exchange.ctx.workspace) {
    co_return Fail(NotFound("trace", id));
  }
  co_return found;
}

void AddAdminObserveRoutes(Router& router, Services& services) {
  const AdminOperations add(router, services);
  add("GET", "/strata/v1/traces", "list_traces", ListTraces);
  add("GET", "/strata/v1/traces/{id}", "get_trace", GetTrace);
  add("GET", "/strata/v1/cost", "cost", Cost);
  add("GET", "/strata/v1/ledger/verify", "verify_ledger", VerifyLedger);
  add("GET", "/strata/v1/console", "console_address", ConsoleAddress);
  add("POST", "/strata/v1/backup", "backup", Backup);
}

}  // namespace strata::server
