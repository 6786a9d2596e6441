// Knowledge bases over /strata/v1/kbs, by name: what `strata kb` and `strata ask` use.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <span>

#include "base/background.h"
#include "base/format_message.h"
#include "base/utf8.h"
#include "dialect/json_value.h"
#include "domain/money.h"
#include "net/runtime.h"
#include "server/admin_json.h"
#include "server/answer_record.h"
#include "server/api/retrieval_json.h"
#include "server/base_access.h"
#include "server/guarded_search.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;
using knowledge::IngestionJob;
using knowledge::IngestionStatistics;
using knowledge::JobStatus;

// Between two looks at a job that is followed.
constexpr std::chrono::milliseconds kLookEvery{100};
// Also when nothing was counted meanwhile.
constexpr std::chrono::seconds kTellEvery{2};

json::object EncodeBase(const knowledge::KnowledgeBase& base) {
  return {{"id", base.id},
          {"name", base.name},
          {"model", "kb/" + base.name},
          {"description", base.description},
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

// {"documents", "done", "documents_per_minute", "seconds_left"}, the last two once they are known.
json::object EncodePace(const knowledge::IngestionPace& pace) {
  json::object out{{"documents", pace.documents}, {"done", pace.done}};
  if (pace.documents_per_minute) out["documents_per_minute"] = *pace.documents_per_minute;
  if (pace.left) out["seconds_left"] = pace.left->count();
  return out;
}

// Sees whether background work stands behind other work.
class BackgroundLoad {
 public:
  // Of the time that background threads were ready since the last answer, the share in which they
  // ran. Absent before some seconds have passed, and when they were hardly ready.
  std::optional<double> Share(SteadyTime now) {
    constexpr std::chrono::seconds kEvery{5};
    constexpr std::chrono::seconds kReady{1};
    if (now - since_ < kEvery) return std::nullopt;
    const auto times = MeasureBackground();
    const auto ran = times.ran - before_.ran;
    const auto ready = ran + times.waited - before_.waited;
    before_ = times;
    since_ = now;
    if (ready < kReady) return std::nullopt;
    return static_cast<double>(ran.count()) / static_cast<double>(ready.count());
  }

 private:
  BackgroundTimes before_ = MeasureBackground();
  SteadyTime since_ = std::chrono::steady_clock::now();
};

// What to tell who waits for a sync; "" when it gets the time that it can use.
std::string NoteOf(std::optional<double> share) {
  constexpr double kFew = 0.5;
  if (!share || *share >= kFew) return {};
  auto note = fmt::format(
      "the processors are busy: indexing gets {:.0f} % of the time that it asks "
      "for",
      *share * 100);
  if (BackgroundNice() > 0) {
    note += fmt::format(
        ", as it stands behind requests and other programs (server.background_nice is {}; 0 gives "
        "it an equal share)",
        BackgroundNice());
  }
  return note;
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
  if (auto description = top.Get("description"); description.present()) {
    STRATA_TRY(call.base.description, description.String());
  }
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
  STRATA_CO_CHECK_OK(CheckBaseNameAllowed(call.base.name, e.ctx));
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
    bool visible =
        base.workspace == e.ctx.workspace && CheckBaseNameAllowed(base.name, e.ctx).has_value();
    if (visible) items.push_back(EncodeBase(base));
  }
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"kbs", std::move(items)}}));
}

Task<Result<>> Delete(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, NamedBase(s, e));
  STRATA_CO_CHECK_OK(co_await s.bases.Delete(base.id, e.ctx));
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"deleted", base.name}}));
}

// The job of a source that has not ended: only the newest can be one.
Task<Result<std::optional<IngestionJob>>> Unfinished(Services& s, Exchange& e, std::string kb_id,
                                                     std::string source_id) {
  const knowledge::PageRequest newest{.max_results = 1, .next_token = {}};
  STRATA_CO_TRY(auto list, co_await s.bases.ListIngestions(std::move(kb_id), std::move(source_id),
                                                           newest, e.ctx));
  if (list.items.empty() || knowledge::IsFinal(list.items.front().status)) co_return std::nullopt;
  co_return std::optional(std::move(list.items.front()));
}

enum class Whose : std::uint8_t { kOwn, kOthers };

