// Providers and models over /strata/v1: list, add, test, import.

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "base/pool.h"
#include "dialect/json_value.h"
#include "provider/detect.h"
#include "provider/model_import.h"
#include "server/admin_json.h"
#include "server/builtins.h"
#include "server/model_routes.h"
#include "server/provider_file.h"
#include "server/server_admin.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;

Task<Result<>> ListProviders(Services& s, Exchange& e) {
  json::array items;
  for (const auto& p : s.registry.Snapshot()->Providers()) {
    items.push_back({{"name", p.name},
                     {"kind", p.kind},
                     {"derived", p.derived},
                     {"base_url", p.base_url},
                     {"detected_by", p.detected_by},
                     {"problem", p.problem},
                     {"models", p.models}});
  }
  co_return co_await SendAdminJson(e,
                                   json::serialize(json::object{{"providers", std::move(items)}}));
}

double Seconds(std::int64_t micros) { return static_cast<double>(micros) / 1e6; }

json::object DeploymentJson(const gateway::DeploymentReport& d) {
  json::object failures;
  for (std::size_t i = 0; i < gateway::kAttemptOutcomes; ++i) {
    failures[gateway::OutcomeName(static_cast<gateway::AttemptOutcome>(i))] = d.outcomes[i];
  }
  json::object out{{"id", d.id},
                   {"provider", d.provider},
                   {"breaker", gateway::BreakerName(d.breaker)},
                   {"last_fault", gateway::OutcomeName(d.last_fault)},
                   {"open_for_ms", d.open_for.count()},
                   {"throttled_for_ms", d.throttled_for.count()},
                   {"in_flight", d.in_flight},
                   {"first_token_s", Seconds(d.first_token_us)},
                   {"whole_s", Seconds(d.whole_us)},
                   {"attempts", d.attempts},
                   {"retries", d.retries},
                   {"fallbacks", d.fallbacks},
                   {"hedges", d.hedges},
                   {"opened", d.opened},
                   {"outcomes", std::move(failures)}};
  if (d.quota_share >= 0) out["quota_share"] = d.quota_share;
  return out;
}

// The health of every deployment that was asked since the start.
Task<Result<>> ListDeployments(Services& s, Exchange& e) {
  json::array items;
  for (const auto& report : s.resilience.board().List()) items.push_back(DeploymentJson(report));
  co_return co_await SendAdminJson(
      e, json::serialize(json::object{{"deployments", std::move(items)}}));
}

Result<> FillText(const JsonField& field, std::string& out) {
  if (!field.present()) return {};
  STRATA_TRY(out, field.String());
  return {};
}

Result<std::vector<std::string>> TextList(const JsonField& field) {
  std::vector<std::string> out;
  for (std::size_t i = 0; field.present() && i < field.size(); ++i) {
    auto item = field.Item(i);
    STRATA_TRY(out.emplace_back(), item.NonEmptyString());
  }
  return out;
}

Result<provider::ProviderSpec> DecodeSpec(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(
      top.OnlyMembers({"name", "kind", "base_url", "secret", "api_version", "region", "profile",
                       "project", "data_region", "retention", "clearance", "models", "responses"}));
  provider::ProviderSpec spec;
  auto kind = top.Get("kind");
  STRATA_TRY(auto kind_name, kind.NonEmptyString());
  STRATA_TRY(spec.kind, provider::ParseKind(kind_name));
  STRATA_CHECK_OK(FillText(top.Get("name"), spec.name));
  STRATA_CHECK_OK(FillText(top.Get("base_url"), spec.base_url));
  STRATA_CHECK_OK(FillText(top.Get("secret"), spec.secret));
  STRATA_CHECK_OK(FillText(top.Get("api_version"), spec.api_version));
  STRATA_CHECK_OK(FillText(top.Get("region"), spec.region));
  STRATA_CHECK_OK(FillText(top.Get("profile"), spec.profile));
  STRATA_CHECK_OK(FillText(top.Get("project"), spec.project));
  STRATA_CHECK_OK(FillText(top.Get("data_region"), spec.data_region));
  if (auto responses = top.Get("responses"); responses.present()) {
    STRATA_TRY(spec.responses, responses.Bool());
  }
  std::string retention;
  STRATA_CHECK_OK(FillText(top.Get("retention"), retention));
  if (!retention.empty()) {
    STRATA_TRY(spec.retention, ParseRetention(retention));
  }
  STRATA_TRY(spec.models, TextList(top.Get("models")));
  STRATA_TRY(auto clearance, TextList(top.Get("clearance")));
  for (const auto& label : clearance) spec.clearance.Add(label);
  STRATA_CHECK_OK(provider::CheckSpec(spec));
  return spec;
}

// What keeps a provider from answering; "" when nothing is known.
std::string ProblemOf(const Services& s, std::string_view name) {
  for (const auto& p : s.registry.Snapshot()->Providers()) {
    if (p.name == name) return p.problem;
  }
  return {};
}

Task<Result<>> AddProvider(Services& s, Exchange& e) {
  STRATA_CO_CHECK_OK(RequireServerAdmin(e.ctx, "providers are added"));
  STRATA_CO_TRY(auto spec, DecodeSpec(e.http.body));
  auto name = spec.name;
  auto work = [&s, spec] { return s.reloader.AddProvider(spec); };
  STRATA_CO_CHECK_OK(co_await RunBlocking(s.admin_pool, std::move(work)));
  json::object out{{"added", name}, {"problem", ProblemOf(s, name)}};
  co_return co_await SendAdminJson(e, json::serialize(out));
}

