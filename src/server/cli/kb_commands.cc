// strata kb create|list|sync|search|delete, and strata ask.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "base/encoding.h"
#include "guard/model_access.h"
#include "server/cli/bases.h"
#include "server/cli/cli.h"
#include "server/cli/corpus_commands.h"
#include "server/cli/interrupt.h"
#include "server/cli/print.h"

namespace strata::server {
namespace {

namespace json = boost::json;

struct KbFlags {
  std::string name;
  std::string source;
  std::string embedding_model;
  std::string mode;
  std::string query;
  int results = 5;
  int join = -1;  // as the server is set
  std::string rerank;
  std::string filter;
  std::string model;
};

Result<int> Create(const CallerFlags& common, const KbFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common, DataFolder::kMayBeMade));
  json::object body{{"name", flags.name}};
  if (!flags.source.empty()) body["source"] = AbsolutePath(flags.source);
  if (!flags.embedding_model.empty()) body["embedding_model"] = flags.embedding_model;
  if (!flags.mode.empty()) body["mode"] = flags.mode;
  STRATA_TRY(auto reply, caller->Call("POST", "/strata/v1/kbs", json::serialize(body)));
  auto made = json::parse(reply).as_object();
  fmt::print("knowledge base {} ({}) answers as model {}\n", flags.name, TextOf(made, "id"),
             TextOf(made, "model"));
  if (!flags.source.empty()) fmt::print("next: strata kb sync {}\n", flags.name);
  return 0;
}

Result<int> List(const CallerFlags& common) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("GET", "/strata/v1/kbs"));
  fmt::print("{:<24} {:<12} {:<10} {:<10} {:<28} {}\n", "name", "id", "status", "search",
             "embedding model", "description");
  auto parsed = json::parse(reply);
  for (const auto& item : parsed.at("kbs").as_array()) {
    const auto& kb = item.as_object();
    fmt::print("{:<24} {:<12} {:<10} {:<10} {:<28} {}\n", TextOf(kb, "name"), TextOf(kb, "id"),
               TextOf(kb, "status"), TextOf(kb, "mode"), TextOf(kb, "embedding_model"),
               TextOf(kb, "description"));
  }
  return 0;
}

Result<int> Delete(const CallerFlags& common, const KbFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  auto deleted = caller->Call("DELETE", KbPath(flags.name));
  if (!deleted.has_value()) return Fail(std::move(deleted.error()));
  fmt::print("deleted {}\n", flags.name);
  return 0;
}

std::string Summary(const json::object& line, const json::object& s) {
  return fmt::format("{}: {} scanned, {} added, {} changed, {} removed, {} skipped, {} failed",
                     TextOf(line, "source"), NumberOf(s, "scanned"), NumberOf(s, "added"),
                     NumberOf(s, "modified") + NumberOf(s, "metadata_modified"),
                     NumberOf(s, "deleted"), NumberOf(s, "skipped"), NumberOf(s, "failed"));
}

std::string Duration(std::int64_t seconds) {
  if (seconds < 90) return fmt::format("{} s", seconds);
  const auto minutes = (seconds + 30) / 60;
  if (minutes < 90) return fmt::format("{} min", minutes);
  return fmt::format("{} h {} min", minutes / 60, minutes % 60);
}

// "; 37 of 240 read, 12 a minute, about 17 min left"; "" without a pace.
std::string PaceOf(const json::object& line) {
  const auto* member = line.if_contains("pace");
  if (member == nullptr) return {};
  const auto& pace = member->as_object();
  if (NumberOf(pace, "documents") == 0) return {};
  auto out = fmt::format("; {} of {} read", NumberOf(pace, "done"), NumberOf(pace, "documents"));
  if (const auto* left = pace.if_contains("seconds_left")) {
    out += fmt::format(", {:.3g} a minute, about {} left",
                       pace.at("documents_per_minute").to_number<double>(),
                       Duration(left->to_number<std::int64_t>()));
  }
  return out;
}

// What Ctrl-C does to a sync that is followed: the command that started it stops it, one that
// looks on leaves. Thread-safe.
class SyncInterrupt {
 public:
  SyncInterrupt(const Caller& caller, std::string name) : caller_(caller), name_(std::move(name)) {}

