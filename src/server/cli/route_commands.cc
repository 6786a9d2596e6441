// strata route train|predict|eval|simulate: a learned router from labelled rows, without a server;
// and refit, which puts one in force where it beats the one that is.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <set>

#include "base/encoding.h"
#include "base/json_text.h"
#include "provider/local_models.h"
#include "route/evaluation.h"
#include "route/evaluation_plot.h"
#include "route/outcome_rows.h"
#include "route/promotion.h"
#include "route/router_file.h"
#include "route/simulation.h"
#include "route/trainer.h"
#include "server/cli/cli.h"
#include "server/cli/files.h"
#include "server/cli/print.h"
#include "server/cli/router_commands.h"
#include "server/config.h"
#include "store/file.h"
#include "vector/static_embedder.h"

namespace strata::server {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kRouterBytesMax = std::uint64_t{1} << 30;

struct RouteFlags {
  std::vector<std::string> rows;
  std::string pair;
  std::string models;
  std::string router;
  std::string out;
  std::string splits = "train,valid";
  std::string hold_out = "none";
  std::string eval_split = "test";
  std::string test_split = "train,valid,test";
  std::string strong, cheap;
  double confidence = 0.95;
  std::string name;
  std::string held_out = "test";
  std::string plots;
  bool dry = false;
};

std::vector<std::string> CommaList(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    auto end = text.find(',');
    if (auto item = text.substr(0, end); !item.empty()) items.emplace_back(item);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return items;
}

Result<std::shared_ptr<const vector::StaticEmbedder>> OpenEmbedder(const CallerFlags& common) {
  STRATA_TRY(auto config, LoadConfig(common.config_file, {}));
  STRATA_TRY(auto local, provider::LocalModels::Open(config.options, {}));
  return local->Static();
}

Result<route::TrainOptions> OptionsFrom(const RouteFlags& flags) {
  route::TrainOptions options;
  options.pair = !flags.pair.empty();
  options.confidence = flags.confidence;
  options.models = CommaList(options.pair ? flags.pair : flags.models);
  std::set<std::string> distinct(options.models.begin(), options.models.end());
  if (distinct.size() != options.models.size()) {
    return Fail(InvalidArgument("models", "the same model stands twice"));
  }
  if (options.pair && options.models.size() != 2) {
    return Fail(InvalidArgument("--pair", "expected STRONG,WEAK"));
  }
  if (options.models.size() < 2) {
    return Fail(InvalidArgument(
        "--models", "expected at least two models: --models A,B,… or --pair STRONG,WEAK"));
  }
  return options;
}

bool InSplits(const route::OutcomeRow& row, const std::string& splits) {
  static constexpr std::string_view kNames[] = {"train", "valid", "test"};
  for (const auto& name : CommaList(splits)) {
    if (name == kNames[static_cast<std::size_t>(row.split)]) return true;
  }
  return false;
}

void PrintCertificates(const route::RouterState& state) {
  fmt::print("{:<28} {:>7} {:>6} {:<28} {:>6} {:>7} {:>6}  {}\n", "requests like", "setting",
             "rows", "always-strong", "moved", "saving", "ratio", "labels to move a fifth");
  for (const auto& kind : state.kinds) {
    for (const auto& c : kind.certificates) {
      auto more = c.rows_for_a_fifth == 0  ? std::string("enough")
                  : c.rows_for_a_fifth < 0 ? std::string("none would do")
                                           : fmt::format("{}", c.rows_for_a_fifth);
      fmt::print("{:<28} {:>6.0f}% {:>6} {:<28} {:>5.1f}% {:>6.1f}% {:>6.3f}  {}\n", kind.name,
                 100 * (1 - c.tolerance), kind.rows, state.candidates[kind.strong].name,
                 100 * c.share_moved, 100 * c.saving, c.ratio, more);
    }
  }
}

Result<int> Train(const CallerFlags& common, const RouteFlags& flags) {
  STRATA_TRY(auto options, OptionsFrom(flags));
  STRATA_TRY(auto rows, route::ReadOutcomeFiles(flags.rows, route::OutcomesAre::kRead));
  STRATA_TRY(auto embedder, OpenEmbedder(common));
  std::erase_if(rows, [&](const auto& row) { return !InSplits(row, flags.splits); });
  auto features = route::ExtractAll(rows, *embedder);
  std::vector<const route::FeatureRow*> use;
  for (const auto& f : features) use.push_back(&f);
  STRATA_TRY(auto state, route::TrainRouter(use, embedder->version(), options));
  auto bytes = route::WriteRouter(state);
  STRATA_CHECK_OK(WriteOutput(flags.out, bytes));
  fmt::print(NotesBeside(flags.out), "{} from {} rows: {} ({} bytes)\n", state.version, use.size(),
             flags.out, bytes.size());
  PrintCertificates(state);
  return 0;
}

Result<std::shared_ptr<const route::Router>> OpenRouter(const CallerFlags& common,
                                                        const std::string& path) {
  STRATA_TRY(auto bytes, store::ReadWholeFile(path, kRouterBytesMax));
  auto state = route::ReadRouter(bytes);
  if (!state) return Fail(std::move(state.error()).Because(path));
  STRATA_TRY(auto embedder, OpenEmbedder(common));
  return route::Router::Make(std::move(*state), std::move(embedder));
}

std::string PredictionLine(const route::Router& router, const std::string& id,
                           const route::Prediction& p) {
  const auto& candidates = router.state().candidates;
  std::string line = "{\"id\":" + JsonString(id);
  auto per_model = [&](std::string_view name, auto value) {
    line += fmt::format(",\"{}\":{{", name);
    for (std::size_t m = 0; m < candidates.size(); ++m) {
      line += fmt::format("{}{}:{}", m == 0 ? "" : ",", JsonString(candidates[m].name), value(m));
    }
    line += '}';
  };
  per_model("scores",
            [&](std::size_t m) { return fmt::format("{:.6g}", p.candidates[m].quality); });
  per_model("intervals", [&](std::size_t m) {
    return fmt::format("[{:.4g},{:.4g}]", p.candidates[m].low, p.candidates[m].high);
  });
  per_model("costs", [&](std::size_t m) { return fmt::format("{:.6g}", p.candidates[m].cost); });
  if (router.state().pair) line += fmt::format(",\"strong\":{:.6g}", p.need);
  line += ",\"decisions\":{";
  for (std::size_t t = 0; t < route::kTolerances.size(); ++t) {
    line += fmt::format("{}\"{:.2f}\":{}", t == 0 ? "" : ",", route::kTolerances[t],
                        JsonString(candidates[p.decisions[t]].name));
  }
  constexpr std::size_t kExplained = 2;  // 0.03
  line += fmt::format("}},\"unfamiliar\":{:.4g},\"reason\":{}}}\n", p.unfamiliar,
                      JsonString(router.Explain(p, kExplained)));
  return line;
}

Result<int> Predict(const CallerFlags& common, const RouteFlags& flags) {
  STRATA_TRY(auto router, OpenRouter(common, flags.router));
  STRATA_TRY(auto rows, route::ReadOutcomeFiles(flags.rows, route::OutcomesAre::kIgnored));
  std::string out;
  std::vector<double> micros;
  for (const auto& row : rows) {
    auto from = std::chrono::steady_clock::now();
    auto prediction = router->Predict(row.prompt);
    micros.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - from).count());
    out += PredictionLine(*router, row.id, prediction);
  }
  STRATA_CHECK_OK(WriteOutput(flags.out, out));
  std::ranges::sort(micros);
  if (!micros.empty()) {
    fmt::print(NotesBeside(flags.out),
               "{} predictions by {}: {} (one takes {:.0f} us at the median, {:.0f} us at p99)\n",
               rows.size(), router->state().version, flags.out, micros[micros.size() / 2],
               micros[micros.size() * 99 / 100]);
  }
  return 0;
}

