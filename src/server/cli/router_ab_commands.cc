// strata route ab start|show|stop: two versions of a router on the same traffic.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>

#include "base/encoding.h"
#include "server/cli/print.h"
#include "server/cli/router_commands.h"

namespace strata::server {
namespace {

namespace json = boost::json;

struct AbFlags {
  std::string name;
  std::int64_t a = 0, b = 0, keep = 0;
  double share = 0.5;
  std::string by = "session";
  bool as_json = false;
};

std::string PathOf(const AbFlags& flags, std::string_view rest = {}) {
  return fmt::format("/strata/v1/routers/{}/ab{}", PercentEncode(flags.name), rest);
}

double Real(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

void PrintArm(std::string_view name, const json::object& arm) {
  auto compared = NumberOf(arm, "requests_compared");
  auto saving = compared > 0 && Real(arm, "always_strong_usd") > 0
                    ? fmt::format("{:.1f} %", 100 * (1 - Real(arm, "spent_usd") /
                                                             Real(arm, "always_strong_usd")))
                    : std::string("-");
  fmt::print("{:<3} {:<28} {:>7} {:>12.6f} {:>8} {:>6} {:>9} {:>8}\n", name, TextOf(arm, "version"),
             NumberOf(arm, "calls"), Real(arm, "usd"), saving, NumberOf(arm, "units"),
             NumberOf(arm, "feedback"),
             NumberOf(arm, "units") > 0 ? fmt::format("{:.1f} %", 100 * Real(arm, "praise")) : "-");
}

void PrintReport(const json::object& report) {
  const auto& test = report.at("test").as_object();
  fmt::print("{}: test {} of {} and {}, {:.4g} % of each {} to {}, since {}{}\n\n",
             TextOf(report, "router"), TextOf(test, "id"), NumberOf(test, "a"), NumberOf(test, "b"),
             100 * Real(test, "share"), TextOf(test, "by"), NumberOf(test, "b"),
             TextOf(test, "started"),
             test.contains("ended") ? ", ended " + TextOf(test, "ended") : std::string());
  fmt::print("{:<3} {:<28} {:>7} {:>12} {:>8} {:>6} {:>9} {:>8}\n", "", "version", "calls", "USD",
             "saving", "units", "feedback", "praise");
  PrintArm("a", report.at("a").as_object());
  PrintArm("b", report.at("b").as_object());
  const auto& d = report.at("difference").as_object();
  auto least = std::min(NumberOf(report.at("a").as_object(), "units"),
                        NumberOf(report.at("b").as_object(), "units"));
  if (least < NumberOf(d, "units_min")) {
    fmt::print("\nundecided: feedback of at least {} sessions or users on each side is needed\n",
               NumberOf(d, "units_min"));
    return;
  }
  fmt::print("\nb over a: {:+.1f} points of praise ({:+.1f} to {:+.1f}), p {:.3g}: {}\n",
             100 * Real(d, "estimate"), 100 * Real(d, "low"), 100 * Real(d, "high"), Real(d, "p"),
             !d.at("decided").as_bool() ? "undecided"
             : Real(d, "estimate") > 0  ? "b is better"
                                        : "a is better");
}

Result<int> Finish(const AbFlags& flags, const std::string& reply) {
  if (flags.as_json) {
    fmt::print("{}\n", reply);
  } else {
    PrintReport(json::parse(reply).as_object());
  }
  return kExitDone;
}

Result<int> Start(const CallerFlags& common, const AbFlags& flags) {
  json::object body{{"b", flags.b}, {"share", flags.share}, {"by", flags.by}};
  if (flags.a > 0) body["a"] = flags.a;
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("POST", PathOf(flags), json::serialize(body)));
  auto made = json::parse(reply).as_object();
  const auto& test = made.at("test").as_object();
  fmt::print("{}: {:.4g} % of each {} goes to version {}, the others to {}\n",
             TextOf(made, "router"), 100 * Real(test, "share"), TextOf(test, "by"),
             NumberOf(test, "b"), NumberOf(test, "a"));
  return kExitDone;
}

Result<int> Show(const CallerFlags& common, const AbFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("GET", PathOf(flags)));
  return Finish(flags, reply);
}

Result<int> Stop(const CallerFlags& common, const AbFlags& flags) {
  json::object body;
  if (flags.keep > 0) body["keep"] = flags.keep;
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("POST", PathOf(flags, "/stop"), json::serialize(body)));
  auto report = json::parse(reply).as_object();
  if (!flags.as_json) {
    fmt::print("{} is at version {}\n", TextOf(report, "router"), NumberOf(report, "current"));
  }
  return Finish(flags, reply);
}

}  // namespace

void AddRouterAbCommands(Cli& cli, CLI::App& group) {
  auto* ab = group.add_subcommand("ab", "two versions of a router on the same traffic");
  ab->require_subcommand(1);
  ab->fallthrough();
  auto flags = std::make_shared<AbFlags>();
  using Command = Result<int> (*)(const CallerFlags&, const AbFlags&);
  auto add = [&](const char* name, const char* what, Command run) {
    auto* command = ab->add_subcommand(name, what);
    command->add_option("router", flags->name, "name of the router")->required();
    command->callback(
        [&cli, flags, run] { cli.run = [&cli, flags, run] { return run(cli.flags, *flags); }; });
    return command;
  };
  auto* start = add("start", "split the traffic of a router between two versions", Start);
  start->add_option("--b", flags->b, "the version on trial")->required();
  start->add_option("--a", flags->a, "the other (default: the one in force)");
  start->add_option("--share", flags->share, "of those who get the version on trial")
      ->capture_default_str();
  start->add_option("--by", flags->by, "who stays with one version: session, user or key")
      ->check(CLI::IsMember({"session", "user", "key"}))
      ->capture_default_str();
  auto* show = add("show", "what users say of the two, and what they cost", Show);
  show->add_flag("--json", flags->as_json, "as JSON");
  auto* stop = add("stop", "end the test", Stop);
  stop->add_option("--keep", flags->keep, "put this version in force (default: as before)");
  stop->add_flag("--json", flags->as_json, "as JSON");
}

}  // namespace strata::server
