// strata eval run|runs|show|cases|export|cancel|delete: runs over evaluation sets.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <thread>

#include "base/encoding.h"
#include "server/cli/eval_commands.h"
#include "server/cli/files.h"
#include "server/cli/print.h"

namespace strata::server {
namespace {

namespace json = boost::json;

constexpr std::string_view kRunsPath = "/strata/v1/eval-runs";
constexpr std::chrono::milliseconds kLook{300};

struct EvalRunFlags {
  std::string set;
  std::string id;
  std::vector<std::string> targets;
  std::vector<std::string> judges;
  std::vector<std::string> prices;
  std::string out;
  std::optional<double> usd_max;
  int at_once = 4;
  int limit = 50;
  bool blame = false;
  bool detach = false;
  bool wait = false;
  bool as_json = false;
};

std::string PathOf(std::string_view id, std::string_view rest = {}) {
  return fmt::format("{}/{}{}", kRunsPath, PercentEncode(id), rest);
}

Result<json::object> Fetch(Caller& caller, const std::string& id, std::string_view rest = {}) {
  STRATA_TRY(auto reply, caller.Call("GET", PathOf(id, rest)));
  return json::parse(reply).as_object();
}

// Until the run has ended.
Result<> Wait(Caller& caller, const std::string& id) {
  ProgressLine progress;
  while (true) {
    STRATA_TRY(auto run, Fetch(caller, id));
    progress.Show(fmt::format("run {}: {} of {} cases", id, NumberOf(run, "cases"),
                              NumberOf(run, "cases_in_all")));
    if (TextOf(run, "state") != "running") break;
    std::this_thread::sleep_for(kLook);
  }
  return {};
}

double At(const json::object& object, std::string_view name, std::size_t i) {
  return object.at(name).as_array().at(i).to_number<double>();
}

// "0.974 (0.961 to 0.986)"
std::string IntervalText(const json::object& object, std::string_view name) {
  if (!object.contains(name)) return "-";
  return fmt::format("{:.3f} ({:.3f} to {:.3f})", At(object, name, 0), At(object, name, 1),
                     At(object, name, 2));
}

void PrintTargets(const json::object& run, const json::object& report) {
  fmt::print("{:<34} {:>6} {:>6}  {:<24} {:<24} {:>12} {:<24} {:>8} {:>8}\n", "target", "cases",
             "failed", "quality", "ratio to the first", "cost USD", "cost ratio", "p50 ms",
             "p95 ms");
  for (const auto& item : report.at("targets").as_array()) {
    const auto& t = item.as_object();
    auto unpriced = NumberOf(t, "unpriced");
    auto cost =
        unpriced == NumberOf(t, "cases")
            ? std::string("unknown")
            : fmt::format("{:.6f}{}", t.at("usd").to_number<double>(), unpriced > 0 ? "+" : "");
    fmt::print("{:<34} {:>6} {:>6}  {:<24} {:<24} {:>12} {:<24} {:>8} {:>8}\n", TextOf(t, "target"),
               NumberOf(t, "cases"), NumberOf(t, "failed"), IntervalText(t, "quality"),
               IntervalText(t, "ratio"), cost, IntervalText(t, "cost_ratio"),
               NumberOf(t, "latency_ms_p50"), NumberOf(t, "latency_ms_p95"));
    if (auto unjudged = NumberOf(t, "unjudged"); unjudged > 0) {
      fmt::print("{:<34} {} of its cases no judge could judge\n", "", unjudged);
    }
  }
  fmt::print("\nmean of each judge, where it could judge\n{:<34}", "target");
  for (const auto& judge : run.at("judges").as_array()) {
    fmt::print(" {:>12}", std::string_view(judge.as_string()));
  }
  fmt::print("\n");
  for (const auto& item : report.at("targets").as_array()) {
    const auto& t = item.as_object();
    fmt::print("{:<34}", TextOf(t, "target"));
    for (const auto& mean : t.at("judges").as_array()) {
      fmt::print(" {:>12}", mean.is_null() ? std::string("-")
                                           : fmt::format("{:.3f}", mean.to_number<double>()));
    }
    fmt::print("\n");
  }
}

void PrintJudges(const json::object& report) {
  for (const auto& item : report.at("model_judges").as_array()) {
    const auto& j = item.as_object();
    fmt::print("\n{}\n", TextOf(j, "judge"));
    if (auto graded = NumberOf(j, "graded"); graded > 0) {
      fmt::print("  agrees with people on {} graded answers: {}, Cohen's kappa {}\n", graded,
                 IntervalText(j, "agreement"), IntervalText(j, "kappa"));
    } else {
      fmt::print("  no graded answers: how far it agrees with people is not known\n");
    }
    if (auto silent = NumberOf(j, "silent"); silent > 0) {
      fmt::print("  gave no grade to {} answers\n", silent);
    }
    if (j.at("judges_itself").as_bool()) {
      fmt::print("  is one of the targets: models prefer their own answers\n");
    }
  }
  if (auto usd = report.at("judge_usd").to_number<double>(); usd > 0) {
    fmt::print("\njudging cost {:.6f} USD\n", usd);
  }
}

void PrintChanges(const json::object& report) {
  const auto& changes = report.at("changes").as_array();
  if (changes.empty()) return;
  fmt::print("\nsince the run before, on the rows of both\n");
  for (const auto& item : changes) {
    const auto& c = item.as_object();
    fmt::print("{:<34} {:.3f}, was {:.3f} in {} ({}, {} rows): {:+.3f} ({:+.3f} to {:+.3f}){}\n",
               TextOf(c, "target"), c.at("quality").to_number<double>(),
               c.at("quality_before").to_number<double>(), TextOf(c, "before"), TextOf(c, "when"),
               NumberOf(c, "paired"), At(c, "difference", 0), At(c, "difference", 1),
               At(c, "difference", 2), c.at("fell").as_bool() ? "  WORSE" : "");
  }
}

Result<int> PrintRun(Caller& caller, const EvalRunFlags& flags, const std::string& id) {
  STRATA_TRY(auto run, Fetch(caller, id, "?report=true"));
  if (flags.as_json) {
    fmt::print("{}\n", json::serialize(run));
  } else {
    fmt::print("run {} over {}: {}, {} of {} cases{}\n\n", id, TextOf(run, "set"),
               TextOf(run, "state"), NumberOf(run, "cases"), NumberOf(run, "cases_in_all"),
               run.contains("error") ? ", " + TextOf(run, "error") : "");
    const auto& report = run.at("report").as_object();
    PrintTargets(run, report);
    PrintChanges(report);
    PrintJudges(report);
  }
  auto state = TextOf(run, "state");
  return state == "done" || state == "running" ? kExitDone : kExitFailed;
}

// The answer's lines, each as `edit` makes it, to a file or to stdout.
using EditLine = std::function<std::string(std::string_view line)>;
Result<> WriteLines(Caller& caller, const std::string& target, const std::string& out,
                    const EditLine& edit) {
  std::string text;
  STRATA_CHECK_OK(caller.Stream("GET", target, {}, [&](std::string_view line) {
    if (line.empty()) return;
    auto edited = edit(line) + '\n';
    if (out.empty()) {
      fmt::print("{}", edited);
    } else {
      text += edited;
    }
  }));
  if (out.empty()) return {};
  return WriteOutput(out, text);
}

std::string AsItIs(std::string_view line) { return std::string(line); }

Result<int> Run(const CallerFlags& common, const EvalRunFlags& flags) {
  json::object body{
      {"set", flags.set}, {"targets", json::value_from(flags.targets)}, {"at_once", flags.at_once}};
  if (!flags.judges.empty()) body["judges"] = json::value_from(flags.judges);
  if (flags.usd_max) body["max_usd"] = *flags.usd_max;
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("POST", kRunsPath, json::serialize(body)));
  auto id = TextOf(json::parse(reply).as_object(), "id");
  if (flags.detach) {
    fmt::print("run {} goes on; strata eval show {}\n", id, id);
    return 0;
  }
  STRATA_CHECK_OK(Wait(*caller, id));
  if (!flags.out.empty()) {
    STRATA_CHECK_OK(WriteLines(*caller, PathOf(id, "/cases"), flags.out, AsItIs));
  }
  return PrintRun(*caller, flags, id);
}

Result<int> Runs(const CallerFlags& common, const EvalRunFlags&) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("GET", kRunsPath));
  fmt::print("{:<11} {:<24} {:<13} {:>15}  {:<26} {}\n", "run", "set", "state", "cases", "begun",
             "targets");
  auto parsed = json::parse(reply);
  for (const auto& item : parsed.at("runs").as_array()) {
    const auto& run = item.as_object();
    std::string targets;
    for (const auto& target : run.at("targets").as_array()) {
      targets += (targets.empty() ? "" : ", ") + std::string(target.as_string());
    }
    fmt::print("{:<11} {:<24} {:<13} {:>15}  {:<26} {}\n", TextOf(run, "id"), TextOf(run, "set"),
               TextOf(run, "state"),
               fmt::format("{} of {}", NumberOf(run, "cases"), NumberOf(run, "cases_in_all")),
               TextOf(run, "created"), targets);
  }
  return 0;
}