using FeatureRefs = std::vector<const route::FeatureRow*>;

// Trains on one part and tests on the other.
Result<route::RouterState> Test(const FeatureRefs& train, const FeatureRefs& test,
                                std::shared_ptr<const vector::StaticEmbedder> embedder,
                                const route::TrainOptions& options,
                                std::vector<route::Tested>& tested) {
  STRATA_TRY(auto state, route::TrainRouter(train, embedder->version(), options));
  auto copy = state;
  STRATA_TRY(auto router, route::Router::Make(std::move(state), std::move(embedder)));
  for (const auto* row : test) tested.push_back({row, router->Predict(row->features)});
  return copy;
}

// One picture a source; names that come to the same file are numbered.
Result<> WritePlots(const std::string& folder, std::span<const route::Evaluation> evaluations) {
  STRATA_CHECK_OK(store::MakeFolder(folder));
  std::set<std::string> taken;
  for (const auto& e : evaluations) {
    auto name = route::PlotFileName(e.name);
    for (int i = 2; taken.contains(name); ++i) {
      name = route::PlotFileName(fmt::format("{}-{}", e.name.substr(0, 90), i));
    }
    taken.insert(name);
    auto path = fmt::format("{}/{}", folder, name);
    STRATA_CHECK_OK(store::WriteFileAtomic(path, route::PlotEvaluation(e)));
    fmt::print("\nplot of {}: {}\n", e.name, path);
  }
  return {};
}

