// Knowledge bases over /strata/v1/kbs, by name: what `strata kb` and `strata ask` use.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/utf8.h"
#include "dialect/json_value.h"
#include "domain/money.h"
#include "guard/model_access.h"
#include "net/runtime.h"
#include "server/admin_json.h"
#include "server/answer_record.h"
#include "server/api/retrieval_json.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;
using knowledge::IngestionStatistics;

json::object EncodeBase(const knowledge::KnowledgeBase& base) {
  return {{"id", base.id},
          {"name", base.name},
          {"model", "kb/" + base.name},
          {"embedding_model", base.embedding_model},
          {"mode", knowledge::SearchModeName(base.mode)},
          {"status", knowledge::StatusName(base.status)}};
}

json::object EncodeStatistics(const IngestionStatistics& s) {
  return {{"scanned", s.scanned},
          {"added", s.added},
          {"modified", s.modified},
          {"deleted", s.deleted},
          {"failed", s.failed},
          {"skipped", s.skipped},
          {"metadata_modified", s.metadata_modified}};
}

struct CreateCall {
  knowledge::CreateKnowledgeBaseInput base;
  knowledge::CreateDataSourceInput source;  // uri "" = none
};

Result<CreateCall> DecodeCreate(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"name", "description", "source", "embedding_model", "mode"}));
  CreateCall call;
  auto name = top.Get("name");
  STRATA_TRY(call.base.name, name.NonEmptyString());
  if (auto model = top.Get("embedding_model"); model.present()) {
    STRATA_TRY(call.base.embedding_model, model.String());
  }
  if (auto mode = top.Get("mode"); mode.present()) {
    STRATA_TRY(auto text, mode.String());
    STRATA_TRY(call.base.mode, knowledge::ParseSearchMode(text));
  }
  if (auto source = top.Get("source"); source.present()) {
    STRATA_TRY(call.source.uri, source.NonEmptyString());
    bool s3 = call.source.uri.starts_with("s3://");
    call.source.kind = s3 ? knowledge::DataSourceKind::kS3 : knowledge::DataSourceKind::kFolder;
    call.source.name = "documents";
  }
  return call;
}

Task<Result<>> Create(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto call, DecodeCreate(e.http.body));
  if (call.source.uri.empty()) {
    STRATA_CO_TRY(auto base, co_await s.bases.Create(std::move(call.base), e.ctx));
    co_return co_await SendAdminJson(e, json::serialize(EncodeBase(base)));
  }
  STRATA_CO_TRY(auto made, co_await s.bases.CreateWithSource(std::move(call.base),
                                                             std::move(call.source), e.ctx));
  auto out = EncodeBase(made.base);
  out["data_source"] = made.source.id;
  co_return co_await SendAdminJson(e, json::serialize(out));
}

Task<Result<>> List(Services& s, Exchange& e) {
  json::array items;
  for (const auto& base : s.bases.ListAll()) {
    if (base.workspace == e.ctx.workspace) items.push_back(EncodeBase(base));
  }
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"kbs", std::move(items)}}));
}

Task<Result<>> Delete(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, NamedBase(s, e));
  STRATA_CO_CHECK_OK(co_await s.bases.Delete(base.id, e.ctx));
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"deleted", base.name}}));
}

// Follows a job to its end and writes a line whenever its statistics changed.
Task<Result<>> FollowJob(Services& s, Exchange& e, const knowledge::DataSource& source,
                         knowledge::IngestionJob job, JsonLines& lines) {
  const auto kb_id = job.knowledge_base_id;
  auto last = job.statistics;
  while (!knowledge::IsFinal(job.status)) {
    STRATA_CO_CHECK_OK(co_await net::Sleep(std::chrono::milliseconds(100), e.ctx.cancel));
    STRATA_CO_TRY(job, co_await s.bases.GetIngestion(kb_id, source.id, job.id, e.ctx));
    if (job.statistics == last) continue;
    last = job.statistics;
    json::object line{{"source", source.name}, {"progress", EncodeStatistics(last)}};
    STRATA_CO_CHECK_OK(co_await lines.Line(json::serialize(line)));
  }
  json::object line{{"source", source.name},
                    {"status", knowledge::StatusName(job.status)},
                    {"statistics", EncodeStatistics(job.statistics)},
                    {"failure_reasons", json::value_from(job.failure_reasons)},
                    {"warnings", json::value_from(job.warnings)}};
  co_return co_await lines.Line(json::serialize(line));
}

