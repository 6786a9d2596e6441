// OpenAI's vector stores, their files and batches of files, and search in them.

#include "knowledge/query_writer.h"
#include "knowledge/shown_passages.h"
#include "server/answer_sinks.h"
#include "server/api/vector_store_json.h"
#include "server/guarded_search.h"
#include "server/routes.h"

namespace strata::server {
namespace {

Task<Result<>> Reply(Services& s, Exchange& e, std::string body) {
  co_return co_await SendJson(e, s.links, dialect::Dialect::kOpenAi, std::move(body));
}

const std::string& StoreOf(const Exchange& e) { return e.params.at(0); }
const std::string& SecondOf(const Exchange& e) { return e.params.at(1); }

// ---- stores ----

Task<Result<>> Create(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto create, DecodeStoreCreate(e.http.body));
  STRATA_CO_TRY(auto store, co_await s.vector_stores.Create(std::move(create.input),
                                                            std::move(create.files), e.ctx));
  co_return co_await Reply(s, e, EncodeStore(store));
}

Task<Result<>> Get(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto store, co_await s.vector_stores.Get(StoreOf(e), e.ctx));
  co_return co_await Reply(s, e, EncodeStore(store));
}

Task<Result<>> List(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto range, DecodeListRange(e.http.query()));
  STRATA_CO_TRY(auto page, co_await s.vector_stores.List(std::move(range), e.ctx));
  co_return co_await Reply(s, e, EncodeStoreList(page));
}

Task<Result<>> Modify(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto change, DecodeStoreChange(e.http.body));
  STRATA_CO_TRY(auto store, co_await s.vector_stores.Modify(StoreOf(e), std::move(change), e.ctx));
  co_return co_await Reply(s, e, EncodeStore(store));
}

Task<Result<>> Delete(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto id, co_await s.vector_stores.Delete(StoreOf(e), e.ctx));
  co_return co_await Reply(s, e, EncodeStoreDeleted(id));
}

// A store that the caller may not use is refused before a model is paid for.
Task<Result<>> Rewrite(Services& s, knowledge::StoreSearch& search, RequestContext& ctx) {
  for (const auto& store : search.stores) {
    STRATA_CO_CHECK_OK(co_await s.vector_stores.Get(store, ctx));
  }
  const knowledge::QueryWish wish{.rewriting = knowledge::Rewriting::kQuery, .generation = {}};
  for (auto& query : search.queries) {
    STRATA_CO_TRY(auto written, co_await s.answerer.queries().Write(query, {}, wish, ctx));
    query = std::move(written.front());
  }
  co_return Result<>{};
}

Task<Result<>> Search(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto search, DecodeStoreSearch(StoreOf(e), e.http.body));
  const auto guardrails = s.live.Now()->guardrails;
  if (guardrails) {
    std::vector<std::string*> texts;
    for (auto& query : search.queries) texts.push_back(&query);
    STRATA_CO_CHECK_OK(co_await JudgeQueries(*guardrails, std::move(texts), e.ctx));
  }
  if (search.rewrite) STRATA_CO_CHECK_OK(co_await Rewrite(s, search, e.ctx));
  auto queries = search.queries;
  STRATA_CO_TRY(auto found, co_await s.vector_stores.Search(std::move(search), e.ctx));
  auto& passages = found.passages;
  if (guardrails) STRATA_CO_CHECK_OK(co_await knowledge::JudgeShown(*guardrails, passages, e.ctx));
  co_return co_await Reply(s, e, EncodeSearch(passages, queries));
}

// ---- files ----

Task<Result<>> AddFile(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto file, DecodeFileToAdd(e.http.body));
  STRATA_CO_TRY(auto added, co_await s.vector_stores.AddFile(StoreOf(e), std::move(file), e.ctx));
  co_return co_await Reply(s, e, EncodeStoreFile(added, StoreOf(e)));
}

Task<Result<>> GetFile(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto file, co_await s.vector_stores.GetFile(StoreOf(e), SecondOf(e), e.ctx));
  co_return co_await Reply(s, e, EncodeStoreFile(file, StoreOf(e)));
}

Task<Result<>> ListFiles(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto query, DecodeFileListQuery(e.http.query()));
  if (e.params.size() > 1) query.batch = SecondOf(e);
  STRATA_CO_TRY(auto page, co_await s.vector_stores.ListFiles(StoreOf(e), std::move(query), e.ctx));
  co_return co_await Reply(s, e, EncodeStoreFileList(page, StoreOf(e)));
}

