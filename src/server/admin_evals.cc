// Evaluation sets over /strata/v1/eval-sets: create, import, add from traces, list, show, delete.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>

#include "base/format_message.h"
#include "dialect/json_value.h"
#include "job/evaluation.h"
#include "job/trace_row.h"
#include "route/json_list.h"
#include "server/admin_json.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;

constexpr std::size_t kTracesMax = 256;  // of one request
constexpr std::size_t kRowsShown = 1000;

json::object Encode(const job::EvalSet& set) {
  json::object out{{"name", set.name},
                   {"description", set.description},
                   {"version", set.version},
                   {"rows", set.rows},
                   {"created", FormatIso8601(set.created)},
                   {"updated", FormatIso8601(set.updated)}};
  if (set.versions.empty()) return out;
  json::array versions;
  for (const auto& version : set.versions) {
    versions.push_back(json::object{{"version", version.number},
                                    {"what", version.what},
                                    {"rows", version.rows},
                                    {"created", FormatIso8601(version.created)}});
  }
  out["versions"] = std::move(versions);
  return out;
}

Task<Result<>> SendAdded(Exchange& e, const job::AddedRows& added) {
  auto body = Encode(added.set);
  body["added"] = added.added;
  body["changed"] = added.changed;
  body["unchanged"] = added.unchanged;
  body["removed"] = added.removed;
  co_return co_await SendAdminJson(e, json::serialize(body));
}

Task<Result<>> Create(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body));
  JsonField top(parsed);
  STRATA_CO_CHECK_OK(top.ExpectObject());
  STRATA_CO_CHECK_OK(top.OnlyMembers({"name", "description"}));
  auto name_field = top.Get("name");
  STRATA_CO_TRY(auto name, name_field.NonEmptyString());
  auto description = top.TextAt("description");
  STRATA_CO_TRY(auto set, co_await s.evaluation.sets().Create(
                              std::move(name), std::move(description), e.ctx.workspace));
  co_return co_await SendAdminJson(e, json::serialize(Encode(set)));
}

Task<Result<>> List(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto sets, co_await s.evaluation.sets().List(e.ctx.workspace));
  json::array items;
  for (const auto& set : sets) items.push_back(Encode(set));
  json::object body{{"sets", std::move(items)}};
  co_return co_await SendAdminJson(e, json::serialize(body));
}

Result<std::size_t> NumberParameter(const Exchange& e, std::string_view name, std::size_t max,
                                    std::size_t otherwise) {
  auto text = net::QueryParameter(e.http.query(), name);
  if (!text) return otherwise;
  std::size_t value = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error == std::errc() && end == text->data() + text->size() && value <= max) return value;
  return Fail(InvalidArgument(std::string(name), FormatMessage("expected a number up to {}", max)));
}

// The set with its versions, and `limit` rows from number `from` on.
Task<Result<>> Show(Services& s, Exchange& e) {
  job::EvalSets::RowsOf wanted{.set = job::ParseEvalSetRef(e.params.at(0))};
  STRATA_CO_TRY(wanted.from, NumberParameter(e, "from", job::kEvalRowsMax, 0));
  STRATA_CO_TRY(wanted.limit, NumberParameter(e, "limit", kRowsShown, kRowsShown));
  STRATA_CO_TRY(auto set, co_await s.evaluation.sets().Get(wanted.set.name, e.ctx.workspace));
  STRATA_CO_TRY(auto rows, co_await s.evaluation.sets().Rows(wanted, e.ctx.workspace));
  auto body = Encode(set);
  json::array items;
  for (const auto& row : rows) items.push_back(json::parse(job::EncodeEvalRow(row)));
  body["items"] = std::move(items);
  co_return co_await SendAdminJson(e, json::serialize(body));
}

// The body is the file, plain or gzip; ?file= names it in errors, ?mode=replace leaves nothing of
// what was there.
Task<Result<>> Import(Services& s, Exchange& e) {
  auto name = net::QueryParameter(e.http.query(), "file").value_or("rows");
  auto mode = net::QueryParameter(e.http.query(), "mode").value_or("merge");
  if (mode != "merge" && mode != "replace") {
    co_return Fail(InvalidArgument("mode", "expected merge or replace"));
  }
  job::AddRows add;
  add.set = e.params.at(0);
  add.mode = mode == "merge" ? job::AddRows::Mode::kMerge : job::AddRows::Mode::kReplace;
  add.what = (mode == "merge" ? "imports " : "is replaced by ") + name;
  auto parse = [&body = e.http.body, &name] { return job::ParseEvalRows(body, name); };
  STRATA_CO_TRY(add.rows, co_await RunBlocking(s.kb_pool, std::move(parse)));
  if (add.rows.empty()) co_return Fail(InvalidArgument(name, "holds no rows"));
  STRATA_CO_TRY(auto added, co_await s.evaluation.sets().Add(std::move(add), e.ctx.workspace));
  co_return co_await SendAdded(e, added);
}

