// strata route create|list|show|versions|rollback|status|labels|delete|explain|dry-run: routers
// that callers name.

#include "server/cli/router_commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "base/encoding.h"
#include "server/cli/files.h"
#include "server/cli/print.h"
#include "store/file.h"

namespace strata::server {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kDefinitionBytesMax = 1 << 20;
constexpr std::uint64_t kLearnedBytesMax = std::uint64_t{48}
                                           << 20;  // with base64, under net.body_bytes_max

struct RouterFlags {
  std::string name;
  std::string file;
  std::string learned;
  std::string question;
  std::string request;
  std::int64_t version = 0;
  bool drop_learned = false;
  bool as_json = false;
};

std::string PathOf(const RouterFlags& flags, std::string_view rest = {}) {
  return "/strata/v1/routers/" + PercentEncode(flags.name) + std::string(rest);
}

Result<int> Create(const CallerFlags& common, const RouterFlags& flags) {
  json::object body{{"name", flags.name}};
  STRATA_TRY(auto definition, store::ReadWholeFile(flags.file, kDefinitionBytesMax));
  body["definition"] = definition;
  if (!flags.learned.empty()) {
    STRATA_TRY(auto bytes, store::ReadWholeFile(flags.learned, kLearnedBytesMax));
    body["learned"] = Base64Encode(bytes);
  }
  if (flags.drop_learned) body["drop_learned"] = true;
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("POST", "/strata/v1/routers", json::serialize(body)));
  auto made = json::parse(reply).as_object();
  if (const auto* warnings = made.if_contains("warnings")) PrintWarnings(warnings->as_array());
  fmt::print("{} is at version {}: {}\n", TextOf(made, "model"), NumberOf(made, "current"),
             TextOf(made, "arn"));
  if (NumberOf(made, "latest") != NumberOf(made, "current")) {
    fmt::print("version {} is kept: a test of two versions runs\n", NumberOf(made, "latest"));
  }
  return 0;
}

void PrintVersion(const json::object& version, bool in_force) {
  auto learned = TextOf(version, "learned");
  if (!learned.empty()) learned += " (" + TextOf(version, "learned_mode") + ")";
  auto cascade = version.if_contains("cascade");
  fmt::print("{} {:>4}  {:<26} {:<10} {:>5}  {:<8} {:<28} {}\n", in_force ? "*" : " ",
             NumberOf(version, "version"), TextOf(version, "created"), TextOf(version, "objective"),
             NumberOf(version, "rules"),
             cascade != nullptr && cascade->is_bool() && cascade->as_bool() ? "yes" : "no",
             learned.empty() ? "-" : learned, JoinedOf(version, "candidates"));
  if (auto problem = TextOf(version, "problem"); !problem.empty()) {
    fmt::print("         {}\n", problem);
  }
}

Result<int> List(const CallerFlags& common) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("GET", "/strata/v1/routers"));
  fmt::print("{:<32} {:>7}  {:<28} {:<12} {}\n", "model", "version", "fallback", "learned",
             "candidates");
  auto parsed = json::parse(reply);
  for (const auto& item : parsed.at("routers").as_array()) {
    const auto& router = item.as_object();
    const auto& now = router.at("in_force").as_object();
    auto mode = TextOf(now, "learned_mode");
    fmt::print("{:<32} {:>7}  {:<28} {:<12} {}\n", TextOf(router, "model"),
               NumberOf(router, "current"), TextOf(now, "fallback"), mode.empty() ? "-" : mode,
               JoinedOf(now, "candidates"));
  }
  return 0;
}

Result<json::object> Fetch(const CallerFlags& common, const RouterFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  auto target = "/strata/v1/routers/" +
                PercentEncode(flags.version > 0 ? fmt::format("{}:{}", flags.name, flags.version)
                                                : flags.name);
  STRATA_TRY(auto reply, caller->Call("GET", target));
  return json::parse(reply).as_object();
}