Task<Result<>> RemoveProvider(Services& s, Exchange& e) {
  STRATA_CO_CHECK_OK(RequireServerAdmin(e.ctx, "providers are removed"));
  auto work = [&s, name = e.params.at(0)] { return s.reloader.RemoveProvider(name); };
  STRATA_CO_TRY(auto named_by, co_await RunBlocking(s.admin_pool, std::move(work)));
  json::object out{{"removed", e.params.at(0)}, {"named_by", json::value_from(named_by)}};
  co_return co_await SendAdminJson(e, json::serialize(out));
}

Result<provider::ProviderSpec> FindSpec(const Services& s, const std::string& name) {
  STRATA_TRY(auto saved, LoadProviders(s.folder.path()));
  std::vector<std::string> names;
  for (const auto& list : {*s.providers.Now(), saved}) {
    for (const auto& spec : list) {
      if (spec.name == name) return spec;
      names.push_back(spec.name);
    }
  }
  if (s.registry.Snapshot()->IsPartOfStrata(name)) {
    return Fail(Code::kUnsupported,
                fmt::format("'{}' is a part of strata itself: there is nothing to call", name));
  }
  std::vector<std::string_view> known(names.begin(), names.end());
  auto nearest = NearestName(name, known);
  return Fail(Code::kNotFound,
              fmt::format("provider '{}' does not exist{}", name,
                          nearest.empty() ? "" : fmt::format(" (did you mean {}?)", nearest)));
}

Task<Result<>> TestOne(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto spec, FindSpec(s, e.params.at(0)));
  auto deps = RemoteDepsFrom(s.live.Now()->config.options, s.client);
  auto test = co_await provider::TestProvider(std::move(spec), std::move(deps), e.ctx);
  if (!test.has_value()) {
    // As an error of ours, so that the operator reads what the provider said of the account.
    co_return Fail(test.error().code(), test.error().message());
  }
  json::object out{{"provider", e.params.at(0)},
                   {"summary", test->summary},
                   {"took_ms", test->took.count()},
                   {"models", json::value_from(test->models)}};
  co_return co_await SendAdminJson(e, json::serialize(out));
}

// Moderators have no ability that ModelInfo names.
std::string_view KindOf(const domain::ModelInfo& info) {
  if (info.can.embed) return "embed";
  if (info.can.rerank) return "rerank";
  return info.can.chat ? "chat" : "moderate";
}

Task<Result<>> ListModels(Services& s, Exchange& e) {
  json::array items;
  for (const auto& m : VisibleModels(s, e.ctx)) {
    auto price = [](const std::optional<std::int64_t>& p) {
      return p ? json::value(*p) : json::value(nullptr);
    };
    items.push_back({{"id", m.info.id},
                     {"provider", m.info.provider},
                     {"kind", KindOf(m.info)},
                     {"context_tokens", m.info.context_tokens},
                     {"alias_of", m.alias_of},
                     {"demo_note", m.info.demo_note},
                     {"input_picousd", price(m.info.price.input)},
                     {"output_picousd", price(m.info.price.output)}});
  }
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"models", std::move(items)}}));
}

// The child that loads an unknown model file first is this very program.
std::string OwnProgram() {
  std::string path(4096, '\0');
  auto size = ::readlink("/proc/self/exe", path.data(), path.size());
  path.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return path;
}

Task<Result<>> ImportModel(Services& s, Exchange& e) {
  STRATA_CO_CHECK_OK(RequireServerAdmin(e.ctx, "models are imported"));
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body));
  JsonField top(parsed);
  STRATA_CO_CHECK_OK(top.ExpectObject());
  provider::ModelImportSpec spec;
  auto path = top.Get("path");
  STRATA_CO_TRY(spec.source, path.NonEmptyString());
  STRATA_CO_CHECK_OK(FillText(top.Get("name"), spec.name));
  spec.models_folder = s.folder.models();
  spec.validator = {OwnProgram(), "validate-gguf"};
  STRATA_CO_TRY(auto imported, co_await provider::ImportModel(std::move(spec), e.ctx));
  auto work = [&s, id = imported.id]() -> Result<> {
    return s.registry.Update([&](provider::RegistrySnapshot& models) {
      return AddImportedModel(models, {s.local_models, s.journal, s.parser}, id);
    });
  };
  STRATA_CO_CHECK_OK(co_await RunBlocking(s.admin_pool, std::move(work)));
  json::object out{{"id", imported.id},
                   {"kind", imported.kind},
                   {"architecture", imported.architecture},
                   {"bytes", imported.bytes},
                   {"path", imported.path}};
  co_return co_await SendAdminJson(e, json::serialize(out));
}

}  // namespace

void AddAdminProviderRoutes(Router& router, Services& services) {
  const AdminOperations add(router, services);
  add("GET", "/strata/v1/providers", "list_providers", ListProviders);
  add("POST", "/strata/v1/providers", "add_provider", AddProvider);
  add("DELETE", "/strata/v1/providers/{name}", "remove_provider", RemoveProvider);
  add("GET", "/strata/v1/deployments", "list_deployments", ListDeployments);
  add("POST", "/strata/v1/providers/{name}/test", "test_provider", TestOne);
  add("GET", "/strata/v1/models", "list_models", ListModels);
  add("POST", "/strata/v1/models/import", "import_model", ImportModel);
}

}  // namespace strata::server