// Follows a job to its end: a line that says whose it is, one whenever its statistics changed or
// some seconds have passed, and one with its end. Returns the job as it ended.
Task<Result<IngestionJob>> FollowJob(Services& s, Exchange& e, const knowledge::DataSource& source,
                                     IngestionJob job, Whose whose, JsonLines& lines) {
  const auto kb_id = job.knowledge_base_id;
  auto last = job.statistics;
  json::object line{{"source", source.name},
                    {"job", job.id},
                    {"attached", whose == Whose::kOthers},
                    {"progress", EncodeStatistics(last)}};
  STRATA_CO_CHECK_OK(co_await lines.Line(json::serialize(line)));
  BackgroundLoad load;
  std::string note;
  auto told = std::chrono::steady_clock::now();
  while (!knowledge::IsFinal(job.status)) {
    STRATA_CO_CHECK_OK(co_await net::Sleep(kLookEvery, e.ctx.cancel));
    STRATA_CO_TRY(job, co_await s.bases.GetIngestion(kb_id, source.id, job.id, e.ctx));
    const auto now = std::chrono::steady_clock::now();
    if (auto share = load.Share(now)) note = NoteOf(share);
    if (job.statistics == last && now - told < kTellEvery) continue;
    last = job.statistics;
    told = now;
    line = {{"source", source.name}, {"progress", EncodeStatistics(last)}};
    if (auto pace = s.bases.Pace(job.id)) line["pace"] = EncodePace(*pace);
    if (!note.empty()) line["note"] = note;
    STRATA_CO_CHECK_OK(co_await lines.Line(json::serialize(line)));
  }
  line = {{"source", source.name},
          {"status", knowledge::StatusName(job.status)},
          {"statistics", EncodeStatistics(job.statistics)},
          {"failure_reasons", json::value_from(job.failure_reasons)},
          {"warnings", json::value_from(job.warnings)}};
  STRATA_CO_CHECK_OK(co_await lines.Line(json::serialize(line)));
  co_return job;
}

// A job that runs is followed first; as it may have listed the source before this call, another
// comes after it, but for one that is stopped meanwhile. Returns the job that ended last.
Task<Result<IngestionJob>> SyncSource(Services& s, Exchange& e, std::string kb_id,
                                      knowledge::DataSource source, JsonLines& lines) {
  const auto asked = e.ctx.clock->Wall();
  for (;;) {
    STRATA_CO_TRY(auto running, co_await Unfinished(s, e, kb_id, source.id));
    if (running) {
      const bool stopping = running->status == JobStatus::kStopping;
      STRATA_CO_TRY(auto ended,
                    co_await FollowJob(s, e, source, std::move(*running), Whose::kOthers, lines));
      const bool stopped = ended.status == JobStatus::kStopped && !stopping;
      if (stopped || ended.started >= asked) co_return ended;
    }
    auto own = co_await s.bases.StartIngestion(kb_id, source.id, "strata kb sync", e.ctx);
    if (own.has_value()) {
      co_return co_await FollowJob(s, e, source, std::move(*own), Whose::kOwn, lines);
    }
    // Another caller was quicker.
    if (own.error().code() != Code::kConflict) co_return std::unexpected(std::move(own.error()));
  }
}

Task<Result<>> SyncAll(Services& s, Exchange& e, knowledge::KnowledgeBase base, JsonLines& lines) {
  STRATA_CO_TRY(auto sources, co_await s.bases.ListSources(base.id, {}, e.ctx));
  std::erase_if(sources.items, [](const auto& source) {
    return source.kind == knowledge::DataSourceKind::kCustom;
  });
  if (sources.items.empty()) {
    co_return Fail(Code::kUnsupported,
                   FormatMessage("knowledge base '{}' has no folder or s3:// source to read; its "
                                 "documents come by import or the documents API",
                                 base.name));
  }
  for (auto& source : sources.items) {
    STRATA_CO_TRY(auto ended, co_await SyncSource(s, e, base.id, std::move(source), lines));
    if (ended.status == JobStatus::kStopped) break;
  }
  co_return Result<>{};
}

// Whether a sync failed because its knowledge base is no longer there.
bool WasDeleted(const Services& s, const knowledge::KnowledgeBase& base, const Error& error) {
  if (error.code() != Code::kNotFound) return false;
  const auto now = s.bases.Get(base.id, base.workspace);
  return !now.has_value() || now->status == knowledge::KnowledgeBaseStatus::kDeleting;
}