Result<int> Show(const CallerFlags& common, const RouterFlags& flags) {
  STRATA_TRY(auto router, Fetch(common, flags));
  const auto& shown = router.at("shown").as_object();
  fmt::print("# {}:{}, {}\n", TextOf(router, "model"), NumberOf(shown, "version"),
             TextOf(router, "arn"));
  if (auto learned = TextOf(shown, "learned"); !learned.empty()) {
    fmt::print("# learned: {}, {}\n", learned, TextOf(shown, "learned_mode"));
  }
  fmt::print("{}\n", TextOf(router, "definition"));
  return 0;
}

Result<int> Versions(const CallerFlags& common, const RouterFlags& flags) {
  STRATA_TRY(auto router, Fetch(common, flags));
  fmt::print("  {:>4}  {:<26} {:<10} {:>5}  {:<8} {:<28} {}\n", "no.", "created", "objective",
             "rules", "cascade", "learned", "candidates");
  for (const auto& version : router.at("versions").as_array()) {
    const auto& v = version.as_object();
    PrintVersion(v, NumberOf(v, "version") == NumberOf(router, "current"));
  }
  return 0;
}

Result<int> Rollback(const CallerFlags& common, const RouterFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  auto body = fmt::format(R"({{"version":{}}})", flags.version);
  STRATA_CHECK_OK(caller->Call("POST", PathOf(flags, "/rollback"), std::move(body)));
  fmt::print("router/{} is at version {}\n", flags.name, flags.version);
  return 0;
}

std::string NumberText(const json::object& object, std::string_view name, int digits) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_number()
             ? fmt::format("{:.{}f}", value->to_number<double>(), digits)
             : std::string("-");
}

void PrintCounts(const json::object& before, const json::object& now, std::string_view name) {
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> counts;
  for (const auto& member : before.at(name).as_object()) {
    counts[std::string(member.key())].first = member.value().to_number<std::int64_t>();
  }
  for (const auto& member : now.at(name).as_object()) {
    counts[std::string(member.key())].second = member.value().to_number<std::int64_t>();
  }
  for (const auto& [what, pair] : counts) {
    fmt::print("{:<40} {:>8} {:>8}\n", what, pair.first, pair.second);
  }
}

Result<int> Status(const CallerFlags& common, const RouterFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("GET", PathOf(flags, "/status")));
  if (flags.as_json) {
    fmt::print("{}\n", reply);
    return 0;
  }
  auto status = json::parse(reply).as_object();
  const auto& before = status.at("before").as_object();
  const auto& now = status.at("now").as_object();
  if (TextOf(status, "version").empty()) {
    fmt::print("{}: no traces of requests\n", TextOf(status, "router"));
    return 0;
  }
  fmt::print("{}\n{:<40} {:>8} {:>8}\n", TextOf(status, "version"), "", "earlier", "later");
  fmt::print("{:<40} {:>8} {:>8}\n", "requests", NumberOf(before, "requests"),
             NumberOf(now, "requests"));
  PrintCounts(before, now, "models");
  PrintCounts(before, now, "decided_by");
  fmt::print("{:<40} {:>8} {:>8}\n", "unfamiliar", NumberOf(before, "unfamiliar"),
             NumberOf(now, "unfamiliar"));
  for (const char* what : {"models", "decided_by", "familiarity"}) {
    fmt::print("stability index of {:<21} {:>8}\n", what,
               NumberText(status.at(what).as_object(), "index", 3));
  }
  if (const auto* labels = status.if_contains("labels")) {
    const auto& quality = labels->as_object();
    fmt::print("{} shadow labels: {} ({} to {}) of the strongest model's quality\n",
               NumberOf(quality, "rows"), NumberText(quality, "ratio", 3),
               NumberText(quality, "low", 3), NumberText(quality, "high", 3));
  }
  if (status.contains("labels_usd_today")) {
    fmt::print("shadow labels cost {} of {} USD today\n", NumberText(status, "labels_usd_today", 4),
               NumberText(status, "labels_usd_per_day", 2));
  }
  for (const auto& alarm : status.at("alarms").as_array()) {
    fmt::print("alarm: {}\n", std::string_view(alarm.as_string()));
  }
  return 0;
}

Result<int> Labels(const CallerFlags& common, const RouterFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("GET", PathOf(flags, "/labels")));
  STRATA_CHECK_OK(WriteOutput(flags.file, reply));
  fmt::print(NotesBeside(flags.file), "{} labelled rows: {}\n", std::ranges::count(reply, '\n'),
             flags.file);
  return 0;
}

