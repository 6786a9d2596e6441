// strata model list|import and strata provider list|add|remove|test.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>

#include "base/encoding.h"
#include "server/cli/cli.h"
#include "server/cli/print.h"

namespace strata::server {
namespace {

namespace json = boost::json;

// pico-USD a token → USD a million tokens.
std::string PerMillion(const json::object& model, std::string_view member) {
  auto* value = model.if_contains(member);
  if (!value || !value->is_number()) return "unknown";
  return fmt::format("{:.4g}", static_cast<double>(value->to_number<std::int64_t>()) / 1e6);
}

Result<int> ListModels(const CallerFlags& common) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("GET", "/strata/v1/models"));
  fmt::print("{:<44} {:<12} {:<8} {:>9} {:>10} {:>10}  {}\n", "model", "provider", "kind",
             "context", "in $/M", "out $/M", "note");
  auto parsed = json::parse(reply);
  for (const auto& item : parsed.at("models").as_array()) {
    const auto& m = item.as_object();
    auto alias = TextOf(m, "alias_of");
    auto note = alias.empty() ? TextOf(m, "demo_note") : "alias of " + alias;
    fmt::print("{:<44} {:<12} {:<8} {:>9} {:>10} {:>10}  {}\n", TextOf(m, "id"),
               TextOf(m, "provider"), TextOf(m, "kind"), NumberOf(m, "context_tokens"),
               PerMillion(m, "input_picousd"), PerMillion(m, "output_picousd"), note);
  }
  return 0;
}

Result<int> ImportModel(const CallerFlags& common, const std::string& source,
                        const std::string& name) {
  STRATA_TRY(auto caller, Caller::Open(common, DataFolder::kMayBeMade));
  json::object body{{"path", std::filesystem::absolute(source).lexically_normal().string()}};
  if (!name.empty()) body["name"] = name;
  STRATA_TRY(auto reply, caller->Call("POST", "/strata/v1/models/import", json::serialize(body)));
  auto model = json::parse(reply).as_object();
  fmt::print("imported {} ({}, {}, {} bytes)\n", TextOf(model, "id"), TextOf(model, "kind"),
             TextOf(model, "architecture"), NumberOf(model, "bytes"));
  return 0;
}

// "open for 4 s: refused_key", "throttled for 2 s", "closed".
std::string HealthOf(const json::object& d) {
  auto seconds = [&](std::string_view member) {
    return fmt::format("{:.1f} s", d.at(member).to_number<double>() / 1000);
  };
  auto breaker = TextOf(d, "breaker");
  if (breaker == "open") {
    auto fault = TextOf(d, "last_fault");
    if (fault == "refused_key") fault = "the provider refuses our key";
    if (fault == "denied") fault = "the provider denies us this model";
    return fmt::format("not asked for {}: {}", seconds("open_for_ms"), fault);
  }
  if (breaker == "half_open") return "one attempt at a time: " + TextOf(d, "last_fault");
  if (d.at("throttled_for_ms").to_number<double>() > 0) {
    return "throttled for " + seconds("throttled_for_ms");
  }
  return "good";
}

Result<int> ListDeployments(Caller& caller) {
  STRATA_TRY(auto reply, caller.Call("GET", "/strata/v1/deployments"));
  auto parsed = json::parse(reply);
  const auto& items = parsed.at("deployments").as_array();
  if (items.empty()) return 0;
  fmt::print("\n{:<44} {:>8} {:>7} {:>9} {:>9} {:>10}  {}\n", "deployment", "attempts", "failed",
             "repeated", "in flight", "first s", "health");
  for (const auto& item : items) {
    const auto& d = item.as_object();
    std::int64_t failed = 0;
    for (const auto& [name, count] : d.at("outcomes").as_object()) {
      bool fault = name != "ok" && name != "caller" && name != "cancelled";
      if (fault) failed += count.to_number<std::int64_t>();
    }
    fmt::print("{:<44} {:>8} {:>7} {:>9} {:>9} {:>10.3f}  {}\n", TextOf(d, "id"),
               NumberOf(d, "attempts"), failed, NumberOf(d, "retries"), NumberOf(d, "in_flight"),
               d.at("first_token_s").to_number<double>(), HealthOf(d));
  }
  return 0;
}

// "kb/… (knowledge bases)".
std::string DerivedModels(const std::string& kind) {
  constexpr std::pair<std::string_view, std::string_view> kWhat[] = {
      {"kb", "knowledge bases"},
      {"router", "routers"},
      {"prompt", "stored prompts"},
      {"application-inference-profile", "inference profiles"}};
  for (const auto& [name, what] : kWhat) {
    if (name == kind) return fmt::format("{}/… ({})", kind, what);
  }
  return kind + "/…";
}

Result<int> ListProviders(const CallerFlags& common) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("GET", "/strata/v1/providers"));
  fmt::print("{:<14} {:<10} {:>7}  {:<44} {}\n", "provider", "kind", "models", "address", "state");
  auto parsed = json::parse(reply);
  std::string derived;
  for (const auto& item : parsed.at("providers").as_array()) {
    const auto& p = item.as_object();
    if (p.at("derived").as_bool()) {
      derived += (derived.empty() ? "" : ", ") + DerivedModels(TextOf(p, "kind"));
      continue;
    }
    auto problem = TextOf(p, "problem");
    auto found = TextOf(p, "detected_by");
    auto state = !problem.empty() ? "problem: " + problem
                 : !found.empty() ? "found: " + found
                                  : std::string("configured");
    fmt::print("{:<14} {:<10} {:>7}  {:<44} {}\n", TextOf(p, "name"), TextOf(p, "kind"),
               NumberOf(p, "models"), TextOf(p, "base_url"), state);
  }
  fmt::print("\nmodels that strata makes of these: {}\n", derived);
  return ListDeployments(*caller);
}

