// Bedrock's control plane of knowledge bases: bases, data sources, ingestion jobs, documents.

#include "server/answer_sinks.h"
#include "server/api/kb_json.h"
#include "server/api/retrieval_json.h"
#include "server/base_access.h"
#include "server/resource_tags.h"
#include "server/routes.h"

namespace strata::server {
namespace {

constexpr int kAccepted = 202;

Task<Result<>> Reply(Services& services, Exchange& exchange, std::string body, int status = 200) {
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kBedrock, std::move(body),
                              status);
}

std::string BaseId(const Exchange& exchange) { return KnowledgeBaseIdOf(exchange.params.at(0)); }

// ---- knowledge bases ----

Task<Result<>> CreateBase(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto input, DecodeCreateKnowledgeBase(e.http.body));
  STRATA_CO_CHECK_OK(CheckBaseNameAllowed(input.name, e.ctx));
  STRATA_CO_TRY(auto tags, TagsOfBody(e.http.body));
  STRATA_CO_TRY(auto base, co_await s.bases.Create(std::move(input), e.ctx));
  auto arn = KnowledgeBaseArn(base.id, {});
  STRATA_CO_CHECK_OK(co_await s.tags.Add(std::move(arn), std::move(tags), e.ctx.workspace));
  co_return co_await Reply(s, e, EncodeKnowledgeBase(base, {}), kAccepted);
}

Task<Result<>> GetBase(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto base, s.bases.Get(BaseId(e), e.ctx.workspace));
  co_return co_await Reply(s, e, EncodeKnowledgeBase(base, {}));
}

Task<Result<>> ListBases(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto page, DecodePage(e.http.body));
  STRATA_CO_TRY(auto bases, s.bases.List(page, e.ctx.workspace));
  std::erase_if(bases.items, [&](const auto& base) {
    return !CheckBaseNameAllowed(base.name, e.ctx).has_value();
  });
  co_return co_await Reply(s, e, EncodeKnowledgeBaseList(bases));
}

Task<Result<>> UpdateBase(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto input, DecodeCreateKnowledgeBase(e.http.body));
  STRATA_CO_CHECK_OK(CheckBaseNameAllowed(input.name, e.ctx));
  STRATA_CO_TRY(auto base, co_await s.bases.Update(BaseId(e), std::move(input), e.ctx));
  co_return co_await Reply(s, e, EncodeKnowledgeBase(base, {}), kAccepted);
}

Task<Result<>> DeleteBase(Services& s, Exchange& e) {
  STRATA_CO_CHECK_OK(co_await s.bases.Delete(BaseId(e), e.ctx));
  auto arn = KnowledgeBaseArn(BaseId(e), {});
  STRATA_CO_CHECK_OK(co_await s.tags.Forget(std::move(arn), e.ctx.workspace));
  co_return co_await Reply(s, e, EncodeKnowledgeBaseDeleted(BaseId(e)), kAccepted);
}

// ---- data sources ----

Task<Result<>> CreateSource(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto input, DecodeCreateDataSource(e.http.body));
  STRATA_CO_TRY(auto source, co_await s.bases.CreateSource(BaseId(e), std::move(input), e.ctx));
  co_return co_await Reply(s, e, EncodeDataSource(source));
}

Task<Result<>> GetSource(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto source, co_await s.bases.GetSource(BaseId(e), e.params.at(1), e.ctx));
  co_return co_await Reply(s, e, EncodeDataSource(source));
}

Task<Result<>> ListSources(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto page, DecodePage(e.http.body));
  STRATA_CO_TRY(auto sources, co_await s.bases.ListSources(BaseId(e), std::move(page), e.ctx));
  co_return co_await Reply(s, e, EncodeDataSourceList(sources));
}

Task<Result<>> UpdateSource(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto input, DecodeCreateDataSource(e.http.body));
  STRATA_CO_TRY(auto before, co_await s.bases.GetSource(BaseId(e), e.params.at(1), e.ctx));
  if (before.kind == knowledge::DataSourceKind::kFolder &&
      input.kind == knowledge::DataSourceKind::kCustom) {
    // A folder is shown as CUSTOM, and comes back as that.
    input.kind = before.kind;
    input.uri = std::move(before.uri);
    input.include = std::move(before.include);
    input.exclude = std::move(before.exclude);
  }
  STRATA_CO_TRY(auto source,
                co_await s.bases.UpdateSource(BaseId(e), e.params.at(1), std::move(input), e.ctx));
  co_return co_await Reply(s, e, EncodeDataSource(source));
}

Task<Result<>> DeleteSource(Services& s, Exchange& e) {
  STRATA_CO_CHECK_OK(co_await s.bases.DeleteSource(BaseId(e), e.params.at(1), e.ctx));
  co_return co_await Reply(s, e, EncodeDataSourceDeleted(BaseId(e), e.params.at(1)), kAccepted);
}

// ---- ingestion jobs ----

Task<Result<>> StartJob(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto description, DecodeStartIngestion(e.http.body));
  STRATA_CO_TRY(auto job, co_await s.bases.StartIngestion(BaseId(e), e.params.at(1),
                                                          std::move(description), e.ctx));
  co_return co_await Reply(s, e, EncodeIngestionJob(job), kAccepted);
}

Task<Result<>> GetJob(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto job,
                co_await s.bases.GetIngestion(BaseId(e), e.params.at(1), e.params.at(2), e.ctx));
  co_return co_await Reply(s, e, EncodeIngestionJob(job));
}