Result<int> Show(const CallerFlags& common, const EvalRunFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  if (flags.wait) STRATA_CHECK_OK(Wait(*caller, flags.id));
  return PrintRun(*caller, flags, flags.id);
}

Result<int> Cases(const CallerFlags& common, const EvalRunFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_CHECK_OK(WriteLines(*caller, PathOf(flags.id, "/cases"), flags.out, AsItIs));
  return 0;
}

// USD per million tokens.
struct GivenPrice {
  double input = 0, output = 0;
};

// "MODEL=IN/OUT"
Result<std::map<std::string, GivenPrice>> PricesOf(const std::vector<std::string>& texts) {
  std::map<std::string, GivenPrice> out;
  for (const auto& text : texts) {
    auto equals = text.rfind('=');
    auto numbers = equals == text.npos ? std::string() : text.substr(equals + 1);
    GivenPrice price;
    int end = 0;
    auto read = std::sscanf(numbers.c_str(), "%lf/%lf%n", &price.input, &price.output, &end);
    bool good = read == 2 && end == static_cast<int>(numbers.size()) && price.input >= 0 &&
                price.output >= 0 && equals > 0;
    if (!good) {
      return Fail(InvalidArgument(
          "--price", fmt::format("'{}': expected MODEL=IN/OUT, USD per million tokens", text)));
    }
    out[text.substr(0, equals)] = price;
  }
  return out;
}

