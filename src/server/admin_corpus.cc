// Corpora in files over /strata/v1/kbs/NAME: import, run, eval, tune and answer. Their paths name
// files of the server's machine, so only administrators may ask for them.

#include <boost/json.hpp>

#include "dialect/json_value.h"
#include "knowledge/corpus.h"
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

Result<knowledge::EvalInput> DecodeEval(std::string_view body, std::string kb_id) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"queries", "qrels", "depth", "filter"}));
  knowledge::EvalInput input;
  input.knowledge_base_id = std::move(kb_id);
  auto queries = top.Get("queries");
  STRATA_TRY(input.queries_path, queries.NonEmptyString());
  auto qrels = top.Get("qrels");
  STRATA_TRY(input.judgements_path, qrels.NonEmptyString());
  STRATA_TRY(input.depth, DecodeDepth(top, input.depth));
  STRATA_TRY(input.filter, DecodeFilter(top));
  return input;
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

Task<Result<>> Eval(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, NamedBase(s, e));
  STRATA_CO_TRY(auto input, DecodeEval(e.http.body, base.id));
  RunUntilLeft(e);
  JsonLines lines(e);
  STRATA_CO_CHECK_OK(co_await lines.Start());
  auto progress = [&](std::int64_t done) -> Task<Result<>> {
    co_return co_await lines.Line(json::serialize(json::object{{"done", done}}));
  };
  auto report = co_await knowledge::EvaluateQueries(s.bases, std::move(input), progress, e.ctx);
  if (!report.has_value()) {
    Result<> failed = std::unexpected(std::move(report.error()));
    co_return co_await lines.Finish(failed);
  }
  STRATA_CO_CHECK_OK(co_await lines.Line(json::serialize(EncodeReport(*report))));
  co_return co_await lines.Finish({});
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

Task<Result<>> Tune(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, NamedBase(s, e));
  STRATA_CO_TRY(auto input, DecodeTune(e.http.body, base.id));
  const bool apply = input.apply;
  RunUntilLeft(e);
  JsonLines lines(e);
  STRATA_CO_CHECK_OK(co_await lines.Start());
  auto progress = [&](std::int64_t done) -> Task<Result<>> {
    co_return co_await lines.Line(json::serialize(json::object{{"done", done}}));
  };
  auto report = co_await knowledge::TuneFusion(s.bases, std::move(input), progress, e.ctx);
  if (!report.has_value()) {
    Result<> failed = std::unexpected(std::move(report.error()));
    co_return co_await lines.Finish(failed);
  }
  STRATA_CO_CHECK_OK(co_await lines.Line(json::serialize(EncodeTuneReport(*report, apply))));
  co_return co_await lines.Finish({});
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
  using Operation = Task<Result<>> (*)(Services&, Exchange&);
  struct Entry {
    const char* pattern;
    const char* operation;
    Operation run;
  };
  static constexpr Entry kEntries[] = {
      {"/strata/v1/kbs/{name}/import", "kb_import", Import},
      {"/strata/v1/kbs/{name}/run", "kb_run", Run},
      {"/strata/v1/kbs/{name}/eval", "kb_eval", Eval},
      {"/strata/v1/kbs/{name}/tune", "kb_tune", Tune},
      {"/strata/v1/kbs/{name}/answer", "kb_answer", AnswerAll},
  };
  for (const auto& entry : kEntries) {
    router.Add({.method = "POST",
                .pattern = entry.pattern,
                .face = Face::kStrata,
                .operation = entry.operation,
                .role = "admin",
                .handler = [&services, run = entry.run](Exchange& e) { return run(services, e); }});
  }
}

}  // namespace strata::server