// A job that an earlier process left is ended first: it may have listed the source long ago.
Task<Result<>> SyncSource(Services& s, Exchange& e, std::string kb_id, knowledge::DataSource source,
                          JsonLines& lines) {
  STRATA_CO_TRY(auto left, co_await s.bases.ResumedIngestion(kb_id, source.id, e.ctx));
  if (left) STRATA_CO_CHECK_OK(co_await FollowJob(s, e, source, std::move(*left), lines));
  STRATA_CO_TRY(auto job,
                co_await s.bases.StartIngestion(kb_id, source.id, "strata kb sync", e.ctx));
  co_return co_await FollowJob(s, e, source, std::move(job), lines);
}

Task<Result<>> SyncAll(Services& s, Exchange& e, knowledge::KnowledgeBase base, JsonLines& lines) {
  STRATA_CO_TRY(auto sources, co_await s.bases.ListSources(base.id, {}, e.ctx));
  std::erase_if(sources.items, [](const auto& source) {
    return source.kind == knowledge::DataSourceKind::kCustom;
  });
  if (sources.items.empty()) {
    co_return Fail(Code::kUnsupported,
                   fmt::format("knowledge base '{}' has no folder or s3:// source to read; its "
                               "documents come by import or the documents API",
                               base.name));
  }
  for (auto& source : sources.items) {
    STRATA_CO_CHECK_OK(co_await SyncSource(s, e, base.id, std::move(source), lines));
  }
  co_return Result<>{};
}

Task<Result<>> Sync(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, NamedBase(s, e));
  RunUntilLeft(e);
  JsonLines lines(e);
  STRATA_CO_CHECK_OK(co_await lines.Start());
  auto outcome = co_await SyncAll(s, e, std::move(base), lines);
  co_return co_await lines.Finish(outcome);
}

Result<knowledge::RetrieveRequest> DecodeSearch(std::string_view body, std::string kb_id) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"query", "results", "mode", "filter"}));
  knowledge::RetrieveRequest request;
  request.knowledge_base_id = std::move(kb_id);
  auto query = top.Get("query");
  STRATA_TRY(request.query, query.NonEmptyString());
  if (auto results = top.Get("results"); results.present()) {
    STRATA_TRY(auto count, results.Integer(1, knowledge::kApiResultsMax));
    request.results = static_cast<int>(count);
  }
  if (auto mode = top.Get("mode"); mode.present()) {
    STRATA_TRY(auto text, mode.String());
    STRATA_TRY(request.mode, knowledge::ParseSearchMode(text));
  }
  if (auto filter = top.Get("filter"); filter.present()) {
    STRATA_TRY(auto condition, knowledge::ParseFilter(filter.value().Dump()));
    request.filter = std::move(condition);
  }
  return request;
}

// Passages and answers are what the model kb/NAME gives: a key without it reads neither.
Result<> CheckBaseAllowed(const knowledge::KnowledgeBase& base, const RequestContext& ctx) {
  return guard::CheckModelAllowed(fmt::format("{}/{}", knowledge::kKbProvider, base.name), ctx);
}

Task<Result<>> Search(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, NamedBase(s, e));
  STRATA_CO_CHECK_OK(CheckBaseAllowed(base, e.ctx));
  STRATA_CO_TRY(auto request, DecodeSearch(e.http.body, base.id));
  STRATA_CO_TRY(auto found, co_await s.bases.Retrieve(std::move(request), e.ctx));
  co_return co_await SendAdminJson(e, EncodeRetrieveResponse(found));
}

