// strata key create|list|roles|revoke|rotate|rotate-master|budget.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>

#include "base/budget_error.h"
#include "base/encoding.h"
#include "base/rng.h"
#include "server/admin_json.h"
#include "server/cli/cli.h"
#include "server/cli/print.h"
#include "store/data_dir.h"

namespace strata::server {
namespace {

namespace json = boost::json;

struct CreateFlags {
  std::string name;
  std::string workspace;
  std::vector<std::string> roles;
  std::vector<std::string> models;
  std::vector<std::string> principals;
  std::vector<std::string> acts_for;
  std::vector<std::string> labels;
  std::vector<std::string> regions;
  std::string retention;
  std::optional<double> budget_month;
  std::int64_t expires_days = 0;
  std::string id;
  std::string secret;
  std::string bearer;
};

std::string CreateBody(const CreateFlags& flags) {
  json::object body;
  auto text = [&](const char* name, const std::string& value) {
    if (!value.empty()) body[name] = value;
  };
  auto list = [&](const char* name, const std::vector<std::string>& values) {
    if (!values.empty()) body[name] = json::value_from(values);
  };
  text("name", flags.name);
  text("workspace", flags.workspace);
  list("roles", flags.roles);
  list("models", flags.models);
  list("principals", flags.principals);
  list("acts_for", flags.acts_for);
  list("labels", flags.labels);
  list("regions", flags.regions);
  text("retention", flags.retention);
  if (flags.budget_month) body[kBudgetField] = *flags.budget_month;
  if (flags.expires_days > 0) body["expires_in_s"] = flags.expires_days * 86400;
  text("id", flags.id);
  text("secret", flags.secret);
  text("bearer", flags.bearer);
  return json::serialize(body);
}

std::string Text(const json::object& object, std::string_view name) {
  auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

void PrintNewKey(const std::string& reply) {
  auto key = json::parse(reply).as_object();
  fmt::print(
      "key                 {}\nbearer key          {}\naccess key id       {}\nsecret access key   "
      "{}\n"
      "These secrets are shown once.\n",
      Text(key, "key"), Text(key, "bearer"), Text(key, "access_key_id"),
      Text(key, "secret_access_key"));
}

Result<int> Create(const CallerFlags& common, const CreateFlags& flags) {
  auto body = CreateBody(flags);
  // Before a folder is made for a key that cannot be.
  STRATA_TRY([[maybe_unused]] auto good, DecodeCreateKey(body, SystemClock()));
  STRATA_TRY(auto caller, Caller::Open(common, DataFolder::kMayBeMade));
  STRATA_TRY(auto reply, caller->Call("POST", "/strata/v1/keys", std::move(body)));
  PrintNewKey(reply);
  return 0;
}

// "3.41 of 12.00"; "-" where nothing is known or set.
std::string BudgetOf(const json::object& key) {
  auto dollars = [&key](std::string_view name) {
    const auto* value = key.if_contains(name);
    return value == nullptr ? "-" : fmt::format("{:.2f}", value->to_number<double>());
  };
  return dollars("spent_month_usd") + " of " + dollars(kBudgetField);
}

Result<int> List(const CallerFlags& common) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("GET", "/strata/v1/keys"));
  constexpr auto kRow = "{:<22} {:<20} {:<14} {:<22} {:<14} {:<26} {:<16} {:<20} {}\n";
  fmt::print(kRow, "key", "name", "workspace", "access key id", "bearer", "state", "roles",
             "USD this month", "models");
  auto parsed = json::parse(reply);
  const auto now = FormatIso8601(SystemClock().Wall());  // such texts compare as their times do
  for (const auto& item : parsed.at("keys").as_array()) {
    const auto& key = item.as_object();
    auto state = !Text(key, "revoked").empty() ? "revoked " + Text(key, "revoked")
                 : !Text(key, "expires").empty()
                     ? (Text(key, "expires") <= now ? "expired " : "until ") + Text(key, "expires")
                     : std::string("valid");
    const auto models = JoinedOf(key, "models");
    fmt::print(kRow, Text(key, "key"), Text(key, "name"), Text(key, "workspace"),
               Text(key, "access_key_id"), Text(key, "bearer_hint"), state, JoinedOf(key, "roles"),
               BudgetOf(key), models.empty() ? "all" : models);
  }
  return 0;
}

// The table is the program's own: without a data folder it comes from one made for the moment.
Result<int> ShowRoles(CallerFlags flags) {
  const bool passing = !store::DataDir::Exists(flags.data_folder);
  if (passing) {
    auto name = "strata-roles-" + SecureRandomHex(8);
    flags.data_folder = (std::filesystem::temp_directory_path() / name).string();
  }
  auto read = [&flags]() -> Result<std::string> {
    STRATA_TRY(auto caller, Caller::Open(flags, DataFolder::kMayBeMade));
    return caller->Call("GET", "/strata/v1/roles?form=markdown");
  };
  auto page = read();
  std::error_code ignored;
  if (passing) std::filesystem::remove_all(flags.data_folder, ignored);
  if (!page.has_value()) return Fail(std::move(page.error()));
  fmt::print("{}", *page);
  return 0;
}

Result<int> Revoke(const CallerFlags& common, const std::string& key) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_CHECK_OK(caller->Call("DELETE", "/strata/v1/keys/" + PercentEncode(key)));
  fmt::print("{} is revoked\n", key);
  return 0;
}

