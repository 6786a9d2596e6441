// Tags of prompts and knowledge bases: TagResource, UntagResource, ListTagsForResource of
// bedrock-agent (and of bedrock-agent-runtime, which has the same paths).

#include "server/answer_sinks.h"
#include "server/api/kb_json.h"
#include "server/api/retrieval_json.h"
#include "server/base_access.h"
#include "server/resource_tags.h"
#include "server/routes.h"

namespace strata::server {
namespace {

Task<Result<>> Reply(Services& s, Exchange& e, std::string body) {
  co_return co_await SendJson(e, s.links, dialect::Dialect::kBedrock, std::move(body));
}

// The resource's own spelling of its ARN. kNotFound: no such prompt or knowledge base here.
Result<std::string> Resource(Services& s, const Exchange& e) {
  const auto& arn = e.params.at(0);
  if (arn.find(":prompt/") != arn.npos) {
    auto name = ParsePromptName(arn);
    STRATA_TRY(auto prompt, s.prompts.Find(name.id, name.version, e.ctx.workspace));
    return prompt.Arn();
  }
  if (arn.find(":knowledge-base/") != arn.npos) {
    STRATA_TRY(auto base, s.bases.Get(KnowledgeBaseIdOf(arn), e.ctx.workspace));
    STRATA_CHECK_OK(CheckBaseNameAllowed(base.name, e.ctx));
    return KnowledgeBaseArn(base.id, {});
  }
  return Fail(NotFound("taggable resource", arn));
}

// Every tagKeys of the query.
std::vector<std::string> TagKeys(std::string_view query) {
  std::vector<std::string> keys;
  while (!query.empty()) {
    const auto end = query.find('&');
    if (auto key = net::QueryParameter(query.substr(0, end), "tagKeys")) keys.push_back(*key);
    query = end == query.npos ? std::string_view() : query.substr(end + 1);
  }
  return keys;
}

Task<Result<>> Tag(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto arn, Resource(s, e));
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body));
  dialect::JsonField top(parsed);
  STRATA_CO_CHECK_OK(top.ExpectObject());
  STRATA_CO_CHECK_OK(top.OnlyMembers({"tags"}));
  auto field = top.Get("tags");
  STRATA_CO_CHECK_OK(field.ExpectObject());
  STRATA_CO_TRY(auto tags, DecodeTags(field));
  STRATA_CO_CHECK_OK(co_await s.tags.Add(std::move(arn), std::move(tags), e.ctx.workspace));
  co_return co_await Reply(s, e, "{}");
}

Task<Result<>> Untag(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto arn, Resource(s, e));
  auto keys = TagKeys(e.http.query());
  if (keys.empty()) co_return Fail(InvalidArgument("tagKeys", "expected at least one"));
  STRATA_CO_CHECK_OK(co_await s.tags.Remove(std::move(arn), std::move(keys), e.ctx.workspace));
  co_return co_await Reply(s, e, "{}");
}

Task<Result<>> List(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto arn, Resource(s, e));
  STRATA_CO_TRY(auto tags, co_await s.tags.Of(std::move(arn), e.ctx.workspace));
  co_return co_await Reply(s, e, EncodeTags(tags));
}

}  // namespace

void AddBedrockTagRoutes(Router& router, Services& services) {
  using Operation = Task<Result<>> (*)(Services&, Exchange&);
  auto add = [&](std::string method, std::string operation, std::string role, Operation run) {
    router.Add({.method = std::move(method),
                .pattern = "/tags/{resourceArn}",
                .face = Face::kBedrockAgent,
                .operation = std::move(operation),
                .role = std::move(role),
                .handler = [&services, run](Exchange& e) { return run(services, e); }});
  };
  add("POST", "TagResource", "admin", Tag);
  add("DELETE", "UntagResource", "admin", Untag);
  add("GET", "ListTagsForResource", "invoke", List);
}

}  // namespace strata::server
