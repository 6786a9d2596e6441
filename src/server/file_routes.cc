// OpenAI's files: uploads that vector stores and requests name by id.

#include "server/answer_sinks.h"
#include "server/api/vector_store_json.h"
#include "server/routes.h"

namespace strata::server {
namespace {

store::FileOwner OwnerOf(const Exchange& e) {
  return {.workspace = e.ctx.workspace, .key = e.ctx.key};
}

Task<Result<>> Reply(Services& s, Exchange& e, std::string body) {
  co_return co_await SendJson(e, s.links, dialect::Dialect::kOpenAi, std::move(body));
}

Task<Result<>> Upload(Services& s, Exchange& e) {
  // The file's bytes stay where the request has them until they are stored.
  STRATA_CO_TRY(auto file, DecodeUpload(e.http.headers.Get("content-type"), e.http.body));
  STRATA_CO_TRY(auto stored, co_await s.files.Put(OwnerOf(e), std::move(file)));
  co_return co_await Reply(s, e, EncodeFile(stored));
}

Task<Result<>> Get(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto file, co_await s.files.Get(OwnerOf(e), e.params.at(0)));
  co_return co_await Reply(s, e, EncodeFile(file));
}

Task<Result<>> Content(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto bytes, co_await s.files.Content(OwnerOf(e), e.params.at(0)));
  net::Headers headers;
  headers.Set("content-type", "application/octet-stream");
  // Whatever it is, no browser shall run it.
  headers.Set("content-disposition", "attachment");
  headers.Set("x-content-type-options", "nosniff");
  co_return co_await e.writer.Send(200, std::move(headers), std::move(bytes));
}

Task<Result<>> List(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto query, DecodeFileQuery(e.http.query()));
  STRATA_CO_TRY(auto page, co_await s.files.List(OwnerOf(e), std::move(query)));
  co_return co_await Reply(s, e, EncodeFileList(page));
}

Task<Result<>> Delete(Services& s, Exchange& e) {
  const auto& id = e.params.at(0);
  STRATA_CO_CHECK_OK(co_await s.vector_stores.ForgetFile(id, e.ctx));
  STRATA_CO_CHECK_OK(co_await s.files.Delete(OwnerOf(e), id));
  co_return co_await Reply(s, e, EncodeFileDeleted(id));
}

using Operation = Task<Result<>> (*)(Services&, Exchange&);

// Anthropic has the path too.
Task<Result<>> RunOpenAi(Services& s, Exchange& e, Operation run) {
  if (FaceOfPath(e.http.path(), e.http.headers) == Face::kAnthropic) {
    co_return Fail(Code::kUnsupported,
                   "Anthropic's Files API is not served; send documents with the message");
  }
  co_return co_await run(s, e);
}

}  // namespace

void AddFileRoutes(Router& router, Services& services) {
  auto add = [&](std::string method, std::string pattern, std::string name, std::string role,
                 Operation run) {
    router.Add({.method = std::move(method),
                .pattern = std::move(pattern),
                .face = Face::kOpenAi,
                .operation = std::move(name),
                .role = std::move(role),
                .handler = [&services, run](Exchange& e) { return RunOpenAi(services, e, run); },
                .shared = true});
  };
  add("POST", "/v1/files", "files.upload", "kb.write", Upload);
  add("GET", "/v1/files", "files.list", "kb.read", List);
  add("GET", "/v1/files/{id}", "files.get", "kb.read", Get);
  add("GET", "/v1/files/{id}/content", "files.content", "kb.read", Content);
  add("DELETE", "/v1/files/{id}", "files.delete", "kb.write", Delete);
}

}  // namespace strata::server