// What people add to rows that are sampled from traffic; the same for all of them.
struct TraceNotes {
  std::vector<std::string> traces, expected, tags;
  std::string rubric;
  std::optional<double> score;  // of the answer that was given
};

Result<TraceNotes> DecodeTraceNotes(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(route::OnlyKnown(top, {"traces", "expected", "tags", "rubric", "score"}));
  TraceNotes notes;
  auto traces = top.Get("traces");
  STRATA_TRY(notes.traces, route::TextOrList(traces));
  if (notes.traces.size() > kTracesMax) {
    return Fail(traces.Wrong(FormatMessage("expected at most {} traces", kTracesMax)));
  }
  if (auto expected = top.Get("expected"); expected.present()) {
    STRATA_TRY(notes.expected, route::TextOrList(expected));
  }
  if (auto tags = top.Get("tags"); tags.present()) {
    STRATA_TRY(notes.tags, route::TextOrList(tags));
  }
  if (auto rubric = top.Get("rubric"); rubric.present()) {
    STRATA_TRY(notes.rubric, rubric.NonEmptyString());
  }
  if (auto score = top.Get("score"); score.present()) {
    STRATA_TRY(notes.score, score.Double(0, 1));
  }
  return notes;
}

// `said`: how good its users found the answer.
Result<job::EvalRow> SampledRow(const observe::FinishedTrace& trace, const TraceNotes& notes,
                                std::optional<double> said) {
  STRATA_TRY(auto row, job::RowOfTrace(trace));
  row.expected = notes.expected;
  row.tags = notes.tags;
  row.rubric = notes.rubric;
  auto answer = job::AnswerOfTrace(trace);
  if (!notes.score) {
    if (said && !answer.empty()) {
      row.graded.push_back({.answer = std::move(answer), .score = *said});
    }
    return row;
  }
  if (answer.empty()) {
    return Fail(InvalidArgument("score", trace.trace_id + ": the trace holds no whole answer"));
  }
  row.graded.push_back({.answer = std::move(answer), .score = *notes.score});
  return row;
}

Task<Result<>> AddTraces(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto notes, DecodeTraceNotes(e.http.body));
  job::AddRows add;
  add.set = e.params.at(0);
  add.what = notes.traces.size() == 1 ? "adds trace " + notes.traces.front()
                                      : fmt::format("adds {} traces", notes.traces.size());
  for (const auto& id : notes.traces) {
    STRATA_CO_TRY(auto trace, co_await FindTrace(s, e, id));
    STRATA_CO_TRY(auto said, co_await s.evaluation.feedback().OfTrace(id, e.ctx.workspace));
    STRATA_CO_TRY(auto row, SampledRow(trace, notes, job::ScoreOf(said)));
    auto same = [&row](const job::EvalRow& other) { return other.id == row.id; };
    if (std::ranges::none_of(add.rows, same)) add.rows.push_back(std::move(row));
  }
  STRATA_CO_TRY(auto added, co_await s.evaluation.sets().Add(std::move(add), e.ctx.workspace));
  co_return co_await SendAdded(e, added);
}

Task<Result<>> Delete(Services& s, Exchange& e) {
  std::string name = e.params.at(0);
  STRATA_CO_CHECK_OK(co_await s.evaluation.sets().Delete(std::move(name), e.ctx.workspace));
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"deleted", e.params.at(0)}}));
}

}  // namespace

void AddAdminEvalRoutes(Router& router, Services& services) {
  const AdminOperations add(router, services);
  add("POST", "/strata/v1/eval-sets", "create_eval_set", Create);
  add("GET", "/strata/v1/eval-sets", "list_eval_sets", List);
  add("GET", "/strata/v1/eval-sets/{name}", "get_eval_set", Show);
  add("DELETE", "/strata/v1/eval-sets/{name}", "delete_eval_set", Delete);
  add("POST", "/strata/v1/eval-sets/{name}/rows", "import_eval_rows", Import);
  add("POST", "/strata/v1/eval-sets/{name}/traces", "add_eval_traces", AddTraces);
}

}  // namespace strata::server
