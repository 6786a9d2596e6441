// Bedrock's control plane of inference profiles, and the tags of what it has here (inference
// profiles, prompt routers): TagResource, UntagResource, ListTagsForResource.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>
#include <map>
#include <set>

#include "dialect/json_value.h"
#include "guard/model_access.h"
#include "server/answer_sinks.h"
#include "server/page_query.h"
#include "server/profiles/profile_store.h"
#include "server/profiles/system_profiles.h"
#include "server/resource_tags.h"
#include "server/routes.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;

constexpr int kCreated = 201;
constexpr std::size_t kPageDefault = 100;
constexpr std::size_t kPageMax = 1000;
constexpr std::size_t kNameMax = 64;
constexpr std::size_t kDescriptionMax = 200;
constexpr std::string_view kArnStart = "arn:aws:bedrock:us-east-1:";

Task<Result<>> Reply(Services& s, Exchange& e, const json::object& body, int status = 200) {
  co_return co_await SendJson(e, s.links, dialect::Dialect::kBedrock, json::serialize(body),
                              status);
}

// Bedrock's pattern of both: letters, digits and `marks`, each with at most one of " _-" behind it.
bool IsLabel(std::string_view text, std::string_view marks) {
  bool may_part = false;
  for (char c : text) {
    const bool part = c == ' ' || c == '_' || c == '-';
    const bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || marks.find(c) != marks.npos;
    if (part ? !may_part : !letter) return false;
    may_part = !part;
  }
  return !text.empty();
}

std::string ModelArn(std::string_view model) {
  if (model.starts_with("arn:")) return std::string(model);
  return fmt::format("{}:foundation-model/{}", kArnStart, model);
}

Task<Result<>> Create(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body));
  JsonField top(parsed);
  STRATA_CO_CHECK_OK(top.ExpectObject());
  InferenceProfile profile;
  profile.workspace = e.ctx.workspace;
  auto name = top.Get("inferenceProfileName");
  STRATA_CO_TRY(profile.name, name.NonEmptyString());
  if (profile.name.size() > kNameMax || !IsLabel(profile.name, "")) {
    co_return Fail(
        name.Wrong("expected up to 64 letters and digits, with single spaces, _ or - "
                   "between them"));
  }
  auto description = top.Get("description");
  if (description.present()) {
    STRATA_CO_TRY(profile.description, description.NonEmptyString());
    if (profile.description.size() > kDescriptionMax || !IsLabel(profile.description, ":.")) {
      co_return Fail(
          description.Wrong("expected up to 200 letters, digits, : and ., with single "
                            "spaces, _ or - between them"));
    }
  }
  auto source = top.Get("modelSource");
  STRATA_CO_CHECK_OK(source.ExpectObject());
  auto from = source.Get("copyFrom");
  STRATA_CO_TRY(profile.source, from.NonEmptyString());
  STRATA_CO_TRY(auto model, s.registry.Snapshot()->Describe(profile.source));
  profile.model = model.alias_of.empty() ? model.info.id : model.alias_of;
  auto tags = top.Get("tags");
  STRATA_CO_TRY(profile.tags, DecodeTagList(tags));
  STRATA_CO_TRY(auto made, co_await s.profiles.Create(std::move(profile)));
  json::object body{{"inferenceProfileArn", made.Arn()}, {"status", "ACTIVE"}};
  co_return co_await Reply(s, e, body, kCreated);
}

json::object Encode(const InferenceProfile& profile) {
  const auto created = FormatIso8601(profile.created);
  json::object out{{"inferenceProfileName", profile.name},
                   {"inferenceProfileId", profile.id},
                   {"inferenceProfileArn", profile.Arn()},
                   {"models", json::array{json::object{{"modelArn", ModelArn(profile.source)}}}},
                   {"createdAt", created},
                   {"updatedAt", created},
                   {"status", "ACTIVE"},
                   {"type", "APPLICATION"}};
  if (!profile.description.empty()) out["description"] = profile.description;
  return out;
}

std::string ModelArnIn(std::string_view region, std::string_view model) {
  return fmt::format("arn:aws:bedrock:{}::foundation-model/{}", region, model);
}

