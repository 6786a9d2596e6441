// Bedrock's control plane of prompt routers. Their models are given as ARNs, which are model ids of
// this server like any other; responseQualityDifference is a router's tolerance, in percent.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/format_message.h"
#include "dialect/json_value.h"
#include "server/answer_sinks.h"
#include "server/page_query.h"
#include "server/resource_tags.h"
#include "server/routes.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;

constexpr std::size_t kPageDefault = 100;
constexpr std::size_t kPageMax = 100;
constexpr std::size_t kModelsMax = 64;

Task<Result<>> Reply(Services& s, Exchange& e, const json::object& body) {
  co_return co_await SendJson(e, s.links, dialect::Dialect::kBedrock, json::serialize(body));
}

Result<std::string> ModelArn(const JsonField& target) {
  STRATA_CHECK_OK(target.ExpectObject());
  auto arn = target.Get("modelArn");
  return arn.NonEmptyString();
}

// The request as a definition of ours, in JSON.
Result<PutRouter> DecodeCreate(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  PutRouter put;
  put.must_be_new = true;
  auto name = top.Get("promptRouterName");
  STRATA_TRY(put.name, name.NonEmptyString());
  if (auto checked = route::CheckRouterName(put.name); !checked.has_value()) {
    return Fail(std::move(checked.error()).AtField("promptRouterName"));
  }
  auto models = top.Get("models");
  STRATA_CHECK_OK(models.ExpectArray());
  if (models.size() < 1 || models.size() > kModelsMax) {
    return Fail(models.Wrong(FormatMessage("expected 1 to {} models", kModelsMax)));
  }
  json::array candidates;
  for (std::size_t i = 0; i < models.size(); ++i) {
    auto item = models.Item(i);
    STRATA_TRY(auto arn, ModelArn(item));
    if (std::ranges::find(candidates, json::value(arn)) != candidates.end()) {
      return Fail(item.Wrong("the same model stands twice"));
    }
    candidates.emplace_back(arn);
  }
  auto fallback = top.Get("fallbackModel");
  STRATA_TRY(auto fallback_arn, ModelArn(fallback));
  if (std::ranges::find(candidates, json::value(fallback_arn)) == candidates.end()) {
    return Fail(fallback.Wrong("must be one of models"));
  }
  auto criteria = top.Get("routingCriteria");
  STRATA_CHECK_OK(criteria.ExpectObject());
  auto difference = criteria.Get("responseQualityDifference");
  STRATA_TRY(auto percent, difference.Double(0, 100));
  json::object definition{{"candidates", std::move(candidates)},
                          {"fallback", fallback_arn},
                          {"tolerance", percent / 100}};
  if (auto description = top.Get("description"); description.present()) {
    STRATA_TRY(auto text, description.String());
    definition["description"] = text;
  }
  put.definition = json::serialize(definition);
  return put;
}

json::object Encode(const StoredRouter& router) {
  json::object out{{"promptRouterName", router.name},
                   {"createdAt", FormatIso8601(router.created)},
                   {"updatedAt", FormatIso8601(router.updated)},
                   {"promptRouterArn", router.Arn()},
                   {"status", "AVAILABLE"},
                   {"type", "custom"}};
  const auto& current = router.Current();
  if (current.router == nullptr) return out;
  const auto& definition = current.router->definition();
  // As the percentage was given: 7 and not 7.000000000000001.
  auto percent = std::stod(fmt::format("{:.12g}", definition.tolerance * 100));
  out["routingCriteria"] = json::object{{"responseQualityDifference", percent}};
  out["fallbackModel"] = json::object{{"modelArn", definition.fallback}};
  json::array models;
  for (const auto& c : definition.candidates) {
    models.push_back(json::object{{"modelArn", c.model}});
  }
  out["models"] = std::move(models);
  if (!definition.description.empty()) out["description"] = definition.description;
  return out;
}

Task<Result<>> Create(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto put, DecodeCreate(e.http.body));
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body));
  JsonField top(parsed);
  auto field = top.Get("tags");
  STRATA_CO_TRY(auto tags, DecodeTagList(field));
  STRATA_CO_TRY(auto made, co_await s.routers.Put(std::move(put), e.ctx.workspace, s.ops_pool));
  STRATA_CO_CHECK_OK(co_await s.tags.Add(made.Arn(), std::move(tags), e.ctx.workspace));
  co_return co_await Reply(s, e, {{"promptRouterArn", made.Arn()}});
}

Task<Result<>> Get(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto router, s.routers.Get(e.params.at(0), e.ctx.workspace));
  co_return co_await Reply(s, e, Encode(router));
}

Task<Result<>> Delete(Services& s, Exchange& e) {
  std::string name = e.params.at(0);
  STRATA_CO_TRY(auto router, s.routers.Get(name, e.ctx.workspace));
  STRATA_CO_CHECK_OK(co_await s.routers.Delete(std::move(name), e.ctx.workspace));
  STRATA_CO_CHECK_OK(co_await s.tags.Forget(router.Arn(), e.ctx.workspace));
  co_return co_await Reply(s, e, {});
}

Task<Result<>> List(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto page, ReadPageQuery(e, kPageDefault, kPageMax));
  auto type = net::QueryParameter(e.http.query(), "type").value_or("custom");
  if (type != "custom" && type != "default") {
    co_return Fail(InvalidArgument("type", "expected custom or default"));
  }
  std::vector<StoredRouter> all;
  if (type == "custom") all = s.routers.List(e.ctx.workspace);
  const auto count = all.size();
  json::array summaries;
  for (auto i = page.begin(count); i < page.end(count); ++i) summaries.push_back(Encode(all[i]));
  json::object body{{"promptRouterSummaries", std::move(summaries)}};
  if (auto next = page.next(count); !next.empty()) body["nextToken"] = next;
  co_return co_await Reply(s, e, body);
}

}  // namespace

void AddBedrockRouterRoutes(Router& router, Services& services) {
  using Operation = Task<Result<>> (*)(Services&, Exchange&);
  auto add = [&](std::string method, std::string pattern, std::string operation, Operation run) {
    std::string role = method == "GET" ? "invoke" : "admin";
    router.Add({.method = std::move(method),
                .pattern = std::move(pattern),
                .face = Face::kBedrockControl,
                .operation = std::move(operation),
                .role = std::move(role),
                .handler = [&services, run](Exchange& e) { return run(services, e); }});
  };
  add("POST", "/prompt-routers", "CreatePromptRouter", Create);
  add("GET", "/prompt-routers", "ListPromptRouters", List);
  add("GET", "/prompt-routers/{promptRouterArn}", "GetPromptRouter", Get);
  add("DELETE", "/prompt-routers/{promptRouterArn}", "DeletePromptRouter", Delete);
}

}  // namespace strata::server