Task<Result<>> Sync(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, NamedBase(s, e));
  RunUntilLeft(e);
  JsonLines lines(e);
  STRATA_CO_CHECK_OK(co_await lines.Start());
  auto outcome = co_await SyncAll(s, e, base, lines);
  if (!outcome.has_value() && WasDeleted(s, base, outcome.error())) {
    outcome = Fail(Code::kNotFound,
                   FormatMessage("the sync ended as knowledge base '{}' was deleted", base.name));
  }
  co_return co_await lines.Finish(outcome);
}

// The end of a job that was asked to stop; seconds at most.
Task<Result<IngestionJob>> StopAndWait(Services& s, Exchange& e, IngestionJob job) {
  const auto kb_id = job.knowledge_base_id;
  const auto source_id = job.data_source_id;
  auto asked = co_await s.bases.StopIngestion(kb_id, source_id, job.id, e.ctx);
  // kConflict: it ended meanwhile.
  if (!asked.has_value() && asked.error().code() != Code::kConflict) co_return asked;
  for (;;) {
    STRATA_CO_TRY(job, co_await s.bases.GetIngestion(kb_id, source_id, job.id, e.ctx));
    if (knowledge::IsFinal(job.status)) co_return job;
    STRATA_CO_CHECK_OK(co_await net::Sleep(kLookEvery, e.ctx.cancel));
  }
}

// The job that a call to stop names; "" for all.
Result<std::string> DecodeStop(std::string_view body) {
  if (body.empty()) return std::string();
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"job"}));
  return top.Get("job").NonEmptyString();
}

Task<Result<>> StopSync(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, NamedBase(s, e));
  STRATA_CO_TRY(auto only, DecodeStop(e.http.body));
  STRATA_CO_TRY(auto sources, co_await s.bases.ListSources(base.id, {}, e.ctx));
  json::array jobs;
  for (const auto& source : sources.items) {
    STRATA_CO_TRY(auto running, co_await Unfinished(s, e, base.id, source.id));
    if (!running || (!only.empty() && running->id != only)) continue;
    STRATA_CO_TRY(auto ended, co_await StopAndWait(s, e, std::move(*running)));
    jobs.push_back({{"source", source.name},
                    {"job", ended.id},
                    {"status", knowledge::StatusName(ended.status)},
                    {"statistics", EncodeStatistics(ended.statistics)}});
  }
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"jobs", std::move(jobs)}}));
}

void SearchIn(const std::vector<knowledge::KnowledgeBase>& bases,
              knowledge::RetrieveRequest& request) {
  request.knowledge_base_id = bases.front().id;
  for (const auto& base : std::span(bases).subspan(1)) request.more_bases.push_back(base.id);
}

Result<knowledge::RetrieveRequest> DecodeSearch(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"query", "results", "mode", "filter", "join", "rerank"}));
  knowledge::RetrieveRequest request;
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
  if (auto join = top.Get("join"); join.present()) {
    STRATA_TRY(auto around, join.Integer(0, knowledge::kJoinMax));
    request.join = static_cast<int>(around);
  }
  if (auto model = top.Get("rerank"); model.present()) {
    request.rerank.emplace();
    STRATA_TRY(request.rerank->model, model.NonEmptyString());
  }
  return request;
}

Task<Result<>> Search(Services& s, Exchange& e) {
  STRATA_CO_TRY(const auto bases, NamedBases(s, e));
  STRATA_CO_TRY(auto request, DecodeSearch(e.http.body));
  SearchIn(bases, request);
  STRATA_CO_TRY(auto judged, co_await GuardedRetrieve(s, std::move(request), e.ctx));
  co_return co_await SendAdminJson(e, EncodeRetrieveResponse(judged.found, judged.intervened));
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
  STRATA_CO_TRY(const auto bases, NamedBases(s, e));
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
  SearchIn(bases, request.retrieve);
  e.ctx.model_asked = "kb/";
  for (const auto& base : bases) {
    e.ctx.model_asked += (base.id == bases.front().id ? "" : ",") + base.name;
  }
  std::string note;
  if (const auto& named = request.generation.model; !named.empty()) {
    auto model = s.registry.Snapshot()->Describe(named);
    if (model.has_value()) note = model->info.demo_note;
  }
  STRATA_CO_TRY(auto answer, co_await s.answers.Answer(std::move(request), e.ctx));
  RecordAnswer(e.ctx, {}, answer);
  auto out = EncodeAsk(answer);
  if (!note.empty()) out["note"] = note;
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
      {"POST", "/strata/v1/kbs/{name}/sync/stop", "kb_sync_stop", "kb.write", StopSync},
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
