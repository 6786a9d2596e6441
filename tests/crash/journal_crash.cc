// Proves that every acknowledged model call is in the ledger exactly once, whatever moment the
// process is killed at.
//
//   journal_crash [--kills N] [--seed N] [--folder DIR]
//
// The driver starts itself again as a worker that serves calls on three threads and writes down
// what it began and what it acknowledged. Each worker is killed (SIGKILL) at the n-th passage of
// one crash point; then the folder is opened again, as a restart does, and compared with what the
// workers wrote down. Every point must be hit at least once, and a log of passages proves it.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/rng.h"
#include "observe/drain.h"
#include "observe/ledger.h"
#include "store/data_dir.h"
#include "store/journal.h"
#include "store/sqlite.h"

namespace strata {
namespace {

namespace fs = std::filesystem;

constexpr const char* kServing[] = {
    "journal.segment.created",   "journal.segment.ready",       "journal.intent.torn",
    "journal.intent.appended",   "journal.final.torn",          "journal.final.appended",
    "journal.drain.before_sink", "ledger.append.before_commit", "ledger.append.committed",
    "journal.drain.after_sink",  "journal.drain.removed",
};
constexpr const char* kRecovering[] = {
    "journal.recover.before_sink",
    "journal.recover.after_sink",
    "journal.recover.removed",
};
constexpr int kThreads = 3;
constexpr int kCallsPerThread = 120;
constexpr std::int64_t kCostPicousd = 1000;

Options CrashOptions() {
  OptionTable table = store::Journal::JournalOptionTable();
  auto options = Options::Build(std::span(&table, 1), {{"journal.segment_bytes", {"65536", ""}},
                                                       {"journal.drain_every", {"1", ""}}});
  return std::move(*options);
}

[[noreturn]] void Die(const std::string& why) {
  fmt::print(stderr, "journal_crash: {}\n", why);
  std::exit(1);
}

template <class T>
T Must(Result<T> result, const char* doing) {
  if (!result.has_value()) Die(fmt::format("{}: {}", doing, result.error().message()));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// ---- the worker

// One line in one write call: whole lines only, even when killed.
void WriteLine(int fd, const std::string& line) {
  if (::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) Die("log");
}

void ServeCalls(store::Journal& journal, int log, std::uint64_t seed, int thread) {
  Rng rng(seed * 1000 + static_cast<std::uint64_t>(thread));
  for (int i = 0; i < kCallsPerThread; ++i) {
    store::CallIntent intent;
    intent.request_id = NewRequestId();
    intent.call_number = static_cast<std::uint32_t>(rng.Below(3));
    intent.time = SystemClock().Wall();
    intent.model = "m";
    intent.tags = {{"padding", std::string(rng.Below(200), 'x')}};
    intent.estimate.output_tokens = 100;
    intent.estimate_cost = domain::Money{5 * kCostPicousd};
    auto id = fmt::format("{} {}", intent.request_id.value, intent.call_number);
    auto call = Must(journal.Begin(std::move(intent)), "begin");
    WriteLine(log, "begun " + id + "\n");
    call.outcome().usage.output_tokens = 20;
    call.outcome().cost = domain::Money{kCostPicousd};
    if (rng.Below(10) == 0) continue;  // dropped without an end
    Must(call.Finish(store::CallStatus::kOk), "finish");
    WriteLine(log, "acknowledged " + id + "\n");
  }
}

int Worker(const std::string& folder, std::uint64_t seed) {
  SetLogLevel(Level::kError);
  auto dir = Must(store::DataDir::Open(folder), "open folder");
  auto books = Must(observe::OpenAccounting(dir, CrashOptions()), "open accounting");
  int log = ::open((folder + "/run/calls.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] { ServeCalls(*books.journal, log, seed, t); });
  }
  for (auto& thread : threads) thread.join();
  return 0;
}

// ---- the driver

struct Run {
  std::string self;
  std::string folder;
  std::string counts;
  std::uint64_t seed = 1;
  int kills = 0;
  std::map<std::string, int> kills_at;

  // true: the worker was killed at that passage; false: it ended before.
  bool RunWorker(const std::string& point, std::uint64_t passage) {
    auto at = fmt::format("{}:{}", point, passage);
    auto seed_text = std::to_string(++seed);
    auto pid = ::fork();
    if (pid == 0) {
      ::setenv("STRATA_CRASH_AT", at.c_str(), 1);
      ::setenv("STRATA_CRASH_COUNT", counts.c_str(), 1);
      ::execl(self.c_str(), self.c_str(), "--worker", folder.c_str(), seed_text.c_str(), nullptr);
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
      ++kills;
      ++kills_at[point];
      return true;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) Die("a worker failed by itself at " + at);
    return false;
  }

  void Kill(const std::string& point, std::uint64_t passage) {
    while (!RunWorker(point, passage)) {
      if (passage == 1) Die("crash point never reached: " + point);
      passage = std::max<std::uint64_t>(1, passage / 4);
    }
  }

  void Check() const;
};

std::set<std::string> LinesOf(const std::string& path, const std::string& word) {
  std::set<std::string> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(word + " ")) out.insert(line.substr(word.size() + 1));
  }
  return out;
}

// A restart: opens everything, then compares.
void Run::Check() const {
  auto dir = Must(store::DataDir::Open(folder), "reopen folder");
  auto books = Must(observe::OpenAccounting(dir, CrashOptions()), "reopen accounting");
  Must(books.ledger->VerifyBlocking(), "verify the chain");
  auto db =
      Must(store::Database::Open(dir.ledger_db(), {.mode = store::OpenMode::kReadOnly}), "db");
  auto rows =
      Must(db->Prepare("SELECT request_id || ' ' || call_number, status, cost_picousd FROM calls"),
           "sql");
  std::map<std::string, std::pair<std::string, std::int64_t>> ledger;
  while (Must(rows.Step(), "step")) {
    auto id = std::string(rows.Text(0));
    bool fresh = ledger.emplace(id, std::pair(std::string(rows.Text(1)), rows.Integer(2))).second;
    if (!fresh) Die("twice in the ledger: " + id);
  }
  auto log = folder + "/run/calls.log";
  for (const auto& id : LinesOf(log, "acknowledged")) {
    auto it = ledger.find(id);
    if (it == ledger.end()) Die("acknowledged and not in the ledger: " + id);
    if (it->second != std::pair<std::string, std::int64_t>("ok", kCostPicousd)) {
      Die(fmt::format("acknowledged {} but charged {} as {}", id, it->second.second,
                      it->second.first));
    }
  }
  for (const auto& id : LinesOf(log, "begun")) {
    if (!ledger.contains(id)) Die("begun and neither charged nor interrupted: " + id);
  }
}

int Drive(Run& run, int kills_wanted) {
  SetLogLevel(Level::kError);
  Rng rng(run.seed);
  while (run.kills < kills_wanted) {
    for (const auto* point : kServing) {
      // Intents and finals pass hundreds of times in a worker's life, the others a few times.
      std::string_view name(point);
      bool often = name.find("intent") != name.npos || name.find("final") != name.npos;
      run.Kill(point, 1 + rng.Below(often ? 150 : 2));
      run.Check();
    }
    for (const auto* point : kRecovering) {
      // Something to recover, then a kill while that is done.
      run.Kill("journal.final.appended", 1 + rng.Below(200));
      run.Kill(point, 1);
      run.Check();
    }
  }
  std::map<std::string, int> passages;
  std::ifstream file(run.counts);
  for (std::string line; std::getline(file, line);) ++passages[line];
  fmt::print("{:<30} {:>6} {:>10}\n", "crash point", "kills", "passages");
  auto show = [&](const char* point) {
    fmt::print("{:<30} {:>6} {:>10}\n", point, run.kills_at[point], passages[point]);
    if (run.kills_at[point] == 0 || passages[point] == 0) Die(std::string("not hit: ") + point);
  };
  for (const auto* point : kServing) show(point);
  for (const auto* point : kRecovering) show(point);
  auto acknowledged = LinesOf(run.folder + "/run/calls.log", "acknowledged").size();
  fmt::print("{} kills, {} acknowledged calls, each in the ledger exactly once\n", run.kills,
             acknowledged);
  return 0;
}

int Main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "--worker") {
    return Worker(argv[2], std::strtoull(argv[3], nullptr, 10));
  }
  Run run;
  run.self = fs::read_symlink("/proc/self/exe").string();
  int kills = 42;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string_view flag(argv[i]);
    if (flag == "--kills") kills = std::atoi(argv[i + 1]);
    if (flag == "--seed") run.seed = std::strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--folder") run.folder = argv[i + 1];
  }
  auto pattern = (fs::temp_directory_path() / "strata-crash-XXXXXX").string();
  auto made = run.folder.empty() ? std::string(::mkdtemp(pattern.data())) : std::string();
  if (!made.empty()) run.folder = made;
  run.counts = run.folder + ".passages";
  auto code = Drive(run, kills);
  if (!made.empty()) fs::remove_all(made);
  fs::remove(run.counts);
  return code;
}

}  // namespace
}  // namespace strata

int main(int argc, char** argv) { return strata::Main(argc, argv); }