Task<Result<>> ChangeFile(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto attributes, DecodeAttributesChange(e.http.body));
  STRATA_CO_TRY(auto file, co_await s.vector_stores.SetAttributes(StoreOf(e), SecondOf(e),
                                                                  std::move(attributes), e.ctx));
  co_return co_await Reply(s, e, EncodeStoreFile(file, StoreOf(e)));
}

Task<Result<>> RemoveFile(Services& s, Exchange& e) {
  STRATA_CO_CHECK_OK(co_await s.vector_stores.RemoveFile(StoreOf(e), SecondOf(e), e.ctx));
  co_return co_await Reply(s, e, EncodeStoreFileDeleted(SecondOf(e)));
}

Task<Result<>> FileContent(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto texts, co_await s.vector_stores.FileText(StoreOf(e), SecondOf(e), e.ctx));
  co_return co_await Reply(s, e, EncodeFileTexts(texts));
}

// ---- batches ----

Task<Result<>> AddBatch(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto files, DecodeBatch(e.http.body));
  STRATA_CO_TRY(auto batch, co_await s.vector_stores.AddBatch(StoreOf(e), std::move(files), e.ctx));
  co_return co_await Reply(s, e, EncodeBatch(batch, StoreOf(e)));
}

Task<Result<>> GetBatch(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto batch, co_await s.vector_stores.GetBatch(StoreOf(e), SecondOf(e), e.ctx));
  co_return co_await Reply(s, e, EncodeBatch(batch, StoreOf(e)));
}

Task<Result<>> CancelBatch(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto batch, co_await s.vector_stores.CancelBatch(StoreOf(e), SecondOf(e), e.ctx));
  co_return co_await Reply(s, e, EncodeBatch(batch, StoreOf(e)));
}

using Operation = Task<Result<>> (*)(Services&, Exchange&);

struct Entry {
  const char* method;
  const char* pattern;
  const char* operation;
  const char* role;
  Operation run;
};

constexpr const char* kStore = "/v1/vector_stores/{id}";
constexpr const char* kFiles = "/v1/vector_stores/{id}/files";
constexpr const char* kFile = "/v1/vector_stores/{id}/files/{file}";
constexpr const char* kBatch = "/v1/vector_stores/{id}/file_batches/{batch}";

// What passages say is for `invoke`, as with Retrieve.
constexpr Entry kEntries[] = {
    {"POST", "/v1/vector_stores", "vector_stores.create", "kb.write", Create},
    {"GET", "/v1/vector_stores", "vector_stores.list", "kb.read", List},
    {"GET", kStore, "vector_stores.get", "kb.read", Get},
    {"POST", kStore, "vector_stores.modify", "kb.write", Modify},
    {"DELETE", kStore, "vector_stores.delete", "kb.write", Delete},
    {"POST", "/v1/vector_stores/{id}/search", "vector_stores.search", "invoke", Search},
    {"POST", kFiles, "vector_stores.files.create", "kb.write", AddFile},
    {"GET", kFiles, "vector_stores.files.list", "kb.read", ListFiles},
    {"GET", kFile, "vector_stores.files.get", "kb.read", GetFile},
    {"POST", kFile, "vector_stores.files.update", "kb.write", ChangeFile},
    {"DELETE", kFile, "vector_stores.files.delete", "kb.write", RemoveFile},
    {"GET", "/v1/vector_stores/{id}/files/{file}/content", "vector_stores.files.content", "invoke",
     FileContent},
    {"POST", "/v1/vector_stores/{id}/file_batches", "vector_stores.batches.create", "kb.write",
     AddBatch},
    {"GET", kBatch, "vector_stores.batches.get", "kb.read", GetBatch},
    {"POST", "/v1/vector_stores/{id}/file_batches/{batch}/cancel", "vector_stores.batches.cancel",
     "kb.write", CancelBatch},
    {"GET", "/v1/vector_stores/{id}/file_batches/{batch}/files", "vector_stores.batches.files",
     "kb.read", ListFiles},
};

}  // namespace

void AddVectorStoreRoutes(Router& router, Services& services) {
  for (const auto& entry : kEntries) {
    router.Add({.method = entry.method,
                .pattern = entry.pattern,
                .face = Face::kOpenAi,
                .operation = entry.operation,
                .role = entry.role,
                .handler = [&services, run = entry.run](Exchange& e) { return run(services, e); }});
  }
}

}  // namespace strata::server