// The row with a cost where none is known and a price was given.
std::string Priced(std::string_view line, const std::map<std::string, GivenPrice>& prices) {
  auto row = json::parse(line).as_object();
  for (auto& member : row.at("outcomes").as_object()) {
    auto& outcome = member.value().as_object();
    auto at = prices.find(std::string(member.key()));
    if (at == prices.end() || outcome.contains("cost")) continue;
    constexpr double kMillion = 1e6;
    outcome["cost"] = (outcome.at("input_tokens").to_number<double>() * at->second.input +
                       outcome.at("output_tokens").to_number<double>() * at->second.output) /
                      kMillion;
  }
  return json::serialize(row);
}

Result<int> Export(const CallerFlags& common, const EvalRunFlags& flags) {
  STRATA_TRY(auto prices, PricesOf(flags.prices));
  STRATA_TRY(auto caller, Caller::Open(common));
  auto edit = [&prices](std::string_view line) { return Priced(line, prices); };
  STRATA_CHECK_OK(WriteLines(*caller, PathOf(flags.id, "/rows"), flags.out, edit));
  return 0;
}

Result<int> ListFeedback(const CallerFlags& common, const EvalRunFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  auto target = fmt::format("/strata/v1/feedback?limit={}&blame={}", flags.limit, flags.blame);
  STRATA_TRY(auto reply, caller->Call("GET", target));
  fmt::print("{:<33} {:>6} {:>6}  {:<26} {:<32} {}\n", "trace", "value", "weight", "given", "model",
             "metadata");
  auto parsed = json::parse(reply);
  for (const auto& item : parsed.at("feedback").as_array()) {
    const auto& f = item.as_object();
    fmt::print("{:<33} {:>6} {:>6}  {:<26} {:<32} {}\n", TextOf(f, "trace_id"),
               f.at("value").to_number<double>(), f.at("weight").to_number<double>(),
               TextOf(f, "created"), TextOf(f, "model"),
               f.contains("metadata") ? json::serialize(f.at("metadata")) : "");
  }
  return 0;
}