  // `own_job`: "" while the sync is somebody else's.
  void Follows(std::string own_job) {
    std::lock_guard lock(mutex_);
    own_job_ = std::move(own_job);
  }
  bool happened() const { return happened_; }

  void Take() {
    happened_ = true;
    std::lock_guard lock(mutex_);
    if (own_job_.empty()) {
      fmt::print(stderr,
                 "\nleft; the sync goes on: strata kb sync {0} shows it, strata kb stop {0} stops "
                 "it\n",
                 name_);
      Leave();
    }
    fmt::print(stderr, "\nstopping the sync (Ctrl-C again: leave before it has stopped)\n");
    auto body = json::serialize(json::object{{"job", own_job_}});
    auto stopped = caller_.Beside()->Call("POST", KbPath(name_) + "/sync/stop", std::move(body));
    if (stopped.has_value()) return;
    fmt::print(stderr, "error: the sync was not stopped: {}\n", stopped.error().message());
    Leave();
  }

 private:
  // The other thread waits for the server.
  [[noreturn]] static void Leave() {
    std::fflush(nullptr);
    std::_Exit(kExitInterrupted);
  }

  const Caller& caller_;
  const std::string name_;
  std::mutex mutex_;
  std::string own_job_;
  std::atomic<bool> happened_ = false;
};

// The exit code: kExitFailed when a source could not be read or somebody else stopped the sync,
// kExitPartly when documents failed.
Result<int> SyncWith(Caller& caller, const std::string& name) {
  ProgressLine progress;
  int code = kExitDone;
  bool noted = false;
  auto on_line = [&](SyncInterrupt& interrupt, std::string_view text) {
    auto line = json::parse(text).as_object();
    bool done = line.contains("statistics");
    const auto& s = line.at(done ? "statistics" : "progress").as_object();
    if (auto* attached = line.if_contains("attached")) {
      // What this process runs ends with it.
      bool own = !attached->as_bool() || !caller.served();
      interrupt.Follows(own ? TextOf(line, "job") : std::string());
      if (attached->as_bool()) {
        fmt::print(stderr, "a sync of {} runs already; following it\n", TextOf(line, "source"));
      }
    }
    auto summary = Summary(line, s);
    if (auto note = TextOf(line, "note"); !note.empty() && !noted) {
      noted = true;
      progress.Note("note: " + note);
    }
    if (!done) return progress.Show(summary + PaceOf(line));
    progress.Finish(fmt::format("{}: {}", TextOf(line, "status"), summary));
    bool whole = TextOf(line, "status") == "COMPLETE";
    PrintWarnings(line.at("warnings").as_array());
    auto reasons = line.at("failure_reasons").as_array();
    if (!whole && !reasons.empty()) {  // the first is why it ended
      if (!interrupt.happened())
        fmt::print(stderr, "error: {}\n", reasons.front().as_string().c_str());
      reasons.erase(reasons.begin());
    }
    PrintFailures(reasons, NumberOf(s, "failed"));
    if (!whole) code = kExitFailed;
    if (whole && NumberOf(s, "failed") > 0 && code == kExitDone) code = kExitPartly;
  };
  SyncInterrupt interrupt(caller, name);
  InterruptWatch watch([&] { interrupt.Take(); });
  STRATA_CHECK_OK(caller.Stream("POST", KbPath(name) + "/sync", {},
                                [&](std::string_view text) { on_line(interrupt, text); }));
  if (!interrupt.happened()) return code;
  fmt::print(stderr, "what was added stays; strata kb sync {} goes on from there\n", name);
  return kExitInterrupted;
}

Result<int> Sync(const CallerFlags& common, const KbFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  return SyncWith(*caller, flags.name);
}

Result<int> Stop(const CallerFlags& common, const KbFlags& flags) {
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("POST", KbPath(flags.name) + "/sync/stop"));
  auto parsed = json::parse(reply);
  const auto& jobs = parsed.at("jobs").as_array();
  for (const auto& item : jobs) {
    const auto& job = item.as_object();
    fmt::print("{}: {}\n", TextOf(job, "status"), Summary(job, job.at("statistics").as_object()));
  }
  if (jobs.empty()) fmt::print("no sync of {} runs\n", flags.name);
  return kExitDone;
}

