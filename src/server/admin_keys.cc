// Keys over /strata/v1/keys: create, list, revoke, rotate, change the budget.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>

#include "base/budget_error.h"
#include "base/pool.h"
#include "dialect/json_value.h"
#include "server/admin_json.h"
#include "server/server_admin.h"
#include "store/key_rows.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;

Result<std::vector<std::string>> TextList(const JsonField& field) {
  std::vector<std::string> out;
  if (!field.present()) return out;
  STRATA_CHECK_OK(field.ExpectArray());
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto item = field.Item(i);
    STRATA_TRY(auto text, item.NonEmptyString());
    out.push_back(std::move(text));
  }
  return out;
}

Result<> FillText(const JsonField& field, std::string& out) {
  if (!field.present()) return {};
  STRATA_TRY(out, field.String());
  return {};
}

// A number of dollars, 0 included.
Result<domain::Money> Dollars(const JsonField& field) {
  constexpr double kUsdMax = 1e6;
  constexpr double kPicoOfADollar = 1e12;
  STRATA_TRY(auto usd, field.Double(0, kUsdMax));
  return domain::Money{std::llround(usd * kPicoOfADollar)};
}

Result<> FillGrant(const JsonField& top, store::KeyGrant& grant) {
  STRATA_CHECK_OK(FillText(top.Get("workspace"), grant.workspace.value));
  auto roles = top.Get("roles");
  if (roles.present()) {
    STRATA_TRY(grant.roles, TextList(roles));
  }
  STRATA_TRY(grant.models, TextList(top.Get("models")));
  STRATA_TRY(grant.principals, TextList(top.Get("principals")));
  STRATA_TRY(grant.acts_for, TextList(top.Get("acts_for")));
  STRATA_TRY(grant.regions, TextList(top.Get("regions")));
  STRATA_TRY(auto labels, TextList(top.Get("labels")));
  for (const auto& label : labels) grant.labels.Add(label);
  std::string retention;
  STRATA_CHECK_OK(FillText(top.Get("retention"), retention));
  if (!retention.empty()) {
    STRATA_TRY(grant.retention, ParseRetention(retention));
  }
  if (auto budget = top.Get(kBudgetField); budget.present()) {
    STRATA_TRY(grant.budget_month, Dollars(budget));
  }
  return {};
}

json::object EncodeKey(const store::ApiKey& key, const observe::Spending& spending) {
  json::object out{{"key", key.id.value},
                   {"name", key.name},
                   {"workspace", key.grant.workspace.value},
                   {"roles", json::value_from(key.grant.roles)},
                   {"models", json::value_from(key.grant.models)},
                   {"principals", json::value_from(key.grant.principals)},
                   {"acts_for", json::value_from(key.grant.acts_for)},
                   {"labels", json::value_from(key.grant.labels.names())},
                   {"regions", json::value_from(key.grant.regions)},
                   {"access_key_id", key.access_key_id},
                   {"bearer_hint", key.bearer_hint},
                   {"created", FormatIso8601(key.created)}};
  if (key.grant.retention) out["retention"] = FormatRetention(*key.grant.retention);
  if (key.grant.budget_month) {
    out["budget_month_usd"] = static_cast<double>(key.grant.budget_month->picousd) / 1e12;
  }
  // A command that opens the data folder by itself does not read the ledger for it.
  if (spending.complete()) {
    out["spent_month_usd"] = spending.Usd(observe::Payer::kKey, observe::Period::kMonth,
                                          key.grant.workspace, key.id.value);
  }
  if (key.expires) out["expires"] = FormatIso8601(*key.expires);
  if (key.revoked) out["revoked"] = FormatIso8601(*key.revoked);
  return out;
}

// With the secrets, which are shown this once.
std::string EncodeNewKey(const store::NewKey& made, const observe::Spending& spending) {
  auto out = EncodeKey(made.key, spending);
  out["bearer"] = made.bearer.view();
  out["secret_access_key"] = made.secret.view();
  return json::serialize(out);
}

// Whether a body that was decoded says whose the key is to be.
Result<bool> NamesWorkspace(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  return top.Get("workspace").present();
}

// Keys of other workspaces are not there for who may not see them.
Task<Result<KeyId>> NamedKey(Services& s, const Exchange& e) {
  KeyId id{e.params.at(0)};
  if (IsServerAdmin(e.ctx.workspace)) co_return id;
  STRATA_CO_TRY(auto keys, co_await s.keys.List(e.ctx.workspace));
  for (const auto& key : keys) {
    if (key.id == id || key.access_key_id == id.value) co_return key.id;
  }
  co_return Fail(NotFound("key", id.value));
}

Task<Result<>> Create(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto create, DecodeCreateKey(e.http.body, *e.ctx.clock));
  STRATA_CO_TRY(const bool named, NamesWorkspace(e.http.body));
  if (!named) create.grant.workspace = e.ctx.workspace;
  if (create.grant.workspace != e.ctx.workspace) {
    STRATA_CO_CHECK_OK(RequireServerAdmin(e.ctx, "keys of other workspaces are made"));
  }
  STRATA_CO_TRY(auto made, co_await s.keys.Create(std::move(create)));
  co_return co_await SendAdminJson(e, EncodeNewKey(made, s.spending));
}