Task<Result<>> ListJobs(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto page, DecodePage(e.http.body));
  STRATA_CO_TRY(auto jobs,
                co_await s.bases.ListIngestions(BaseId(e), e.params.at(1), std::move(page), e.ctx));
  co_return co_await Reply(s, e, EncodeIngestionJobList(jobs));
}

Task<Result<>> StopJob(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto job,
                co_await s.bases.StopIngestion(BaseId(e), e.params.at(1), e.params.at(2), e.ctx));
  co_return co_await Reply(s, e, EncodeIngestionJob(job), kAccepted);
}

// ---- documents ----

Task<Result<>> Ingest(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto documents, DecodeIngestDocuments(e.http.body));
  STRATA_CO_TRY(auto details, co_await s.bases.IngestDocuments(BaseId(e), e.params.at(1),
                                                               std::move(documents), e.ctx));
  co_return co_await Reply(s, e, EncodeDocumentDetails(details, {}), kAccepted);
}

Task<Result<>> GetDocuments(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto ids, DecodeDocumentIds(e.http.body));
  STRATA_CO_TRY(auto details,
                co_await s.bases.GetDocuments(BaseId(e), e.params.at(1), std::move(ids), e.ctx));
  co_return co_await Reply(s, e, EncodeDocumentDetails(details, {}));
}

Task<Result<>> DeleteDocuments(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto ids, DecodeDocumentIds(e.http.body));
  STRATA_CO_TRY(auto details,
                co_await s.bases.DeleteDocuments(BaseId(e), e.params.at(1), std::move(ids), e.ctx));
  co_return co_await Reply(s, e, EncodeDocumentDetails(details, {}), kAccepted);
}

Task<Result<>> ListDocuments(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto page, DecodePage(e.http.body));
  STRATA_CO_TRY(auto details,
                co_await s.bases.ListDocuments(BaseId(e), e.params.at(1), std::move(page), e.ctx));
  co_return co_await Reply(s, e, EncodeDocumentDetails(details.items, details.next_token));
}

using Operation = Task<Result<>> (*)(Services&, Exchange&);

// The base that the path names, if it names one, must be the key's to touch.
Task<Result<>> RunAllowed(Services& s, Exchange& e, Operation run) {
  if (!e.params.empty()) STRATA_CO_CHECK_OK(CheckBaseAllowed(s.bases, BaseId(e), e.ctx));
  co_return co_await run(s, e);
}

struct Entry {
  const char* method;
  const char* pattern;
  const char* operation;
  const char* role;
  Operation run;
};

constexpr const char* kBase = "/knowledgebases/{id}";
constexpr const char* kSource = "/knowledgebases/{id}/datasources/{ds}";
constexpr const char* kJobs = "/knowledgebases/{id}/datasources/{ds}/ingestionjobs";
constexpr const char* kJob = "/knowledgebases/{id}/datasources/{ds}/ingestionjobs/{job}";
constexpr const char* kDocuments = "/knowledgebases/{id}/datasources/{ds}/documents";

constexpr Entry kEntries[] = {
    {"PUT", "/knowledgebases", "CreateKnowledgeBase", "kb.write", CreateBase},
    {"POST", "/knowledgebases", "ListKnowledgeBases", "kb.read", ListBases},
    {"GET", kBase, "GetKnowledgeBase", "kb.read", GetBase},
    {"PUT", kBase, "UpdateKnowledgeBase", "kb.write", UpdateBase},
    {"DELETE", kBase, "DeleteKnowledgeBase", "kb.write", DeleteBase},
    {"PUT", "/knowledgebases/{id}/datasources", "CreateDataSource", "kb.write", CreateSource},
    {"POST", "/knowledgebases/{id}/datasources", "ListDataSources", "kb.read", ListSources},
    {"GET", kSource, "GetDataSource", "kb.read", GetSource},
    {"PUT", kSource, "UpdateDataSource", "kb.write", UpdateSource},
    {"DELETE", kSource, "DeleteDataSource", "kb.write", DeleteSource},
    {"PUT", kJobs, "StartIngestionJob", "kb.write", StartJob},
    {"POST", kJobs, "ListIngestionJobs", "kb.read", ListJobs},
    {"GET", kJob, "GetIngestionJob", "kb.read", GetJob},
    {"POST", "/knowledgebases/{id}/datasources/{ds}/ingestionjobs/{job}/stop", "StopIngestionJob",
     "kb.write", StopJob},
    {"PUT", kDocuments, "IngestKnowledgeBaseDocuments", "kb.write", Ingest},
    {"POST", kDocuments, "ListKnowledgeBaseDocuments", "kb.read", ListDocuments},
    {"POST", "/knowledgebases/{id}/datasources/{ds}/documents/getDocuments",
     "GetKnowledgeBaseDocuments", "kb.read", GetDocuments},
    {"POST", "/knowledgebases/{id}/datasources/{ds}/documents/deleteDocuments",
     "DeleteKnowledgeBaseDocuments", "kb.write", DeleteDocuments},
};

}  // namespace

void AddBedrockAgentRoutes(Router& router, Services& services) {
  for (const auto& entry : kEntries) {
    router.Add({.method = entry.method,
                .pattern = entry.pattern,
                .face = Face::kBedrockAgent,
                .operation = entry.operation,
                .role = entry.role,
                .handler = [&services, run = entry.run](Exchange& e) {
                  return RunAllowed(services, e, run);
                }});
  }
}

}  // namespace strata::server
