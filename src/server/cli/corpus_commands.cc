#include "server/cli/corpus_commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "base/encoding.h"
#include "server/cli/eval_history.h"
#include "server/cli/eval_report.h"
#include "server/cli/files.h"
#include "server/cli/print.h"

namespace strata::server {
namespace {

namespace json = boost::json;

struct CorpusFlags {
  std::string name;
  std::string file;
  std::string queries;
  std::string qrels;
  std::string out;
  std::string plot;
  int depth = 100;
  std::string mode;
  std::string filter;
  std::string model;
  bool spans = false;
  bool apply = false;
};

Result<> AddFilter(const CorpusFlags& flags, json::object& body) {
  if (flags.filter.empty()) return {};
  json::error_code error;
  body["filter"] = json::parse(flags.filter, error);
  if (error) return Fail(InvalidArgument("--filter", "is not JSON"));
  return {};
}

// Sends the file's lines to the base; the exit code. `indexed` counts what is in it, also when an
// error ends the import.
Result<int> ImportInto(Caller& caller, const CorpusFlags& flags, const InputFile& file,
                       std::int64_t& indexed) {
  auto body = json::serialize(json::object{{"path", file.path()}});
  ProgressLine progress;
  json::object last;
  auto line = [&] {
    return fmt::format("{} lines, {} indexed, {} unchanged, {} duplicates, {} failed",
                       NumberOf(last, "lines"), NumberOf(last, "indexed"),
                       NumberOf(last, "unchanged"), NumberOf(last, "duplicates"),
                       NumberOf(last, "failed"));
  };
  auto done = caller.Stream("POST", KbPath(flags.name) + "/import", std::move(body),
                            [&](std::string_view text) {
                              last = json::parse(text).as_object();
                              indexed = NumberOf(last, "indexed");
                              progress.Show(line());
                            });
  if (!done.has_value() && !last.empty()) progress.Finish("before the error: " + line());
  if (!done.has_value()) return Fail(file.InCallersWords(done.error()));
  progress.Finish(line());
  json::array failures;
  for (const auto& failure : last.at("failures").as_array()) {
    failures.emplace_back(file.InCallersWords(std::string(failure.as_string())));
  }
  const auto failed = NumberOf(last, "failed");
  PrintFailures(failures, failed);
  if (failed == 0) return kExitDone;
  if (failed < NumberOf(last, "lines")) return kExitPartly;
  return Fail(InvalidArgument("", flags.file + ": none of its lines could be indexed"));
}

Result<int> Import(const CallerFlags& common, const CorpusFlags& flags) {
  STRATA_TRY(const auto file, InputFile::Open(flags.file, common));
  // Before a folder or a base is made for nothing.
  if (std::ifstream(file.path()).peek() == std::ifstream::traits_type::eof()) {
    return Fail(InvalidArgument("", flags.file + ": is empty; expected a corpus of JSON lines"));
  }
  STRATA_TRY(auto caller, Caller::Open(common, DataFolder::kMayBeMade));
  // A first import makes the base: the exact form that anyone scores retrieval with is two
  // commands, not three.
  auto made =
      caller->Call("POST", "/strata/v1/kbs", json::serialize(json::object{{"name", flags.name}}));
  if (!made.has_value() && made.error().code() != Code::kConflict)
    return std::unexpected(std::move(made.error()));
  std::int64_t indexed = 0;
  auto done = ImportInto(*caller, flags, file, indexed);
  if (!done.has_value() && made.has_value() && indexed == 0) {
    // A base that was made for this file alone and holds nothing of it does not stay.
    [[maybe_unused]] auto gone = caller->Call("DELETE", KbPath(flags.name));
  }
  return done;
}

Result<int> Run(const CallerFlags& common, const CorpusFlags& flags) {
  json::object body;
  STRATA_CHECK_OK(AddFilter(flags, body));
  if (!flags.mode.empty()) body["mode"] = flags.mode;
  STRATA_TRY(const auto queries, InputFile::Open(flags.queries, common));
  const OutputFile out(flags.out, common);
  body["queries"] = queries.path();
  body["out"] = out.path();
  body["depth"] = flags.depth;
  if (flags.spans) body["spans"] = true;
  STRATA_TRY(auto caller, Caller::Open(common));
  auto reply = caller->Call("POST", KbPath(flags.name) + "/run", json::serialize(body));
  if (!reply.has_value()) return Fail(queries.InCallersWords(reply.error()));
  STRATA_CHECK_OK(out.Finish());
  fmt::print(NotesBeside(flags.out), "{} queries written to {}\n",
             NumberOf(json::parse(*reply).as_object(), "queries"), flags.out);
  return 0;
}

Result<int> Eval(const CallerFlags& common, const CorpusFlags& flags) {
  STRATA_TRY(const auto queries, InputFile::Open(flags.queries, common));
  STRATA_TRY(const auto qrels, InputFile::Open(flags.qrels, common));
  json::object body{{"queries", queries.path()}, {"qrels", qrels.path()}, {"depth", flags.depth}};
  STRATA_CHECK_OK(AddFilter(flags, body));
  STRATA_TRY(auto caller, Caller::Open(common));
  ProgressLine progress;
  json::object report;
  auto done = caller->Stream(
      "POST", KbPath(flags.name) + "/eval", json::serialize(body), [&](std::string_view text) {
        auto line = json::parse(text).as_object();
        if (line.contains("variants")) {
          report = std::move(line);
        } else {
          progress.Show(fmt::format("{} queries judged", NumberOf(line, "done")));
        }
      });
  if (!done.has_value()) {
    return Fail(qrels.InCallersWords(queries.InCallersWords(done.error())));
  }
  progress.Finish(fmt::format("{}: {} judged queries, {}", flags.name, NumberOf(report, "queries"),
                              TextOf(report, "index")));
  fmt::print("{}{}", EvalTable(report), EvalChangeText(report.at("kept").as_object()));
  if (!flags.out.empty()) {
    STRATA_CHECK_OK(WriteOutput(flags.out, json::serialize(report) + "\n"));
  }
  if (flags.plot.empty()) return 0;
  STRATA_CHECK_OK(WriteOutput(flags.plot, EvalPlot(flags.name, report)));
  return 0;
}

Result<int> Evaluations(const CallerFlags& common, const CorpusFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(const auto reply, caller->Call("GET", KbPath(flags.name) + "/evaluations"));
  const auto history = json::parse(reply).as_object();
  if (!flags.out.empty()) STRATA_CHECK_OK(WriteOutput(flags.out, reply + "\n"));
  if (!flags.plot.empty()) STRATA_CHECK_OK(WriteOutput(flags.plot, EvalHistoryPlot(history)));
  fmt::print(NotesBeside(flags.out), "{}", EvalHistoryTable(history));
  return 0;
}

void PrintTuning(const json::object& report) {
  fmt::print("{:<22}{:>8}\n", "", "nDCG@10");
  for (const auto& item : report.at("candidates").as_array()) {
    const auto& candidate = item.as_object();
    fmt::print("{:<22}{:>8.4f}\n", TextOf(candidate, "name"),
               candidate.at("nDCG@10").to_number<double>());
  }
  fmt::print("on queries that did not choose it:");
  for (const auto& [name, mean] : report.at("held_out").as_object()) {
    fmt::print(" {} {:.4f}", std::string_view(name), mean.to_number<double>());
  }
  fmt::print("\nchosen: {}{}\n", TextOf(report, "chosen"),
             report.at("applied").as_bool() ? "; the base searches so from now on"
                                            : "; --apply makes the base search so");
}

Result<int> Tune(const CallerFlags& common, const CorpusFlags& flags) {
  STRATA_TRY(const auto queries, InputFile::Open(flags.queries, common));
  STRATA_TRY(const auto qrels, InputFile::Open(flags.qrels, common));
  json::object body{{"queries", queries.path()}, {"qrels", qrels.path()}, {"apply", flags.apply}};
  STRATA_CHECK_OK(AddFilter(flags, body));
  STRATA_TRY(auto caller, Caller::Open(common));
  ProgressLine progress;
  json::object report;
  auto done = caller->Stream(
      "POST", KbPath(flags.name) + "/tune", json::serialize(body), [&](std::string_view text) {
        auto line = json::parse(text).as_object();
        if (line.contains("candidates")) {
          report = std::move(line);
        } else {
          progress.Show(fmt::format("{} queries judged", NumberOf(line, "done")));
        }
      });
  if (!done.has_value()) {
    return Fail(qrels.InCallersWords(queries.InCallersWords(done.error())));
  }
  progress.Finish(fmt::format("{}: {} judged queries", flags.name, NumberOf(report, "queries")));
  PrintTuning(report);
  return 0;
}

Result<int> Answer(const CallerFlags& common, const CorpusFlags& flags) {
  STRATA_TRY(const auto queries, InputFile::Open(flags.queries, common));
  const OutputFile out(flags.out, common);
  json::object body{{"queries", queries.path()}, {"out", out.path()}};
  STRATA_CHECK_OK(AddFilter(flags, body));
  if (!flags.model.empty()) body["model"] = flags.model;
  STRATA_TRY(auto caller, Caller::Open(common));
  auto reply = caller->Call("POST", KbPath(flags.name) + "/answer", json::serialize(body));
  if (!reply.has_value()) return Fail(queries.InCallersWords(reply.error()));
  STRATA_CHECK_OK(out.Finish());
  fmt::print(NotesBeside(flags.out), "{} answers written to {}\n",
             NumberOf(json::parse(*reply).as_object(), "queries"), flags.out);
  return 0;
}

void AddQueries(CLI::App& command, CorpusFlags& flags) {
  command.add_option("--queries", flags.queries, "queries.jsonl {_id, text}")
      ->required()
      ->check(CLI::ExistingFile);
  command.add_option("--filter", flags.filter, "metadata filter, Bedrock's JSON");
}

void AddJudgements(CLI::App& command, CorpusFlags& flags) {
  command.add_option("--qrels", flags.qrels, "judgements: query, document, grade (BEIR or TREC)")
      ->required()
      ->check(CLI::ExistingFile);
}

void AddDepth(CLI::App& command, CorpusFlags& flags) {
  command.add_option("--depth", flags.depth, "documents a query")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

}  // namespace

std::string KbPath(const std::string& name) { return "/strata/v1/kbs/" + PercentEncode(name); }

std::string AbsolutePath(const std::string& path) {
  return path.starts_with("s3://") ? path
                                   : std::filesystem::absolute(path).lexically_normal().string();
}

void AddCorpusCommands(Cli& cli, CLI::App& group) {
  auto flags = std::make_shared<CorpusFlags>();
  using Command = Result<int> (*)(const CallerFlags&, const CorpusFlags&);
  auto add = [&](const char* name, const char* what, Command run) {
    auto* command = group.add_subcommand(name, what);
    command->callback(
        [&cli, flags, run] { cli.run = [&cli, flags, run] { return run(cli.flags, *flags); }; });
    command->add_option("name", flags->name, "name of the knowledge base")->required();
    return command;
  };
  auto* import =
      add("import", "index a corpus of JSON lines {_id, title, text, …}; makes the base", Import);
  import->add_option("file", flags->file, "corpus.jsonl or .jsonl.gz")
      ->required()
      ->check(CLI::ExistingFile);
  auto* run = add("run", "run a file of queries and write what they find", Run);
  AddQueries(*run, *flags);
  AddDepth(*run, *flags);
  run->add_option("--out", flags->out, "file to write: query-id, document-id, score, tab separated")
      ->required();
  run->add_option("--mode", flags->mode, "lexical, dense, hybrid or default")
      ->check(CLI::IsMember({"lexical", "dense", "hybrid", "default"}));
  run->add_flag("--spans", flags->spans, "write chunk spans instead, as JSON lines");
  auto* eval =
      add("eval", "score judged queries, each kind of search and each stage left out", Eval);
  AddQueries(*eval, *flags);
  AddDepth(*eval, *flags);
  AddJudgements(*eval, *flags);
  eval->add_option("--out", flags->out, "file for all figures, JSON");
  eval->add_option("--plot", flags->plot, "file for a plot, SVG");
  auto* evaluations = add("evaluations", "what eval found each time, and what fell", Evaluations);
  evaluations->add_option("--out", flags->out, "file for all figures, JSON");
  evaluations->add_option("--plot", flags->plot, "file for a plot over time, SVG");
  auto* tune = add("tune", "choose by judged queries how much vectors and words count", Tune);
  AddQueries(*tune, *flags);
  AddJudgements(*tune, *flags);
  tune->add_flag("--apply", flags->apply, "search by what is chosen from now on");
  auto* answer = add("answer", "answer a file of queries, with citations", Answer);
  AddQueries(*answer, *flags);
  answer->add_option("--out", flags->out, "file to write, JSON lines")->required();
  answer->add_option("--model", flags->model,
                     "model that writes the answers (default: builtin/extract)");
}

}  // namespace strata::server