Task<Result<>> List(Services& s, Exchange& e) {
  std::optional<WorkspaceId> only;
  if (!IsServerAdmin(e.ctx.workspace)) only = e.ctx.workspace;
  STRATA_CO_TRY(auto keys, co_await s.keys.List(std::move(only)));
  json::array items;
  for (const auto& key : keys) items.push_back(EncodeKey(key, s.spending));
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"keys", std::move(items)}}));
}

Task<Result<>> Revoke(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto id, co_await NamedKey(s, e));
  STRATA_CO_TRY(auto key, co_await s.keys.Revoke(std::move(id)));
  co_return co_await SendAdminJson(e, json::serialize(EncodeKey(key, s.spending)));
}

// {"budget_month_usd": dollars, or null for no limit}
Task<Result<>> SetBudget(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body));
  JsonField top(parsed);
  STRATA_CO_CHECK_OK(top.ExpectObject());
  STRATA_CO_CHECK_OK(top.OnlyMembers({kBudgetField}));
  if (parsed.Find(kBudgetField) == nullptr) {
    co_return Fail(
        InvalidArgument(std::string(kBudgetField), "expected dollars, or null for none"));
  }
  std::optional<domain::Money> budget;
  if (auto field = top.Get(kBudgetField); field.present()) {
    STRATA_CO_TRY(budget, Dollars(field));
  }
  STRATA_CO_TRY(auto id, co_await NamedKey(s, e));
  STRATA_CO_TRY(auto key, co_await s.keys.SetBudget(std::move(id), budget));
  co_return co_await SendAdminJson(e, json::serialize(EncodeKey(key, s.spending)));
}

Task<Result<>> Rotate(Services& s, Exchange& e) {
  constexpr std::int64_t kOverlapDefault = 24 * 3600;
  constexpr std::int64_t kOverlapMax = 90LL * 86400;
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body.empty() ? "{}" : e.http.body));
  JsonField top(parsed);
  STRATA_CO_CHECK_OK(top.ExpectObject());
  std::int64_t overlap = kOverlapDefault;
  auto field = top.Get("overlap_s");
  if (field.present()) {
    STRATA_CO_TRY(overlap, field.Integer(0, kOverlapMax));
  }
  STRATA_CO_TRY(auto id, co_await NamedKey(s, e));
  STRATA_CO_TRY(auto made, co_await s.keys.Rotate(std::move(id), std::chrono::seconds(overlap)));
  co_return co_await SendAdminJson(e, EncodeNewKey(made, s.spending));
}

// Cut short between its steps, it is finished at the next start: the file has both keys.
Task<Result<>> RotateMasterKey(Services& s, Exchange& e) {
  STRATA_CO_CHECK_OK(RequireServerAdmin(e.ctx, "the master key is replaced"));
  // A rotation drops the oldest key of a full ring: one that was cut short may have left its seal.
  STRATA_CO_CHECK_OK(co_await s.keys.ResealAll());
  auto rotate = [&s] { return s.ring.Rotate(); };
  STRATA_CO_CHECK_OK(co_await RunBlocking(s.admin_pool, std::move(rotate)));
  STRATA_CO_TRY(const auto sealed, co_await s.keys.ResealAll());
  co_return co_await SendAdminJson(e, json::serialize(json::object{{"sealed_again", sealed}}));
}

}  // namespace

Result<store::CreateKey> DecodeCreateKey(std::string_view body, const Clock& clock) {
  constexpr std::int64_t kExpiryMax = 100LL * 365 * 86400;
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"name", "workspace", "roles", "models", "principals", "acts_for",
                                   "regions", "retention", "labels", "expires_in_s", kBudgetField,
                                   "id", "secret", "bearer"}));
  store::CreateKey create;
  STRATA_CHECK_OK(FillText(top.Get("name"), create.name));
  STRATA_CHECK_OK(FillText(top.Get("id"), create.access_key_id));
  STRATA_CHECK_OK(FillText(top.Get("secret"), create.secret));
  STRATA_CHECK_OK(FillText(top.Get("bearer"), create.bearer));
  for (const auto& [name, value] :
       {std::pair<const char*, const std::string&>{"id", create.access_key_id},
        {"secret", create.secret},
        {"bearer", create.bearer}}) {
    if (top.Get(name).present() && value.empty()) {
      return Fail(InvalidArgument(name, "is empty; leave it out for a random one"));
    }
  }
  STRATA_CHECK_OK(FillGrant(top, create.grant));
  auto expires = top.Get("expires_in_s");
  if (expires.present()) {
    STRATA_TRY(auto seconds, expires.Integer(1, kExpiryMax));
    create.expires = clock.Wall() + std::chrono::seconds(seconds);
  }
  STRATA_CHECK_OK(store::CheckCreateKey(create, clock.Wall()));
  return create;
}

void AddAdminKeyRoutes(Router& router, Services& services) {
  const AdminOperations add(router, services);
  add("POST", "/strata/v1/keys", "create_key", Create);
  add("GET", "/strata/v1/keys", "list_keys", List);
  add("DELETE", "/strata/v1/keys/{key}", "revoke_key", Revoke);
  add("POST", "/strata/v1/keys/{key}/rotate", "rotate_key", Rotate);
  add("PUT", "/strata/v1/keys/{key}/budget", "set_key_budget", SetBudget);
  add("POST", "/strata/v1/master-key/rotate", "rotate_master_key", RotateMasterKey);
}

}  // namespace strata::server
