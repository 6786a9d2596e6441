// Bedrock's control plane of stored prompts (bedrock-agent).

#include "server/answer_sinks.h"
#include "server/page_query.h"
#include "server/prompts/prompt_json.h"
#include "server/resource_tags.h"
#include "server/routes.h"

namespace strata::server {
namespace {

constexpr int kCreated = 201;
constexpr std::size_t kPageDefault = 10;
constexpr std::size_t kPageMax = 1000;

Task<Result<>> Reply(Services& s, Exchange& e, std::string body, int status = 200) {
  co_return co_await SendJson(e, s.links, dialect::Dialect::kBedrock, std::move(body), status);
}

std::string Query(const Exchange& e, std::string_view name) {
  return net::QueryParameter(e.http.query(), name).value_or("");
}

Task<Result<>> Create(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto content, DecodePromptContent(e.http.body));
  STRATA_CO_TRY(auto tags, TagsOfBody(e.http.body));
  STRATA_CO_TRY(auto prompt, co_await s.prompts.Create(std::move(content), e.ctx.workspace));
  STRATA_CO_CHECK_OK(co_await s.tags.Add(prompt.Arn(), std::move(tags), e.ctx.workspace));
  co_return co_await Reply(s, e, EncodePrompt(prompt), kCreated);
}

Task<Result<>> Get(Services& s, Exchange& e) {
  auto name = ParsePromptName(e.params.at(0));
  if (auto version = Query(e, "promptVersion"); !version.empty()) name.version = version;
  auto included = Query(e, "includedData");
  if (!included.empty() && included != "ALL_DATA" && included != "METADATA_ONLY") {
    co_return Fail(InvalidArgument("includedData", "expected ALL_DATA or METADATA_ONLY"));
  }
  STRATA_CO_TRY(auto prompt, s.prompts.Find(name.id, name.version, e.ctx.workspace));
  auto data = included == "METADATA_ONLY" ? PromptData::kMetadata : PromptData::kAll;
  co_return co_await Reply(s, e, EncodePrompt(prompt, data));
}

Task<Result<>> Update(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto content, DecodePromptContent(e.http.body));
  auto id = ParsePromptName(e.params.at(0)).id;
  STRATA_CO_TRY(auto prompt,
                co_await s.prompts.Update(std::move(id), std::move(content), e.ctx.workspace));
  co_return co_await Reply(s, e, EncodePrompt(prompt));
}

Task<Result<>> Delete(Services& s, Exchange& e) {
  auto name = ParsePromptName(e.params.at(0));
  if (auto version = Query(e, "promptVersion"); !version.empty()) name.version = version;
  auto version = name.version;
  if (version == kDraft) {
    co_return Fail(InvalidArgument("promptVersion", "the draft goes with the prompt only"));
  }
  STRATA_CO_TRY(auto prompt, s.prompts.Find(name.id, version, e.ctx.workspace));
  STRATA_CO_CHECK_OK(co_await s.prompts.Delete(name.id, version, e.ctx.workspace));
  STRATA_CO_CHECK_OK(co_await s.tags.Forget(prompt.Arn(), e.ctx.workspace));
  co_return co_await Reply(s, e, EncodePromptDeleted(name.id, version));
}

Task<Result<>> AddVersion(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto description, DecodePromptVersion(e.http.body));
  STRATA_CO_TRY(auto tags, TagsOfBody(e.http.body));
  auto id = ParsePromptName(e.params.at(0)).id;
  STRATA_CO_TRY(auto prompt, co_await s.prompts.AddVersion(std::move(id), std::move(description),
                                                           e.ctx.workspace));
  STRATA_CO_CHECK_OK(co_await s.tags.Add(prompt.Arn(), std::move(tags), e.ctx.workspace));
  co_return co_await Reply(s, e, EncodePrompt(prompt), kCreated);
}

Task<Result<>> List(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto page, ReadPageQuery(e, kPageDefault, kPageMax));
  auto id = ParsePromptName(Query(e, "promptIdentifier")).id;
  auto all = s.prompts.List(id, e.ctx.workspace);
  if (!id.empty() && all.empty()) co_return Fail(NotFound("prompt", id));
  const auto count = all.size();
  std::vector<Prompt> shown;
  for (auto i = page.begin(count); i < page.end(count); ++i) shown.push_back(std::move(all[i]));
  co_return co_await Reply(s, e, EncodePromptList(shown, page.next(count)));
}

}  // namespace

void AddBedrockPromptRoutes(Router& router, Services& services) {
  using Operation = Task<Result<>> (*)(Services&, Exchange&);
  auto add = [&](std::string method, std::string pattern, std::string operation, Operation run) {
    std::string role = method == "GET" ? "invoke" : "admin";
    router.Add({.method = std::move(method),
                .pattern = std::move(pattern),
                .face = Face::kBedrockAgent,
                .operation = std::move(operation),
                .role = std::move(role),
                .handler = [&services, run](Exchange& e) { return run(services, e); }});
  };
  add("POST", "/prompts", "CreatePrompt", Create);
  add("GET", "/prompts", "ListPrompts", List);
  add("GET", "/prompts/{promptIdentifier}", "GetPrompt", Get);
  add("PUT", "/prompts/{promptIdentifier}", "UpdatePrompt", Update);
  add("DELETE", "/prompts/{promptIdentifier}", "DeletePrompt", Delete);
  add("POST", "/prompts/{promptIdentifier}/versions", "CreatePromptVersion", AddVersion);
}

}  // namespace strata::server
