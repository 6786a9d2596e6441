// strata eval set …: evaluation sets, imported or sampled from traffic.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>

#include "base/encoding.h"
#include "server/cli/eval_commands.h"
#include "server/cli/print.h"
#include "store/file.h"

namespace strata::server {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kFileBytesMax = std::uint64_t{48} << 20;  // under net.body_bytes_max
constexpr std::string_view kSetsPath = "/strata/v1/eval-sets";

struct EvalSetFlags {
  std::string name;
  std::string description;
  std::string file;
  std::vector<std::string> traces;
  std::vector<std::string> expected;
  std::vector<std::string> tags;
  std::string rubric;
  std::optional<double> score;
  std::int64_t rows = 20;
  std::int64_t from = 0;
  bool replace = false;
  bool as_json = false;
};

std::string PathOf(const EvalSetFlags& flags, std::string_view rest = {}) {
  return fmt::format("{}/{}{}", kSetsPath, PercentEncode(flags.name), rest);
}

Result<int> Create(const CallerFlags& common, const EvalSetFlags& flags) {
  json::object body{{"name", flags.name}};
  if (!flags.description.empty()) body["description"] = flags.description;
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("POST", kSetsPath, json::serialize(body)));
  fmt::print("evaluation set {} is there, empty\n", flags.name);
  return 0;
}

void PrintAdded(std::string_view reply) {
  auto set = json::parse(reply).as_object();
  fmt::print("{} is at version {}: {} rows ({} added, {} changed, {} unchanged, {} removed)\n",
             TextOf(set, "name"), NumberOf(set, "version"), NumberOf(set, "rows"),
             NumberOf(set, "added"), NumberOf(set, "changed"), NumberOf(set, "unchanged"),
             NumberOf(set, "removed"));
}

Result<int> Import(const CallerFlags& common, const EvalSetFlags& flags) {
  STRATA_TRY(auto body, store::ReadWholeFile(flags.file, kFileBytesMax));
  STRATA_TRY(auto caller, Caller::Open(common));
  auto name = std::filesystem::path(flags.file).filename().string();
  auto target = fmt::format("{}?file={}&mode={}", PathOf(flags, "/rows"), PercentEncode(name),
                            flags.replace ? "replace" : "merge");
  STRATA_TRY(auto reply, caller->Call("POST", target, std::move(body)));
  PrintAdded(reply);
  return 0;
}

Result<int> AddTrace(const CallerFlags& common, const EvalSetFlags& flags) {
  json::object body{{"traces", json::value_from(flags.traces)}};
  if (!flags.expected.empty()) body["expected"] = json::value_from(flags.expected);
  if (!flags.tags.empty()) body["tags"] = json::value_from(flags.tags);
  if (!flags.rubric.empty()) body["rubric"] = flags.rubric;
  if (flags.score) body["score"] = *flags.score;
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("POST", PathOf(flags, "/traces"), json::serialize(body)));
  PrintAdded(reply);
  return 0;
}

Result<int> List(const CallerFlags& common, const EvalSetFlags&) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("GET", kSetsPath));
  fmt::print("{:<32} {:>7} {:>7}  {:<26} {}\n", "name", "version", "rows", "updated",
             "description");
  auto parsed = json::parse(reply);
  for (const auto& item : parsed.at("sets").as_array()) {
    const auto& set = item.as_object();
    fmt::print("{:<32} {:>7} {:>7}  {:<26} {}\n", TextOf(set, "name"), NumberOf(set, "version"),
               NumberOf(set, "rows"), TextOf(set, "updated"), TextOf(set, "description"));
  }
  return 0;
}

Result<int> Show(const CallerFlags& common, const EvalSetFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  auto target = fmt::format("{}?from={}&limit={}", PathOf(flags), flags.from, flags.rows);
  STRATA_TRY(auto reply, caller->Call("GET", target));
  auto set = json::parse(reply).as_object();
  if (flags.as_json) {
    for (const auto& row : set.at("items").as_array()) fmt::print("{}\n", json::serialize(row));
    return 0;
  }
  fmt::print("{} version {}, {} rows {}\n", TextOf(set, "name"), NumberOf(set, "version"),
             NumberOf(set, "rows"), TextOf(set, "description"));
  if (const auto* versions = set.if_contains("versions")) {
    for (const auto& item : versions->as_array()) {
      const auto& version = item.as_object();
      fmt::print("{:>5}  {:<26} {:>7} rows  {}\n", NumberOf(version, "version"),
                 TextOf(version, "created"), NumberOf(version, "rows"), TextOf(version, "what"));
    }
  }
  fmt::print("\n");
  for (const auto& row : set.at("items").as_array()) fmt::print("{}\n", json::serialize(row));
  return 0;
}

Result<int> Delete(const CallerFlags& common, const EvalSetFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("DELETE", PathOf(flags)));
  fmt::print("evaluation set {} is deleted\n", flags.name);
  return 0;
}

void AddSetCommands(Cli& cli, CLI::App& eval) {
  auto* group = eval.add_subcommand("set", "evaluation sets");
  group->require_subcommand(1);
  group->fallthrough();
  auto flags = std::make_shared<EvalSetFlags>();
  using Command = Result<int> (*)(const CallerFlags&, const EvalSetFlags&);
  auto add = [&](const char* name, const char* what, Command run) {
    auto* command = group->add_subcommand(name, what);
    command->callback(
        [&cli, flags, run] { cli.run = [&cli, flags, run] { return run(cli.flags, *flags); }; });
    return command;
  };
  auto named = [&](CLI::App* command, const char* what = "name of the set") {
    command->add_option("set", flags->name, what)->required();
    return command;
  };
  auto* create = named(add("create", "make an empty evaluation set", Create));
  create->add_option("--description", flags->description, "for humans");
  auto* import = named(add("import", "put rows of a file into a set; makes the set", Import));
  import->add_option("file", flags->file, "rows, JSON lines, plain or gzip")
      ->required()
      ->check(CLI::ExistingFile);
  import->add_flag("--replace", flags->replace, "nothing of what was in it stays");
  auto* trace = named(add("add-trace", "put served requests into a set; makes the set", AddTrace));
  trace->add_option("traces", flags->traces, "their trace ids")->required();
  trace->add_option("--expected", flags->expected, "the right answer; may be repeated")
      ->allow_extra_args(false);
  trace->add_option("--rubric", flags->rubric, "what a good answer is, for a model that judges");
  trace->add_option("--tag", flags->tags, "for humans; may be repeated")->allow_extra_args(false);
  trace->add_option("--score", flags->score, "how good the answer was that they got, 0 to 1")
      ->check(CLI::Range(0.0, 1.0));
  add("list", "all evaluation sets", List);
  auto* show =
      named(add("show", "versions and rows of a set", Show), "name of the set, or NAME:VERSION");
  show->add_option("--rows", flags->rows, "how many rows")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  show->add_option("--from", flags->from, "rows to skip")->check(CLI::NonNegativeNumber);
  show->add_flag("--json", flags->as_json, "rows alone, as JSON lines");
  named(add("delete", "remove a set with all its versions", Delete));
}

}  // namespace

void AddEvalCommands(Cli& cli) {
  auto* eval = cli.app.add_subcommand("eval", "evaluation sets, and runs over them");
  eval->require_subcommand(1);
  eval->fallthrough();
  AddSetCommands(cli, *eval);
  AddEvalRunCommands(cli, *eval);
}

}  // namespace strata::server
