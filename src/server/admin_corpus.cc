// Corpora in files over /strata/v1/kbs/NAME: import, run, eval, tune and answer; what evals found.
// Their paths name files of the server's machine, so only administrators may ask for them.

#include <boost/json.hpp>

#include "base/log.h"
#include "dialect/json_value.h"
#include "knowledge/corpus.h"
#include "knowledge/eval_history.h"
#include "knowledge/evaluation.h"
#include "server/admin_json.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;

constexpr std::int64_t kDepthMax = 1000;

Result<std::optional<knowledge::Filter>> DecodeFilter(const JsonField& top) {
  auto filter = top.Get("filter");
  if (!filter.present()) return std::nullopt;
  STRATA_TRY(auto condition, knowledge::ParseFilter(filter.value().Dump()));
  return std::optional(std::move(condition));
}

Result<int> DecodeDepth(const JsonField& top, int otherwise) {
  auto depth = top.Get("depth");
  if (!depth.present()) return otherwise;
  STRATA_TRY(auto value, depth.Integer(1, kDepthMax));
  return static_cast<int>(value);
}

Task<Result<>> RunImport(Services& s, Exchange& e, std::string kb_id, std::string path,
                         JsonLines& lines) {
  auto encode = [](const knowledge::ImportProgress& p) {
    return json::serialize(json::object{{"lines", p.lines},
                                        {"indexed", p.indexed},
                                        {"unchanged", p.unchanged},
                                        {"duplicates", p.duplicates},
                                        {"failed", p.failed},
                                        {"failures", json::value_from(p.failures)}});
  };
  auto report = [&](const knowledge::ImportProgress& p) -> Task<Result<>> {
    co_return co_await lines.Line(encode(p));
  };
  STRATA_CO_TRY(auto done, co_await knowledge::ImportCorpus(s.bases, std::move(kb_id),
                                                            std::move(path), report, e.ctx));
  co_return co_await lines.Line(encode(done));
}

Task<Result<>> Import(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, NamedBase(s, e));
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body));
  JsonField top(parsed);
  STRATA_CO_CHECK_OK(top.ExpectObject());
  auto path_field = top.Get("path");
  STRATA_CO_TRY(auto path, path_field.NonEmptyString());
  RunUntilLeft(e);
  JsonLines lines(e);
  STRATA_CO_CHECK_OK(co_await lines.Start());
  auto outcome = co_await RunImport(s, e, base.id, std::move(path), lines);
  co_return co_await lines.Finish(outcome);
}

Result<knowledge::RunInput> DecodeRun(std::string_view body, std::string kb_id) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"queries", "out", "depth", "mode", "filter", "spans"}));
  knowledge::RunInput input;
  input.knowledge_base_id = std::move(kb_id);
  auto queries = top.Get("queries");
  STRATA_TRY(input.queries_path, queries.NonEmptyString());
  auto out = top.Get("out");
  STRATA_TRY(input.out_path, out.NonEmptyString());
  STRATA_TRY(input.depth, DecodeDepth(top, input.depth));
  if (auto mode = top.Get("mode"); mode.present()) {
    STRATA_TRY(auto text, mode.String());
    STRATA_TRY(input.mode, knowledge::ParseSearchMode(text));
  }
  STRATA_TRY(input.filter, DecodeFilter(top));
  if (auto spans = top.Get("spans"); spans.present()) {
    STRATA_TRY(auto flag, spans.Bool());
    if (flag) input.form = knowledge::RunInput::Form::kSpans;
  }
  return input;
}

Task<Result<>> Run(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, NamedBase(s, e));
  STRATA_CO_TRY(auto input, DecodeRun(e.http.body, base.id));
  RunUntilLeft(e);
  STRATA_CO_TRY(auto count,
                co_await knowledge::RunQueries(s.bases, std::move(input), nullptr, e.ctx));
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"queries", count}}));
}

struct EvalRequest {
  knowledge::EvalInput input;
  std::string filter;  // as it was given; "": none
};