Result<int> Rotate(const CallerFlags& common, const std::string& key, std::int64_t overlap_hours) {
  STRATA_TRY(auto caller, Caller::Open(common));
  auto body = fmt::format(R"({{"overlap_s":{}}})", overlap_hours * 3600);
  STRATA_TRY(auto reply, caller->Call("POST", "/strata/v1/keys/" + PercentEncode(key) + "/rotate",
                                      std::move(body)));
  PrintNewKey(reply);
  fmt::print("The old ones stay valid for {} hours.\n", overlap_hours);
  return 0;
}

Result<int> RotateMaster(const CallerFlags& common) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("POST", "/strata/v1/master-key/rotate"));
  fmt::print("a new master key seals; secrets sealed again: {}\n",
             json::parse(reply).at("sealed_again").to_number<std::int64_t>());
  return 0;
}

// `dollars`: nullopt for no limit.
Result<int> SetBudget(const CallerFlags& common, const std::string& key,
                      std::optional<double> dollars) {
  json::object body{{kBudgetField, nullptr}};
  if (dollars) body[kBudgetField] = *dollars;
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("PUT", "/strata/v1/keys/" + PercentEncode(key) + "/budget",
                                      json::serialize(body)));
  fmt::print("{} has spent {} USD this month\n", key, BudgetOf(json::parse(reply).as_object()));
  return 0;
}

void AddBudgetCommand(Cli& cli, CLI::App& group) {
  auto key = std::make_shared<std::string>();
  auto dollars = std::make_shared<std::optional<double>>();
  auto* budget = group.add_subcommand("budget", "change what a key may spend in a month");
  budget->add_option("key", *key, "id of the key")->required();
  auto* amount = budget->add_option("dollars", *dollars, "US dollars in a calendar month (UTC)")
                     ->check(CLI::Range(0.0, 1e6));
  auto* unlimited = budget->add_flag("--none")->description("no limit")->excludes(amount);
  budget->callback([&cli, key, dollars, amount, unlimited] {
    if (amount->count() + unlimited->count() == 0) {
      throw CLI::RequiredError("dollars, or --none");
    }
    cli.run = [&cli, key, dollars] { return SetBudget(cli.flags, *key, *dollars); };
  });
}

}  // namespace

void AddKeyCommands(Cli& cli) {
  auto* group = cli.app.add_subcommand("key", "API keys");
  group->require_subcommand(1);
  group->fallthrough();
  auto flags = std::make_shared<CreateFlags>();
  auto* create = group->add_subcommand("create", "make a key; its secrets are shown once");
  create->add_option("--name", flags->name, "for humans");
  create->add_option("--workspace", flags->workspace,
                     "the tenant it belongs to (default: default)");
  create->add_option("--role", flags->roles,
                     "invoke, kb.read, kb.write, metrics, admin (default: invoke; see key roles); "
                     "may be repeated");
  create->add_option("--model", flags->models, "models it may use; may end in *; may be repeated");
  create->add_option("--principal", flags->principals,
                     "whose documents it may read (user:7, group:hr)");
  create->add_option("--acts-for", flags->acts_for,
                     "whose documents it may read for the user that a request names in "
                     "userContext (user:7, user:*); may be repeated");
  create->add_option("--label", flags->labels, "labels put on everything sent with it");
  create->add_option("--region", flags->regions, "regions its data may go to");
  create->add_option("--retention", flags->retention,
                     "longest that a provider may keep its data: none, 36h, 30d");
  create
      ->add_option("--budget-month", flags->budget_month,
                   "US dollars that it may spend in a calendar month (UTC); without it, no limit")
      ->check(CLI::Range(0.0, 1e6));
  create->add_option("--expires-days", flags->expires_days, "days until it expires")
      ->check(CLI::Range(1, 36500));
  // An empty one is a variable that was not set, not a wish for a random key.
  const CLI::Validator given(
      [](std::string& value) { return std::string(value.empty() ? "is empty" : ""); }, "");
  create->add_option("--id", flags->id, "access key id, instead of a random one")->check(given);
  create->add_option("--secret", flags->secret, "secret access key, instead of a random one")
      ->check(given);
  create->add_option("--bearer", flags->bearer, "bearer key, instead of a random one")
      ->check(given);
  create->callback(
      [&cli, flags] { cli.run = [&cli, flags] { return Create(cli.flags, *flags); }; });

  group->add_subcommand("list", "all keys, without their secrets")->callback([&cli] {
    cli.run = [&cli] { return List(cli.flags); };
  });

  group->add_subcommand("roles", "which roles may call what, as Markdown")->callback([&cli] {
    cli.run = [&cli] { return ShowRoles(cli.flags); };
  });

  auto key = std::make_shared<std::string>();
  auto* revoke = group->add_subcommand("revoke", "make a key invalid at once");
  revoke->add_option("key", *key, "id of the key")->required();
  revoke->callback([&cli, key] { cli.run = [&cli, key] { return Revoke(cli.flags, *key); }; });

  AddBudgetCommand(cli, *group);

  auto overlap = std::make_shared<std::int64_t>(24);
  auto* rotate =
      group->add_subcommand("rotate", "new secrets for a key; the old ones stay valid for a while");
  rotate->add_option("key", *key, "id of the key")->required();
  rotate->add_option("--overlap-hours", *overlap, "how long the old secrets stay valid")
      ->check(CLI::Range(0, 2160));
  rotate->callback([&cli, key, overlap] {
    cli.run = [&cli, key, overlap] { return Rotate(cli.flags, *key, *overlap); };
  });

  group
      ->add_subcommand("rotate-master",
                       "a new master key; what the old ones sealed is sealed again")
      ->callback([&cli] { cli.run = [&cli] { return RotateMaster(cli.flags); }; });
}

}  // namespace strata::server