Result<int> Eval(const CallerFlags& common, const RouteFlags& flags) {
  STRATA_TRY(auto options, OptionsFrom(flags));
  STRATA_TRY(auto rows, route::ReadOutcomeFiles(flags.rows, route::OutcomesAre::kRead));
  STRATA_TRY(auto embedder, OpenEmbedder(common));
  auto features = route::ExtractAll(rows, *embedder);
  std::vector<route::Tested> tested;
  route::RouterState state;
  if (flags.hold_out == "none") {
    FeatureRefs train, test;
    for (const auto& f : features) {
      if (InSplits(*f.row, flags.splits)) train.push_back(&f);
      if (InSplits(*f.row, flags.eval_split)) test.push_back(&f);
    }
    STRATA_TRY(state, Test(train, test, embedder, options, tested));
  } else {
    std::set<std::string> sources;
    for (const auto& row : rows) sources.insert(row.source);
    if (sources.size() < 2)
      return Fail(InvalidArgument("--hold-out", "needs rows of several sources"));
    for (const auto& source : sources) {
      FeatureRefs train, test;
      for (const auto& f : features) (f.row->source == source ? test : train).push_back(&f);
      STRATA_TRY(state, Test(train, test, embedder, options, tested));
    }
  }
  auto evaluations = route::Evaluate(state, tested);
  fmt::print("{}", route::FormatEvaluations(state, evaluations));
  if (!flags.plots.empty()) STRATA_CHECK_OK(WritePlots(flags.plots, evaluations));
  return 0;
}

Result<int> Simulate(const CallerFlags& common, const RouteFlags& flags) {
  std::optional<route::CascadeNames> names;
  if (!flags.cheap.empty()) {
    auto cheap = CommaList(flags.cheap);
    if (cheap.size() != 2) return Fail(InvalidArgument("--cheap", "expected A,B"));
    names = {.strong = flags.strong, .first = cheap[0], .second = cheap[1]};
  }
  STRATA_TRY(auto router, OpenRouter(common, flags.router));
  STRATA_TRY(auto rows, route::ReadOutcomeFiles(flags.rows, route::OutcomesAre::kRead));
  std::erase_if(rows, [&](const auto& row) { return !InSplits(row, flags.test_split); });
  STRATA_TRY(auto simulations, route::SimulateCascade(*router, rows, names));
  if (const auto& state = router->state(); !names) {
    const auto& plan = *state.cascade;
    fmt::print("{} and {} at once, {} where they disagree\n", state.candidates[plan.first].name,
               state.candidates[plan.second].name, state.candidates[plan.strong].name);
    for (std::size_t k = 0; k < state.kinds.size(); ++k) {
      auto third = plan.third[k];
      fmt::print("requests like {}: {}\n", state.kinds[k].name,
                 third < 0
                     ? "no tie-break"
                     : "ties broken by " + state.candidates[static_cast<std::size_t>(third)].name);
    }
  }
  fmt::print("{}", route::FormatSimulations(simulations));
  return 0;
}

// ---- refit

// The router in force as the server has it.
struct InForce {
  std::string definition;
  std::int64_t version = 0;
  double tolerance = 0;
  std::vector<std::string> candidates;
  std::shared_ptr<const route::Router> learned;  // null: none, or one that does not fit any more
};