Result<int> Delete(const CallerFlags& common, const RouterFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_CHECK_OK(caller->Call("DELETE", PathOf(flags)));
  fmt::print("router/{} is deleted\n", flags.name);
  return 0;
}

void PrintDecision(const json::object& d) {
  fmt::print("{}: {}\n", TextOf(d, "version"), TextOf(d, "model"));
  fmt::print("decided by {}: {}\n", TextOf(d, "decided_by"), TextOf(d, "reason"));
  fmt::print("task {}, language {}, about {} prompt tokens\n", TextOf(d, "task"),
             TextOf(d, "language").empty() ? "unknown" : TextOf(d, "language"),
             NumberOf(d, "prompt_tokens"));
  if (auto found = TextOf(d, "guardrails"); !found.empty()) fmt::print("guardrails {}\n", found);
  if (const auto* spent = d.if_contains("spent_usd")) {
    for (const auto& [who, usd] : spent->as_object()) {
      fmt::print("spent by {}: {:.6f} USD\n", std::string_view(who), usd.to_number<double>());
    }
  }
  if (auto ask = JoinedOf(d, "ask"); !ask.empty()) {
    fmt::print("first asks {} (check: {}){}\n", ask, TextOf(d, "check"),
               TextOf(d, "tie_break").empty() ? "" : ", ties broken by " + TextOf(d, "tie_break"));
  }
  if (auto advised = TextOf(d, "advised"); !advised.empty()) {
    fmt::print("in shadow it would be {}: {}\n", advised, TextOf(d, "advised_reason"));
  }
  if (d.contains("unfamiliar")) fmt::print("unfamiliar {}\n", NumberText(d, "unfamiliar", 3));
  fmt::print("\n{:<40} {:>8} {:>7} {:>7} {:>14} {:>8} {:>10} {:>12}  {}\n", "candidate", "quality",
             "low", "high", "cost USD", "seconds", "quota left", "quota price", "left out because");
  for (const auto& item : d.at("candidates").as_array()) {
    const auto& c = item.as_object();
    fmt::print("{:<40} {:>8} {:>7} {:>7} {:>14} {:>8} {:>10} {:>12}  {}\n", TextOf(c, "model"),
               NumberText(c, "quality", 3), NumberText(c, "low", 3), NumberText(c, "high", 3),
               NumberText(c, "cost_usd", 8), NumberText(c, "seconds", 2),
               NumberText(c, "quota_left", 2), NumberText(c, "quota_price", 8),
               TextOf(c, "left_out"));
  }
  const auto* nearest = d.if_contains("nearest");
  if (nearest == nullptr) return;
  fmt::print("\nnearest labelled requests\n");
  for (const auto& item : nearest->as_array()) {
    const auto& n = item.as_object();
    fmt::print("  {} ({})\n", TextOf(n, "id"), NumberText(n, "similarity", 2));
  }
}

Result<int> Explain(const CallerFlags& common, const RouterFlags& flags) {
  std::string body;
  if (!flags.request.empty()) {
    STRATA_TRY(body, store::ReadWholeFile(flags.request, kLearnedBytesMax));
  } else {
    body = json::serialize(json::object{{"question", flags.question}});
  }
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("POST", PathOf(flags, "/explain"), std::move(body)));
  if (flags.as_json) {
    fmt::print("{}\n", reply);
  } else {
    PrintDecision(json::parse(reply).as_object());
  }
  return 0;
}

void PrintSum(const json::object& totals, std::string_view name, std::string_view shown,
              double router) {
  const auto* sum = totals.if_contains(name);
  if (sum == nullptr) return;
  const auto& s = sum->as_object();
  auto usd = s.at("usd").to_number<double>();
  auto unknown = NumberOf(s, "unknown");
  fmt::print("{:<16} {:>14.6f}{}{}\n", shown, usd,
             unknown > 0 ? fmt::format(" + {} of unknown price", unknown) : "",
             name != "router" && usd > 0
                 ? fmt::format("  saving {:.1f} %", 100 * (1 - router / usd))
                 : "");
}

