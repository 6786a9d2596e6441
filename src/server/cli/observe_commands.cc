// strata trace, cost, console, erase, backup, restore.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>

#include "base/encoding.h"
#include "server/cli/cli.h"
#include "server/cli/print.h"
#include "store/backup.h"

namespace strata::server {
namespace {

namespace json = boost::json;

Result<int> ListTraces(Caller& caller) {
  STRATA_TRY(auto reply, caller.Call("GET", "/strata/v1/traces"));
  fmt::print("{:<34} {:<26} {:>10} {:<10} {:<30} {}\n", "trace", "start", "ms", "dialect", "model",
             "error");
  auto parsed = json::parse(reply);
  for (const auto& item : parsed.at("traces").as_array()) {
    const auto& t = item.as_object();
    fmt::print("{:<34} {:<26} {:>10.1f} {:<10} {:<30} {}\n", TextOf(t, "trace_id"),
               TextOf(t, "start"), t.at("duration_ms").to_number<double>(), TextOf(t, "dialect"),
               TextOf(t, "model"), TextOf(t, "error"));
  }
  return 0;
}

Result<int> ShowTrace(const CallerFlags& common, const std::string& id, bool as_json) {
  STRATA_TRY(auto caller, Caller::Open(common));
  if (id.empty()) return ListTraces(*caller);
  auto target = "/strata/v1/traces/" + PercentEncode(id) + (as_json ? "?form=json" : "?form=text");
  STRATA_TRY(auto reply, caller->Call("GET", target));
  fmt::print("{}\n", reply);
  return 0;
}

struct CostFlags {
  std::string by = "model";
  std::string from;
  std::string until;
  bool csv = false;
};

Result<int> ShowCost(const CallerFlags& common, const CostFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  auto target = "/strata/v1/cost?by=" + PercentEncode(flags.by) + (flags.csv ? "&form=csv" : "");
  if (!flags.from.empty()) target += "&from=" + PercentEncode(flags.from);
  if (!flags.until.empty()) target += "&until=" + PercentEncode(flags.until);
  STRATA_TRY(auto reply, caller->Call("GET", target));
  fmt::print("{}\n", reply);
  return 0;
}

Result<int> Erase(const CallerFlags& common, const std::string& subject) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("POST", "/strata/v1/subjects/erase",
                                      json::serialize(json::object{{"subject", subject}})));
  auto parsed = json::parse(reply);
  const auto& erased = parsed.at("erased").as_object();
  constexpr std::pair<std::string_view, std::string_view> kKinds[] = {
      {"traces", "traces"},
      {"responses", "stored responses"},
      {"kept_by_providers", "responses that providers keep: the note of whose they are"},
      {"sessions", "sessions"},
      {"async_invocations", "asynchronous invocations"},
      {"feedback", "feedbacks"},
      {"labels", "labels from traffic"},
      {"eval_rows", "rows of evaluation sets"},
      {"eval_cases", "cases of evaluation runs"}};
  for (const auto& [kind, name] : kKinds) {
    fmt::print("{:>8} {}\n", NumberOf(erased, kind), name);
  }
  return 0;
}

void AddEraseCommand(Cli& cli) {
  auto subject = std::make_shared<std::string>();
  auto* erase = cli.app.add_subcommand(
      "erase", "remove an end user from all that was kept of their requests; may be repeated");
  erase->add_option("subject", *subject, "the id that their requests came with")->required();
  erase->callback(
      [&cli, subject] { cli.run = [&cli, subject] { return Erase(cli.flags, *subject); }; });
}

Result<int> Backup(const CallerFlags& common, const std::string& to) {
  STRATA_TRY(auto caller, Caller::Open(common));
  auto target = std::filesystem::absolute(to).lexically_normal().string();
  STRATA_TRY(auto reply, caller->Call("POST", "/strata/v1/backup",
                                      json::serialize(json::object{{"to", target}})));
  auto report = json::parse(reply).as_object();
  fmt::print("{} databases and {} files, {} bytes, to {}\n", NumberOf(report, "databases"),
             NumberOf(report, "files"), NumberOf(report, "bytes"), target);
  return 0;
}

Result<int> Restore(const CallerFlags& common, const std::string& from) {
  STRATA_TRY(auto report, store::Restore(from, common.data_folder));
  fmt::print("{} databases and {} files, {} bytes, to {}\n", report.databases, report.files,
             report.bytes, common.data_folder);
  return 0;
}

Result<int> ConsoleAddress(const CallerFlags& common) {
  STRATA_CHECK_OK(RequireServer(common.data_folder));
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("GET", "/strata/v1/console"));
  fmt::print("{}\n", TextOf(json::parse(reply).as_object(), "url"));
  return 0;
}

}  // namespace

void AddObserveCommands(Cli& cli) {
  cli.app
      .add_subcommand("console",
                      "print the running server's console address; it opens everything, keep it to "
                      "yourself")
      ->callback([&cli] { cli.run = [&cli] { return ConsoleAddress(cli.flags); }; });

  auto id = std::make_shared<std::string>();
  auto as_json = std::make_shared<bool>(false);
  auto* trace =
      cli.app.add_subcommand("trace", "how an answer came about; without an id, the latest traces");
  trace->add_option("id", *id, "trace id (x-strata-trace-id of any answer)");
  trace->add_flag("--json", *as_json, "as JSON");
  trace->callback([&cli, id, as_json] {
    cli.run = [&cli, id, as_json] { return ShowTrace(cli.flags, *id, *as_json); };
  });

  auto cost = std::make_shared<CostFlags>();
  auto* command = cli.app.add_subcommand("cost", "what was spent, from the ledger");
  command
      ->add_option(
          "--by", cost->by,
          "key, model, router, kb, provider, workspace, day, tag (a line for each NAME=VALUE; "
          "a call with several tags is in several) or tag:NAME")
      ->capture_default_str();
  command->add_option("--from", cost->from, "first day, 2026-11-22 (UTC)");
  command->add_option("--until", cost->until, "day after the last");
  command->add_flag("--csv", cost->csv, "for spreadsheets");
  command->callback(
      [&cli, cost] { cli.run = [&cli, cost] { return ShowCost(cli.flags, *cost); }; });

  AddEraseCommand(cli);

  auto path = std::make_shared<std::string>();
  auto* backup =
      cli.app.add_subcommand("backup", "copy the whole data folder while the server runs");
  backup->add_option("to", *path, "a folder that does not exist yet, or a file that ends in .tar")
      ->required();
  backup->callback([&cli, path] { cli.run = [&cli, path] { return Backup(cli.flags, *path); }; });
  auto* restore = cli.app.add_subcommand("restore", "put a backup into an empty data folder");
  restore->add_option("from", *path, "what backup wrote")->required();
  restore->callback([&cli, path] { cli.run = [&cli, path] { return Restore(cli.flags, *path); }; });
}

}  // namespace strata::server