Result<InForce> FetchInForce(Caller& caller, const std::string& name,
                             std::shared_ptr<const vector::StaticEmbedder> embedder) {
  auto path = "/strata/v1/routers/" + PercentEncode(name);
  STRATA_TRY(auto reply, caller.Call("GET", path));
  auto router = json::parse(reply).as_object();
  const auto& shown = router.at("in_force").as_object();
  InForce out;
  out.definition = TextOf(router, "definition");
  out.version = NumberOf(router, "current");
  if (!shown.contains("candidates")) {
    return Fail(Code::kUnavailable,
                fmt::format("router '{}' cannot be used: {}", name, TextOf(shown, "problem")));
  }
  out.tolerance = shown.at("tolerance").to_number<double>();
  out.candidates = json::value_to<std::vector<std::string>>(shown.at("candidates"));
  if (!shown.contains("learned")) return out;
  STRATA_TRY(auto learned, caller.Call("GET", path + "/learned"));
  auto bytes = Base64Decode(TextOf(json::parse(learned).as_object(), "learned"));
  if (!bytes) return Fail(Code::kCorruption, "the server's learned router is not base64");
  STRATA_TRY(auto state, route::ReadRouter(*bytes));
  STRATA_TRY(out.learned, route::Router::Make(std::move(state), std::move(embedder)));
  return out;
}

// The models to learn: those that were named, else those of the one in force, else the router's.
Result<route::TrainOptions> RefitOptions(const RouteFlags& flags, const InForce& in_force) {
  if (!flags.pair.empty() || !flags.models.empty()) return OptionsFrom(flags);
  route::TrainOptions options;
  options.confidence = flags.confidence;
  if (in_force.learned == nullptr) {
    options.models = in_force.candidates;
    options.pair = options.models.size() == 2;
  } else {
    for (const auto& c : in_force.learned->state().candidates) options.models.push_back(c.name);
    options.pair = in_force.learned->state().pair;
  }
  if (options.models.size() < 2) {
    return Fail(InvalidArgument("--models", "the router has one candidate: nothing to learn"));
  }
  return options;
}

std::string IntervalText(const learn::Interval& interval) {
  return fmt::format("{:.3f} ({:.3f} to {:.3f})", interval.estimate, interval.low, interval.high);
}

void PrintPromotion(const route::Promotion& p) {
  if (p.contests.empty()) return;
  fmt::print("\non {} held-out rows: {:.1f} % moved, {} of {}'s quality\n", p.rows,
             100 * p.share_moved, IntervalText(p.to_strong), p.strong);
  fmt::print("{:<34} {:<26} {:<26} {}\n", "the new one over", "quality", "cost", "beaten");
  for (const auto& contest : p.contests) {
    fmt::print("{:<34} {:<26} {:<26} {}\n", contest.against, IntervalText(contest.quality),
               IntervalText(contest.cost), contest.won ? "yes" : "no");
  }
}

Result<int> PutInForce(Caller& caller, const RouteFlags& flags, const InForce& before,
                       const route::RouterState& state) {
  json::object body{{"name", flags.name},
                    {"definition", before.definition},
                    {"learned", Base64Encode(route::WriteRouter(state))}};
  STRATA_TRY(auto reply, caller.Call("POST", "/strata/v1/routers", json::serialize(body)));
  auto made = json::parse(reply).as_object();
  fmt::print("router/{} is at version {} with {}; back with: strata route rollback {} {}\n",
             flags.name, NumberOf(made, "current"), state.version, flags.name, before.version);
  return kExitDone;
}