// `deployments`: none where the id is served in another way.
json::object EncodeSystem(std::string_view id, std::string_view model,
                          const std::vector<SystemProfile::Deployment>& deployments) {
  std::set<std::string> arns;
  for (const auto& deployment : deployments) arns.insert(ModelArnIn(deployment.region, model));
  if (arns.empty()) arns.insert(ModelArn(model));
  json::array models;
  for (const auto& arn : arns) models.push_back(json::object{{"modelArn", arn}});
  return {
      {"inferenceProfileName", id},
      {"inferenceProfileId", id},
      {"inferenceProfileArn", fmt::format("{}000000000000:inference-profile/{}", kArnStart, id)},
      {"models", std::move(models)},
      {"status", "ACTIVE"},
      {"type", "SYSTEM_DEFINED"}};
}

// Those that the caller's key may ask, by id: what accounts have, and aliases under such an id.
std::vector<json::object> SystemList(Services& s, const RequestContext& ctx) {
  std::map<std::string, json::object> out;
  for (const auto& profile : SystemProfiles(*s.providers.Now())) {
    out.emplace(profile.id, EncodeSystem(profile.id, profile.model, profile.deployments));
  }
  const auto models = s.registry.Snapshot();
  for (const auto& [alias, target] : models->aliases()) {
    const auto spellings = provider::BedrockSpellings(alias);
    if (spellings.empty() || alias.starts_with("arn:")) continue;
    if (!models->Describe(alias).has_value()) continue;
    out.insert_or_assign(alias, EncodeSystem(alias, spellings.back(), {}));
  }
  std::vector<json::object> list;
  for (auto& [id, profile] : out) {
    if (guard::CheckModelAllowed(id, ctx).has_value()) list.push_back(std::move(profile));
  }
  return list;
}

// "us.anthropic.claude-…": the model of this server that answers to it.
Result<json::object> SystemProfileOf(Services& s, std::string_view id, RequestContext& ctx) {
  const auto spellings = provider::BedrockSpellings(id);
  if (spellings.empty() || id.starts_with("arn:")) {
    return Fail(NotFound("inference profile", id));
  }
  STRATA_CHECK_OK(guard::CheckModelAllowed(std::string(id), ctx));
  auto model = s.registry.Snapshot()->Describe(id);
  if (!model.has_value()) return Fail(NotFound("inference profile", id));
  for (const auto& profile : SystemProfiles(*s.providers.Now())) {
    if (profile.id == id && model->alias_of.empty()) {
      return EncodeSystem(id, profile.model, profile.deployments);
    }
  }
  return EncodeSystem(id, spellings.back(), {});
}

Task<Result<>> Get(Services& s, Exchange& e) {
  const std::string id(ProfileIdOf(e.params.at(0)));
  auto profile = s.profiles.Find(id, e.ctx.workspace);
  if (profile.has_value()) co_return co_await Reply(s, e, Encode(*profile));
  STRATA_CO_TRY(auto body, SystemProfileOf(s, id, e.ctx));
  co_return co_await Reply(s, e, body);
}

Task<Result<>> Delete(Services& s, Exchange& e) {
  std::string id(ProfileIdOf(e.params.at(0)));
  STRATA_CO_CHECK_OK(co_await s.profiles.Delete(std::move(id), e.ctx.workspace));
  co_return co_await Reply(s, e, {});
}

// Those of the workspace, then Bedrock's own.
Task<Result<>> List(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto page, ReadPageQuery(e, kPageDefault, kPageMax));
  const auto type = net::QueryParameter(e.http.query(), "type").value_or("");
  if (!type.empty() && type != "APPLICATION" && type != "SYSTEM_DEFINED") {
    co_return Fail(InvalidArgument("type", "expected APPLICATION or SYSTEM_DEFINED"));
  }
  std::vector<json::object> all;
  if (type != "SYSTEM_DEFINED") {
    for (const auto& profile : s.profiles.List(e.ctx.workspace)) all.push_back(Encode(profile));
  }
  if (type != "APPLICATION") std::ranges::move(SystemList(s, e.ctx), std::back_inserter(all));
  const auto count = all.size();
  json::array summaries;
  for (auto i = page.begin(count); i < page.end(count); ++i) summaries.push_back(std::move(all[i]));
  json::object body{{"inferenceProfileSummaries", std::move(summaries)}};
  if (auto next = page.next(count); !next.empty()) body["nextToken"] = next;
  co_return co_await Reply(s, e, body);
}