Result<EvalRequest> DecodeEval(std::string_view body, std::string kb_id) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"queries", "qrels", "depth", "filter"}));
  EvalRequest request;
  auto& input = request.input;
  input.knowledge_base_id = std::move(kb_id);
  auto queries = top.Get("queries");
  STRATA_TRY(input.queries_path, queries.NonEmptyString());
  auto qrels = top.Get("qrels");
  STRATA_TRY(input.judgements_path, qrels.NonEmptyString());
  STRATA_TRY(input.depth, DecodeDepth(top, input.depth));
  STRATA_TRY(input.filter, DecodeFilter(top));
  if (input.filter) request.filter = top.Get("filter").value().Dump();
  return request;
}

json::object EncodeFigures(const std::array<learn::Interval, knowledge::kRankFigures>& figures) {
  json::object out;
  for (std::size_t f = 0; f < figures.size(); ++f) {
    out[knowledge::kRankFigureNames[f]] = {figures[f].estimate, figures[f].low, figures[f].high};
  }
  return out;
}

json::object EncodeReport(const knowledge::EvalReport& report) {
  json::array variants;
  for (const auto& variant : report.variants) {
    variants.push_back(json::object{{"name", variant.name},
                                    {"figures", EncodeFigures(variant.figures)},
                                    {"difference", EncodeFigures(variant.difference)}});
  }
  return {{"queries", report.queries},
          {"unjudged", report.unjudged},
          {"depth", report.depth},
          {"queries_missing", report.queries_missing},
          {"documents_missing", report.documents_missing},
          {"index", report.index_version},
          {"variants", std::move(variants)}};
}

json::object EncodeKept(const knowledge::KeptEvaluation& kept) {
  json::object figures;
  for (std::size_t f = 0; f < kept.figures.size(); ++f) {
    figures[knowledge::kRankFigureNames[f]] = kept.figures[f];
  }
  json::object out{{"at", FormatIso8601(kept.at)},
                   {"queries", kept.queries},
                   {"depth", kept.depth},
                   {"index", kept.index_version},
                   {"figures", std::move(figures)}};
  if (!kept.filter.empty()) out["filter"] = kept.filter;
  if (kept.change) {
    out["change"] = {{"before", FormatIso8601(kept.change->before)},
                     {"paired", kept.change->paired},
                     {"difference", EncodeFigures(kept.change->difference)},
                     {"fell", kept.change->fell()}};
  }
  return out;
}

void WarnOfFall(const knowledge::KnowledgeBase& base, const knowledge::KeptEvaluation& kept) {
  if (!kept.change || !kept.change->fell()) return;
  Log(Level::kWarning, "kb.quality_fell",
      {{"workspace", base.workspace.value},
       {"base", base.name},
       {"before", FormatIso8601(kept.change->before)},
       {"queries", kept.change->paired},
       {"ndcg", kept.figures[0]},
       {"difference", kept.change->difference[0].estimate}});
}

// A line whenever some queries more are done.
auto ProgressOf(JsonLines& lines) {
  return [&lines](std::int64_t done) -> Task<Result<>> {
    co_return co_await lines.Line(json::serialize(json::object{{"done", done}}));
  };
}

Task<Result<>> RunEval(Services& s, Exchange& e, knowledge::KnowledgeBase base, EvalRequest request,
                       JsonLines& lines) {
  STRATA_CO_TRY(auto report, co_await knowledge::EvaluateQueries(s.bases, std::move(request.input),
                                                                 ProgressOf(lines), e.ctx));
  auto out = EncodeReport(report);
  STRATA_CO_TRY(const auto kept, co_await s.eval_history.Keep(base.id, std::move(request.filter),
                                                              std::move(report), s.kb_pool));
  WarnOfFall(base, kept);
  out["kept"] = EncodeKept(kept);
  co_return co_await lines.Line(json::serialize(out));
}

Task<Result<>> Eval(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, NamedBase(s, e));
  STRATA_CO_TRY(auto request, DecodeEval(e.http.body, base.id));
  RunUntilLeft(e);
  JsonLines lines(e);
  STRATA_CO_CHECK_OK(co_await lines.Start());
  auto outcome = co_await RunEval(s, e, std::move(base), std::move(request), lines);
  co_return co_await lines.Finish(outcome);
}

Task<Result<>> History(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, NamedBase(s, e));
  STRATA_CO_TRY(const auto kept, co_await s.eval_history.List(base.id));
  json::array evaluations;
  for (const auto& one : kept) evaluations.push_back(EncodeKept(one));
  json::object out{{"name", base.name}, {"evaluations", std::move(evaluations)}};
  co_return co_await SendAdminJson(e, json::serialize(out));
}