Result<int> Refit(const CallerFlags& common, const RouteFlags& flags) {
  STRATA_TRY(auto rows, route::ReadOutcomeFiles(flags.rows, route::OutcomesAre::kRead));
  STRATA_TRY(auto embedder, OpenEmbedder(common));
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto in_force, FetchInForce(*caller, flags.name, embedder));
  STRATA_TRY(auto options, RefitOptions(flags, in_force));
  std::vector<route::OutcomeRow> learn, held_out;
  for (auto& row : rows) {
    bool kept_back = InSplits(row, flags.held_out);
    if (!kept_back && !InSplits(row, flags.splits)) continue;
    (kept_back ? held_out : learn).push_back(std::move(row));
  }
  auto features = route::ExtractAll(learn, *embedder);
  std::vector<const route::FeatureRow*> use;
  for (const auto& f : features) use.push_back(&f);
  STRATA_TRY(auto state, route::TrainRouter(use, embedder->version(), options));
  fmt::print("{} from {} rows\n", state.version, use.size());
  PrintCertificates(state);
  auto copy = state;
  STRATA_TRY(auto challenger, route::Router::Make(std::move(copy), embedder));
  auto judged =
      route::JudgeChallenger(*challenger, in_force.learned.get(), held_out, in_force.tolerance);
  PrintPromotion(judged);
  fmt::print("{}: {}\n", judged.promoted ? "promoted" : "not promoted", judged.reason);
  if (!judged.promoted) return kExitFailed;
  if (flags.dry) return kExitDone;
  return PutInForce(*caller, flags, in_force, state);
}

void AddModelsFlags(CLI::App& command, RouteFlags& flags) {
  auto* pair = command.add_option("--pair", flags.pair, "STRONG,WEAK");
  command.add_option("--models", flags.models, "A,B,…")->excludes(pair);
  command.add_option("--confidence", flags.confidence, "of certified settings")
      ->check(CLI::Range(0.5, 0.999))
      ->capture_default_str();
  command.add_option("--splits", flags.splits, "splits to learn from")->capture_default_str();
}

}  // namespace

void AddRouteCommands(Cli& cli) {
  auto* route = cli.app.add_subcommand("route", "routers: rules, learned ones, cascades");
  route->require_subcommand(1);
  route->fallthrough();
  AddRouterCommands(cli, *route);
  AddRouterAbCommands(cli, *route);
  auto flags = std::make_shared<RouteFlags>();
  auto add = [&](const char* name, const char* what, auto run) {
    auto* command = route->add_subcommand(name, what);
    command->add_option("--rows", flags->rows, "labelled rows, JSON lines, plain or gzip")
        ->required()
        ->check(CLI::ExistingFile);
    command->callback(
        [&cli, flags, run] { cli.run = [&cli, flags, run] { return run(cli.flags, *flags); }; });
    return command;
  };
  auto* train = add("train", "make a router from labelled rows", Train);
  AddModelsFlags(*train, *flags);
  train->add_option("--out", flags->out, "the router's file")->required();
  auto* predict =
      add("predict", "what a router says of rows; their outcomes are not read", Predict);
  predict->add_option("--router", flags->router, "the router's file")
      ->required()
      ->check(CLI::ExistingFile);
  predict->add_option("--out", flags->out, "JSON lines")->required();
  auto* eval = add("eval", "train on some rows, test on others, print tables", Eval);
  AddModelsFlags(*eval, *flags);
  eval->add_option("--hold-out", flags->hold_out,
                   "none (test on the split) or source (each in turn)")
      ->check(CLI::IsMember({"none", "source"}))
      ->capture_default_str();
  eval->add_option("--test-split", flags->eval_split, "splits to test on")->capture_default_str();
  eval->add_option("--plots", flags->plots,
                   "folder for a picture (SVG) of each source: quality against cost");
  auto* refit = add(
      "refit", "learn a router anew, and put it in force where it beats the one that is", Refit);
  refit->add_option("router", flags->name, "name of the router")->required();
  AddModelsFlags(*refit, *flags);
  refit->add_option("--held-out", flags->held_out, "splits that judge, never learned from")
      ->capture_default_str();
  refit->add_flag("--dry-run", flags->dry, "judge only");
  auto* simulate = add(
      "simulate", "what a cascade would have done on rows whose outcomes carry answers", Simulate);
  simulate->add_option("--router", flags->router, "the router's file")
      ->required()
      ->check(CLI::ExistingFile);
  auto* strong = simulate->add_option("--strong", flags->strong, "in place of the router's plan");
  auto* cheap = simulate->add_option("--cheap", flags->cheap, "A,B, with --strong");
  strong->needs(cheap);
  cheap->needs(strong);
  simulate->add_option("--split", flags->test_split, "splits to run on")->capture_default_str();
}

}  // namespace strata::server