struct AddFlags {
  std::string name;
  std::string kind;
  std::string base_url;
  std::string secret;
  std::string api_version;
  std::string region;
  std::string profile;
  std::string project;
  std::string data_region;
  std::string retention;
  std::string responses;
  std::vector<std::string> clearance;
  std::vector<std::string> models;
};

Result<int> AddProvider(const CallerFlags& common, const AddFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common, DataFolder::kMayBeMade));
  json::object body{{"name", flags.name}, {"kind", flags.kind}};
  auto put = [&](const char* member, const std::string& value) {
    if (!value.empty()) body[member] = value;
  };
  put("base_url", flags.base_url);
  put("secret", flags.secret);
  put("api_version", flags.api_version);
  put("region", flags.region);
  put("profile", flags.profile);
  put("project", flags.project);
  put("data_region", flags.data_region);
  put("retention", flags.retention);
  if (!flags.responses.empty()) body["responses"] = flags.responses == "yes";
  if (!flags.clearance.empty()) body["clearance"] = json::value_from(flags.clearance);
  if (!flags.models.empty()) body["models"] = json::value_from(flags.models);
  STRATA_TRY(auto reply, caller->Call("POST", "/strata/v1/providers", json::serialize(body)));
  fmt::print("added {}; its models are {}/MODEL. next: strata provider test {}\n", flags.name,
             flags.name, flags.name);
  auto problem = TextOf(json::parse(reply).as_object(), "problem");
  if (!problem.empty()) fmt::print(stderr, "warning: it will not answer: {}\n", problem);
  return kExitDone;
}

Result<int> RemoveProvider(const CallerFlags& common, const std::string& name) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("DELETE", "/strata/v1/providers/" + PercentEncode(name)));
  fmt::print("removed {}\n", name);
  auto parsed = json::parse(reply);
  for (const auto& by : parsed.at("named_by").as_array()) {
    fmt::print(stderr, "warning: {} still names its models\n", by.as_string().c_str());
  }
  return kExitDone;
}

Result<int> TestProvider(const CallerFlags& common, const std::string& name) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply,
             caller->Call("POST", "/strata/v1/providers/" + PercentEncode(name) + "/test"));
  fmt::print("{}: good, {}\n", name, TextOf(json::parse(reply).as_object(), "summary"));
  return 0;
}

}  // namespace

void AddModelCommands(Cli& cli) {
  auto* models = cli.app.add_subcommand("model", "models");
  models->require_subcommand(1);
  models->fallthrough();
  models->add_subcommand("list", "all models, with prices in USD per million tokens")
      ->callback([&cli] { cli.run = [&cli] { return ListModels(cli.flags); }; });
  auto source = std::make_shared<std::string>();
  auto name = std::make_shared<std::string>();
  auto* import = models->add_subcommand(
      "import", "register a GGUF file, or convert a sentence-transformers folder");
  import->add_option("source", *source, "file or folder")->required()->check(CLI::ExistingPath);
  import->add_option("--name", *name, "name in local/NAME (default: from the file's name)");
  import->callback([&cli, source, name] {
    cli.run = [&cli, source, name] { return ImportModel(cli.flags, *source, *name); };
  });

  auto* providers = cli.app.add_subcommand("provider", "providers of models");
  providers->require_subcommand(1);
  providers->fallthrough();
  providers->add_subcommand("list", "configured, added and detected providers")->callback([&cli] {
    cli.run = [&cli] { return ListProviders(cli.flags); };
  });
  auto flags = std::make_shared<AddFlags>();
  auto* add =
      providers->add_subcommand("add", "add a provider; secrets are given by reference only");
  add->add_option("name", flags->name, "prefix of its model ids")->required();
  add->add_option("--kind", flags->kind,
                  "openai, azure, anthropic, bedrock, gemini, vertex or cohere")
      ->required();
  add->add_option("--base-url", flags->base_url, "address of the API");
  add->add_option("--secret", flags->secret, "env:NAME or file:PATH");
  add->add_option("--api-version", flags->api_version, "Azure's deployments form");
  add->add_option("--region", flags->region, "AWS region");
  add->add_option("--profile", flags->profile, "AWS profile");
  add->add_option("--project", flags->project, "Google Cloud project, for Vertex AI");
  add->add_option("--data-region", flags->data_region,
                  "where data goes, for keys restricted to regions");
  add->add_option("--retention", flags->retention,
                  "how long it keeps what it is sent: none, 36h, 30d, unlimited");
  add->add_option("--responses", flags->responses,
                  "yes or no: whether it speaks OpenAI's Responses API, whose requests are then "
                  "forwarded")
      ->check(CLI::IsMember({"yes", "no"}));
  add->add_option("--clearance", flags->clearance,
                  "labels that may be sent there; may be repeated");
  add->add_option("--model", flags->models,
                  "upstream model ids it is known to have; may be repeated");
  add->callback(
      [&cli, flags] { cli.run = [&cli, flags] { return AddProvider(cli.flags, *flags); }; });
  auto* remove = providers->add_subcommand("remove", "take out a provider that was added");
  remove->add_option("name", *name, "name of the provider")->required();
  remove->callback(
      [&cli, name] { cli.run = [&cli, name] { return RemoveProvider(cli.flags, *name); }; });
  auto* test =
      providers->add_subcommand("test", "make one cheap call and say exactly what is wrong");
  test->add_option("name", *name, "name of the provider")->required();
  test->callback(
      [&cli, name] { cli.run = [&cli, name] { return TestProvider(cli.flags, *name); }; });
}

}  // namespace strata::server