Result<json::object> SearchBody(const KbFlags& flags) {
  json::object body;
  if (!flags.mode.empty()) body["mode"] = flags.mode;
  if (flags.join >= 0) body["join"] = flags.join;
  if (!flags.rerank.empty()) body["rerank"] = flags.rerank;
  if (flags.filter.empty()) return body;
  json::error_code error;
  body["filter"] = json::parse(flags.filter, error);
  if (error) return Fail(InvalidArgument("--filter", "is not JSON"));
  return body;
}

Result<int> Search(const CallerFlags& common, const KbFlags& flags) {
  STRATA_TRY(auto body, SearchBody(flags));
  body["query"] = flags.query;
  body["results"] = flags.results;
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply,
             caller->Call("POST", KbPath(flags.name) + "/search", json::serialize(body)));
  auto parsed = json::parse(reply);
  int rank = 0;
  for (const auto& item : parsed.at("retrievalResults").as_array()) {
    const auto& metadata = item.at("metadata").as_object();
    auto where = TextOf(metadata, "x-amz-bedrock-kb-source-uri");
    if (auto* page = metadata.if_contains("x-amz-bedrock-kb-document-page-number")) {
      where += fmt::format(", page {}", page->to_number<int>());
    }
    fmt::print("{}. {:.4f}  {}\n", ++rank, item.at("score").to_number<double>(), where);
    fmt::print("{}\n", Indented(std::string(item.at("content").at("text").as_string()), 4));
  }
  if (rank == 0) fmt::print("nothing found\n");
  return 0;
}

// Whether a knowledge base of that name is there: it comes before a folder of the same name.
Result<bool> IsBase(Caller& caller, const std::string& name) {
  if (name.find_first_of("/~") != name.npos) return false;
  return HasBase(caller, name);
}

// A folder as the first argument of `ask` becomes a knowledge base of its own, named after its path
// and used again the next time. `code`: what reading it came to.
Result<std::string> BaseForFolder(Caller& caller, const std::string& folder, int& code) {
  auto path = AbsolutePath(folder);
  if (path.ends_with('/')) path.pop_back();
  auto name = std::string(guard::kFolderBasePrefix);
  name += Sha256Hex(path).substr(0, guard::kFolderBaseDigits);
  STRATA_TRY(bool there, IsBase(caller, name));
  if (!there) {
    json::object body{
        {"name", name}, {"source", path}, {"description", "made by strata ask for " + path}};
    auto made = caller.Call("POST", "/strata/v1/kbs", json::serialize(body));
    // kConflict: another command has made it meanwhile.
    if (!made.has_value() && made.error().code() != Code::kConflict)
      return std::unexpected(std::move(made.error()));
  }
  STRATA_TRY(code, SyncWith(caller, name));
  return name;
}

// A path that is no folder is not looked for among the names of knowledge bases.
Result<> CheckAskable(const std::string& source) {
  std::error_code ignored;
  bool there = std::filesystem::exists(source, ignored);
  if (source.find('/') == source.npos && !source.starts_with('~')) return {};
  return Fail(Code::kNotFound,
              fmt::format("'{}' is {}; expected a folder of documents, or the name of a knowledge "
                          "base (strata kb list)",
                          source, there ? "no folder" : "not there"));
}

Result<int> Ask(const CallerFlags& common, const KbFlags& flags) {
  std::error_code ignored;
  bool folder = std::filesystem::is_directory(flags.name, ignored);
  if (!folder) STRATA_CHECK_OK(CheckAskable(flags.name));
  STRATA_TRY(auto caller,
             Caller::Open(common, folder ? DataFolder::kMayBeMade : DataFolder::kMustExist));
  auto name = flags.name;
  if (folder) {
    STRATA_TRY(bool base, IsBase(*caller, name));
    if (base) {
      fmt::print(stderr,
                 "'{0}' is a knowledge base and a folder here; the base is asked (the folder: "
                 "strata ask ./{0} …)\n",
                 name);
    }
    folder = !base;
  }
  int code = kExitDone;
  if (folder) {
    STRATA_TRY(name, BaseForFolder(*caller, flags.name, code));
    if (code != kExitDone && code != kExitPartly) return code;
  }
  json::object body{{"question", flags.query}};
  if (!flags.model.empty()) body["model"] = flags.model;
  auto reply = caller->Call("POST", KbPath(name) + "/ask", json::serialize(body));
  if (!reply.has_value()) {
    bool no_base = reply.error().message().starts_with("knowledge base");
    if (!no_base || folder) return Fail(std::move(reply.error()));
    return Fail(Code::kNotFound,
                fmt::format("{}, and there is no folder of that name", reply.error().message()));
  }
  PrintAnswer(*reply);
  return code;
}