// ---- tags ----

// What a body's resourceARN names. kNotFound: nothing of this server.
struct Tagged {
  std::string arn;
  std::optional<InferenceProfile> profile;
};
Result<Tagged> Resource(Services& s, const JsonField& top, const RequestContext& ctx) {
  STRATA_CHECK_OK(top.ExpectObject());
  auto field = top.Get("resourceARN");
  STRATA_TRY(auto arn, field.NonEmptyString());
  if (arn.find(":application-inference-profile/") != arn.npos) {
    STRATA_TRY(auto profile, s.profiles.Find(ProfileIdOf(arn), ctx.workspace));
    auto own = profile.Arn();
    return Tagged{.arn = std::move(own), .profile = std::move(profile)};
  }
  if (arn.find(":prompt-router/") != arn.npos) {
    STRATA_TRY(auto router, s.routers.Get(arn, ctx.workspace));
    return Tagged{.arn = router.Arn(), .profile = std::nullopt};
  }
  return Fail(NotFound("taggable resource", arn));
}

Task<Result<>> Tag(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body));
  JsonField top(parsed);
  STRATA_CO_TRY(auto resource, Resource(s, top, e.ctx));
  auto field = top.Get("tags");
  STRATA_CO_CHECK_OK(field.ExpectArray());
  STRATA_CO_TRY(auto tags, DecodeTagList(field));
  if (resource.profile) {
    STRATA_CO_CHECK_OK(co_await s.profiles.AddTags(std::move(*resource.profile), std::move(tags)));
  } else {
    STRATA_CO_CHECK_OK(
        co_await s.tags.Add(std::move(resource.arn), std::move(tags), e.ctx.workspace));
  }
  co_return co_await Reply(s, e, {});
}

Task<Result<>> Untag(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body));
  JsonField top(parsed);
  STRATA_CO_TRY(auto resource, Resource(s, top, e.ctx));
  auto field = top.Get("tagKeys");
  STRATA_CO_CHECK_OK(field.ExpectArray());
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto item = field.Item(i);
    STRATA_CO_TRY(auto key, item.NonEmptyString());
    keys.push_back(std::move(key));
  }
  if (resource.profile) {
    STRATA_CO_CHECK_OK(
        co_await s.profiles.RemoveTags(std::move(*resource.profile), std::move(keys)));
  } else {
    STRATA_CO_CHECK_OK(
        co_await s.tags.Remove(std::move(resource.arn), std::move(keys), e.ctx.workspace));
  }
  co_return co_await Reply(s, e, {});
}

Task<Result<>> ListTags(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body));
  JsonField top(parsed);
  STRATA_CO_TRY(auto resource, Resource(s, top, e.ctx));
  STRATA_CO_TRY(auto tags, co_await s.tags.Of(std::move(resource.arn), e.ctx.workspace));
  co_return co_await SendJson(e, s.links, dialect::Dialect::kBedrock, EncodeTagList(tags));
}

}  // namespace

void AddBedrockProfileRoutes(Router& router, Services& services) {
  using Operation = Task<Result<>> (*)(Services&, Exchange&);
  auto add = [&](std::string method, std::string pattern, std::string operation, std::string role,
                 Operation run) {
    router.Add({.method = std::move(method),
                .pattern = std::move(pattern),
                .face = Face::kBedrockControl,
                .operation = std::move(operation),
                .role = std::move(role),
                .handler = [&services, run](Exchange& e) { return run(services, e); }});
  };
  add("POST", "/inference-profiles", "CreateInferenceProfile", "admin", Create);
  add("GET", "/inference-profiles", "ListInferenceProfiles", "invoke", List);
  add("GET", "/inference-profiles/{inferenceProfileIdentifier}", "GetInferenceProfile", "invoke",
      Get);
  add("DELETE", "/inference-profiles/{inferenceProfileIdentifier}", "DeleteInferenceProfile",
      "admin", Delete);
  add("POST", "/tagResource", "TagResource", "admin", Tag);
  add("POST", "/untagResource", "UntagResource", "admin", Untag);
  add("POST", "/listTagsForResource", "ListTagsForResource", "invoke", ListTags);
}

}  // namespace strata::server