Result<knowledge::TuneInput> DecodeTune(std::string_view body, std::string kb_id) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"queries", "qrels", "filter", "apply"}));
  knowledge::TuneInput input;
  input.knowledge_base_id = std::move(kb_id);
  auto queries = top.Get("queries");
  STRATA_TRY(input.queries_path, queries.NonEmptyString());
  auto qrels = top.Get("qrels");
  STRATA_TRY(input.judgements_path, qrels.NonEmptyString());
  STRATA_TRY(input.filter, DecodeFilter(top));
  if (auto apply = top.Get("apply"); apply.present()) {
    STRATA_TRY(input.apply, apply.Bool());
  }
  return input;
}

json::object EncodeTuneReport(const knowledge::TuneReport& report, bool applied) {
  json::array candidates;
  for (const auto& candidate : report.candidates) {
    double sum = 0;
    for (const double score : candidate.scores) sum += score;
    candidates.push_back(json::object{{"name", candidate.name},
                                      {"nDCG@10", sum / static_cast<double>(report.queries)}});
  }
  const auto& choice = report.choice;
  return {{"queries", report.queries},
          {"candidates", std::move(candidates)},
          {"held_out",
           {{"default", choice.held_out_default},
            {"tuned", choice.held_out_tuned},
            {"better leg", choice.held_out_leg}}},
          {"chosen", report.candidates[choice.chosen].name},
          {"applied", applied}};
}

Task<Result<>> RunTune(Services& s, Exchange& e, knowledge::TuneInput input, JsonLines& lines) {
  const bool apply = input.apply;
  STRATA_CO_TRY(const auto report, co_await knowledge::TuneFusion(s.bases, std::move(input),
                                                                  ProgressOf(lines), e.ctx));
  co_return co_await lines.Line(json::serialize(EncodeTuneReport(report, apply)));
}

Task<Result<>> Tune(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, NamedBase(s, e));
  STRATA_CO_TRY(auto input, DecodeTune(e.http.body, base.id));
  RunUntilLeft(e);
  JsonLines lines(e);
  STRATA_CO_CHECK_OK(co_await lines.Start());
  auto outcome = co_await RunTune(s, e, std::move(input), lines);
  co_return co_await lines.Finish(outcome);
}

Result<knowledge::AnswerRunInput> DecodeAnswer(std::string_view body, std::string kb_id) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"queries", "out", "model", "filter"}));
  knowledge::AnswerRunInput input;
  input.knowledge_base_id = std::move(kb_id);
  auto queries = top.Get("queries");
  STRATA_TRY(input.queries_path, queries.NonEmptyString());
  auto out = top.Get("out");
  STRATA_TRY(input.out_path, out.NonEmptyString());
  if (auto model = top.Get("model"); model.present()) {
    STRATA_TRY(input.model, model.NonEmptyString());
  }
  STRATA_TRY(input.filter, DecodeFilter(top));
  return input;
}

Task<Result<>> AnswerAll(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, NamedBase(s, e));
  STRATA_CO_TRY(auto input, DecodeAnswer(e.http.body, base.id));
  RunUntilLeft(e);
  e.ctx.model_asked = "kb/" + base.name;
  STRATA_CO_TRY(auto count, co_await knowledge::AnswerQueries(s.answers, s.bases.pool(),
                                                              std::move(input), e.ctx));
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"queries", count}}));
}

}  // namespace

void AddAdminCorpusRoutes(Router& router, Services& services) {
  const AdminOperations add(router, services);
  add("POST", "/strata/v1/kbs/{name}/import", "kb_import", Import);
  add("POST", "/strata/v1/kbs/{name}/run", "kb_run", Run);
  add("POST", "/strata/v1/kbs/{name}/eval", "kb_eval", Eval);
  add("GET", "/strata/v1/kbs/{name}/evaluations", "kb_evaluations", History);
  add("POST", "/strata/v1/kbs/{name}/tune", "kb_tune", Tune);
  add("POST", "/strata/v1/kbs/{name}/answer", "kb_answer", AnswerAll);
}

}  // namespace strata::server