// Adds commands that have their flags in common.
struct CommandAdder {
  using Command = Result<int> (*)(const CallerFlags&, const KbFlags&);

  Cli& cli;
  std::shared_ptr<KbFlags> flags;

  CLI::App* operator()(CLI::App& parent, const char* name, const char* what, Command run) const {
    auto* command = parent.add_subcommand(name, what);
    command->callback([&cli = cli, flags = flags, run] {
      cli.run = [&cli, flags, run] { return run(cli.flags, *flags); };
    });
    return command;
  }
};

void AddAskCommand(const CommandAdder& add) {
  auto* ask = add(
      add.cli.app, "ask",
      "ask a knowledge base, or a folder of documents (indexed first), and print the cited answer",
      Ask);
  ask->add_option(
         "source", add.flags->name,
         "name of a knowledge base or of several, A,B, or a folder (./NAME where a base has "
         "the same name)")
      ->required();
  ask->add_option("question", add.flags->query, "the question")->required();
  ask->add_option("--model", add.flags->model,
                  "model that writes the answer (default: builtin/extract, no language model)");
}

}  // namespace

void AddKbCommands(Cli& cli) {
  auto flags = std::make_shared<KbFlags>();
  auto* group = cli.app.add_subcommand("kb", "knowledge bases");
  group->require_subcommand(1);
  group->fallthrough();
  const CommandAdder add{cli, flags};
  auto named = [&](CLI::App* command) {
    command->add_option("name", flags->name, "name of the knowledge base")->required();
  };

  const CLI::IsMember modes({"lexical", "dense", "hybrid", "default"});
  auto* create = add(*group, "create",
                     "make a knowledge base, empty or of a folder that kb sync then reads", Create);
  named(create);
  create->add_option(
      "source", flags->source,
      "folder of documents, or s3://bucket/prefix (a folder by kb.s3_map); without it documents "
      "come by kb import or the APIs. Bedrock's API shows a folder as a CUSTOM data source");
  create->add_option("--embedding-model", flags->embedding_model,
                     "embedding model (default: kb.embedding_model)");
  create
      ->add_option("--mode", flags->mode,
                   "how it is searched: lexical (words), dense (meaning) or hybrid (both); "
                   "default: kb.search.mode")
      ->check(modes);
  add(*group, "list", "all knowledge bases",
      [](const CallerFlags& c, const KbFlags&) { return List(c); });
  named(add(*group, "delete", "remove a knowledge base and all it holds", Delete));
  named(add(*group, "sync",
            "index the documents of a knowledge base's folder; only what changed is read, what is "
            "gone is taken out",
            Sync));
  named(
      add(*group, "stop", "stop a sync of a knowledge base that runs; what it added stays", Stop));
  auto* search = add(*group, "search", "show the passages that a query finds", Search);
  search->add_option("name", flags->name, "name of the knowledge base, or of several: A,B")
      ->required();
  search->add_option("query", flags->query, "the query")->required();
  search->add_option("--results", flags->results, "how many")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  search->add_option("--mode", flags->mode, "lexical, dense or hybrid (default: the base's)")
      ->check(modes);
  search->add_option(
      "--filter", flags->filter,
      "metadata filter, Bedrock's JSON: '{\"equals\": {\"key\": \"year\", \"value\": 2024}}'");
  search
      ->add_option("--join", flags->join,
                   "passages of the same section joined to each result on either side")
      ->check(CLI::Range(0, 5));
  search->add_option("--rerank", flags->rerank, "reranker that orders what is found");
  AddCorpusCommands(cli, *group);

  AddAskCommand(add);
}

}  // namespace strata::server