Result<int> DryRun(const CallerFlags& common, const RouterFlags& flags) {
  STRATA_TRY(auto body, store::ReadWholeFile(flags.file, kLearnedBytesMax));
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("POST", PathOf(flags, "/dry-run"), std::move(body)));
  if (flags.as_json) {
    fmt::print("{}\n", reply);
    return 0;
  }
  auto report = json::parse(reply).as_object();
  const auto& totals = report.at("totals").as_object();
  fmt::print("{} requests through {}, nothing was sent\n\n", NumberOf(totals, "requests"),
             TextOf(report, "version"));
  for (const auto& member : totals.at("models").as_object()) {
    fmt::print("{:>8}  {}\n", member.value().to_number<std::int64_t>(),
               std::string_view(member.key()));
  }
  for (const auto& member : totals.at("decided_by").as_object()) {
    fmt::print("{:>8}  decided by {}\n", member.value().to_number<std::int64_t>(),
               std::string_view(member.key()));
  }
  if (auto refused = NumberOf(totals, "refused"); refused > 0) {
    fmt::print("{:>8}  that no candidate can serve\n", refused);
  }
  auto router = totals.at("router").as_object().at("usd").to_number<double>();
  fmt::print("\nexpected cost, USD{}\n",
             NumberOf(totals, "cascades") > 0 ? " (of cascades as if every one escalated)" : "");
  PrintSum(totals, "router", "router", router);
  PrintSum(totals, "always_strong", "always-strong", router);
  PrintSum(totals, "always_cheap", "always-cheap", router);
  PrintSum(totals, "now", "now", router);
  return 0;
}

}  // namespace

void AddRouterCommands(Cli& cli, CLI::App& group) {
  auto flags = std::make_shared<RouterFlags>();
  using Command = Result<int> (*)(const CallerFlags&, const RouterFlags&);
  auto add = [&](const char* name, const char* what, Command run) {
    auto* command = group.add_subcommand(name, what);
    command->callback(
        [&cli, flags, run] { cli.run = [&cli, flags, run] { return run(cli.flags, *flags); }; });
    return command;
  };
  auto named = [&](CLI::App* command) {
    command->add_option("router", flags->name, "name of the router")->required();
    return command;
  };
  auto* create = named(add("create", "make a router, or a new version of one", Create));
  create->add_option("file", flags->file, "its definition, YAML or JSON")
      ->required()
      ->check(CLI::ExistingFile);
  auto* learned = create->add_option("--learned", flags->learned,
                                     "what strata route train wrote (default: as before)");
  learned->check(CLI::ExistingFile);
  create->add_flag("--no-learned", flags->drop_learned, "rules alone from now on")
      ->excludes(learned);
  add("list", "all routers", [](const CallerFlags& c, const RouterFlags&) { return List(c); });
  auto* show = named(add("show", "a router's definition", Show));
  show->add_option("--version", flags->version, "of an earlier one");
  named(add("versions", "all versions of a router; * is in force", Versions));
  auto* rollback = named(add("rollback", "put another version in force", Rollback));
  rollback->add_option("version", flags->version, "its number")->required();
  auto* status = named(add("status", "whether a router still decides as it did", Status));
  status->add_flag("--json", flags->as_json, "as JSON");
  auto* labels = named(add("labels", "rows that a router's shadow labels gave, for refit", Labels));
  labels->add_option("--out", flags->file, "JSON lines")->required();
  named(add("delete", "remove a router with all its versions", Delete));
  auto* explain = named(add("explain", "what a router would do with a question, and why", Explain));
  auto* question = explain->add_option("question", flags->question, "the question");
  explain
      ->add_option("--request", flags->request,
                   "in place of a question: a file with the body of a chat completion")
      ->check(CLI::ExistingFile)
      ->excludes(question);
  explain->add_flag("--json", flags->as_json, "as JSON");
  auto* dry = named(
      add("dry-run", "which models a file of requests would take, and what they cost", DryRun));
  dry->add_option("file", flags->file,
                  "JSON lines: {\"prompt\"}, {\"question\"} or chat completions")
      ->required()
      ->check(CLI::ExistingFile);
  dry->add_flag("--json", flags->as_json, "every request, as JSON");
}

}  // namespace strata::server