Result<int> Cancel(const CallerFlags& common, const EvalRunFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_CHECK_OK(caller->Call("POST", PathOf(flags.id, "/cancel")));
  fmt::print("run {} ends with the cases under way\n", flags.id);
  return 0;
}

Result<int> Delete(const CallerFlags& common, const EvalRunFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_CHECK_OK(caller->Call("DELETE", PathOf(flags.id)));
  fmt::print("run {} is deleted\n", flags.id);
  return 0;
}

}  // namespace

void AddEvalRunCommands(Cli& cli, CLI::App& group) {
  auto flags = std::make_shared<EvalRunFlags>();
  using Command = Result<int> (*)(const CallerFlags&, const EvalRunFlags&);
  auto add = [&](const char* name, const char* what, Command run) {
    auto* command = group.add_subcommand(name, what);
    command->callback(
        [&cli, flags, run] { cli.run = [&cli, flags, run] { return run(cli.flags, *flags); }; });
    return command;
  };
  auto of_a_run = [&](CLI::App* command) {
    command->add_option("run", flags->id, "id of the run")->required();
    return command;
  };
  auto* run = add("run", "have models, routers or knowledge bases answer every row of a set", Run);
  run->add_option("set", flags->set, "name of the set, or NAME:VERSION")->required();
  run->add_option("--targets", flags->targets,
                  "model ids, router/NAME, kb/NAME; the others are compared with the first")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false);
  run->add_option("--judges", flags->judges,
                  "exact, numeric, contains, schema, embedding, cited, model:MODEL; the first that "
                  "can judge a row says its quality (default: schema,numeric,exact)")
      ->delimiter(',')
      ->allow_extra_args(false);
  run->add_option("--at-once", flags->at_once, "cases at once")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  run->add_option("--max-usd", flags->usd_max, "no case begins once so much was spent")
      ->check(CLI::NonNegativeNumber);
  run->add_option("--out", flags->out, "file for every case, JSON lines");
  run->add_flag("--detach", flags->detach, "do not wait for its end");
  run->add_flag("--json", flags->as_json, "the report as JSON");
  add("runs", "all runs", Runs);
  auto* show = of_a_run(add("show", "what a run says", Show));
  show->add_flag("--wait", flags->wait, "wait for its end");
  show->add_flag("--json", flags->as_json, "as JSON");
  auto* cases = of_a_run(add("cases", "every case of a run, JSON lines", Cases));
  cases->add_option("--out", flags->out, "file (default: stdout)");
  auto* exported =
      of_a_run(add("export", "rows that strata route train learns from, JSON lines", Export));
  exported->add_option("--out", flags->out, "file (default: stdout)");
  exported
      ->add_option("--price", flags->prices,
                   "MODEL=IN/OUT, USD per million tokens, where the catalog knows none; may be "
                   "repeated")
      ->allow_extra_args(false);
  auto* feedback = add("feedback", "what users said of answers, newest first", ListFeedback);
  feedback->add_flag("--blame", flags->blame, "only what is below 0");
  feedback->add_option("--limit", flags->limit, "how many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  of_a_run(add("cancel", "end a run", Cancel));
  of_a_run(add("delete", "remove a run with its cases", Delete));
}

}  // namespace strata::server