json::object EncodeAskReference(const domain::Citation& quote, int number) {
  json::object out{
      {"n", number}, {"title", quote.title}, {"uri", quote.source_uri}, {"text", quote.quoted}};
  if (!quote.pages.empty()) out["page"] = quote.pages.front().page;
  return out;
}

// The answer with [n] after each supported part, and the numbered sources once each.
json::object EncodeAsk(const knowledge::RetrieveAndGenerateResponse& answer) {
  std::vector<std::string> seen;
  json::array sources;
  std::string marked;
  std::size_t copied = 0;
  for (const auto& citation : answer.citations) {
    auto end = ByteOffset(answer.text, static_cast<std::size_t>(citation.end) + 1);
    if (end < copied) continue;
    marked += answer.text.substr(copied, end - copied);
    copied = end;
    for (const auto& quote : citation.quotes) {
      auto at = std::find(seen.begin(), seen.end(), quote.chunk_id);
      auto number = static_cast<int>(at - seen.begin()) + 1;
      if (at == seen.end()) {
        seen.push_back(quote.chunk_id);
        sources.push_back(EncodeAskReference(quote, number));
      }
      marked += fmt::format("[{}]", number);
    }
  }
  marked += answer.text.substr(copied);
  return {{"answer", answer.text},
          {"marked", marked},
          {"sources", std::move(sources)},
          {"refused", answer.refused}};
}

Task<Result<>> Ask(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, NamedBase(s, e));
  STRATA_CO_CHECK_OK(CheckBaseAllowed(base, e.ctx));
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body));
  JsonField top(parsed);
  STRATA_CO_CHECK_OK(top.ExpectObject());
  STRATA_CO_CHECK_OK(top.OnlyMembers({"question", "model"}));
  knowledge::RetrieveAndGenerateRequest request;
  auto question = top.Get("question");
  STRATA_CO_TRY(request.question, question.NonEmptyString());
  if (auto model = top.Get("model"); model.present()) {
    STRATA_CO_TRY(request.generation.model, model.NonEmptyString());
  }
  request.retrieve.knowledge_base_id = base.id;
  e.ctx.model_asked = "kb/" + base.name;
  auto text = request.question;
  STRATA_CO_TRY(auto answer, co_await s.answers.Answer(std::move(request), e.ctx));
  RecordAnswer(e.ctx, text, answer);
  auto out = EncodeAsk(answer);
  out["trace_id"] = e.ctx.request_id.value;
  out["trace_url"] = s.links.UrlOf(e.ctx.request_id.value);
  out["cost_usd"] =
      e.ctx.unpriced_calls == 0 ? domain::FormatUsd({e.ctx.spent_picousd}) : "unknown";
  co_return co_await SendAdminJson(e, json::serialize(out));
}

}  // namespace

void AddAdminKbRoutes(Router& router, Services& services) {
  using Operation = Task<Result<>> (*)(Services&, Exchange&);
  struct Entry {
    const char* method;
    const char* pattern;
    const char* operation;
    const char* role;
    Operation run;
  };
  static constexpr Entry kEntries[] = {
      {"POST", "/strata/v1/kbs", "kb_create", "admin", Create},
      {"GET", "/strata/v1/kbs", "kb_list", "kb.read", List},
      {"DELETE", "/strata/v1/kbs/{name}", "kb_delete", "kb.write", Delete},
      {"POST", "/strata/v1/kbs/{name}/sync", "kb_sync", "kb.write", Sync},
      {"POST", "/strata/v1/kbs/{name}/search", "kb_search", "invoke", Search},
      {"POST", "/strata/v1/kbs/{name}/ask", "ask", "invoke", Ask},
  };
  for (const auto& entry : kEntries) {
    router.Add({.method = entry.method,
                .pattern = entry.pattern,
                .face = Face::kStrata,
                .operation = entry.operation,
                .role = entry.role,
                .handler = [&services, run = entry.run](Exchange& e) { return run(services, e); }});
  }
}

}  // namespace strata::server
