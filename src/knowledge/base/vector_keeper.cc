#include "knowledge/base/vector_keeper.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <mutex>

#include "base/background_steps.h"
#include "base/log.h"
#include "store/file.h"
#include "vector/graph_file.h"
#include "vector/mapped_file.h"

namespace strata::knowledge {
namespace {

namespace fs = std::filesystem;

// Of work between two looks at whether the base is being closed; other bases get their turn too.
constexpr std::chrono::milliseconds kStep(100);
// A file that misses no more than this share of the graph's links is not written again: linking
// them anew after a restart takes seconds.
constexpr std::size_t kUnsavedShare = 50;
constexpr std::size_t kUnsavedMin = 1000;

Result<> WriteGraph(vector::GraphIndex& index, std::int64_t generation, const std::string& path) {
  const std::string fresh = path + ".new";
  store::FileHandle file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid()) return Fail(store::SystemError(errno, "writing", fresh));
  STRATA_CHECK_OK(index.Save(generation, [&](std::string_view piece) {
    return store::WriteAll(file.get(), piece, fresh);
  }));
  if (::fsync(file.get()) != 0) return Fail(store::SystemError(errno, "syncing", fresh));
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    return Fail(store::SystemError(errno, "renaming", fresh));
  }
  return store::SyncFolder(fs::path(path).parent_path().string());
}

Result<> ReadGraph(vector::GraphIndex& index, std::int64_t generation, const std::string& path) {
  STRATA_TRY(auto mapped, vector::MappedFile::Open(path));
  STRATA_TRY(auto file, vector::GraphFile::Parse(mapped->bytes()));
  // A database that was put back to an earlier state counts its generations again.
  if (file.header().generation > generation) {
    return Fail(Code::kConflict, "a graph file is newer than its database");
  }
  return index.Load(file);
}

}  // namespace

struct VectorKeeper::State {
  State(VectorKeeperOptions given, Pool* pool)
      : options(std::move(given)), index(options.index), steps(pool, "kb.graph", [this] {
          if (index.Tend(kStep)) return true;
          SaveIfMuchChanged();
          return false;
        }) {}

  const VectorKeeperOptions options;
  vector::GraphIndex index;
  std::once_flag taken_up;
  bool saved = false;  // there is a file of this graph
  std::atomic<std::int64_t> generation = 0;
  BackgroundSteps steps;  // the last: it uses the others

  void TakeUp() {
    auto read = ReadGraph(index, generation, options.graph_file);
    saved = read.has_value();
    if (read.has_value() || read.error().code() == Code::kNotFound) return;
    Log(Level::kWarning, "kb.graph.rebuild", {{"reason", read.error().message()}});
    static_cast<void>(store::RemoveFile(options.graph_file));
  }

  void SaveIfMuchChanged() {
    const auto stats = index.graph_stats();
    const std::size_t much = saved ? std::max(kUnsavedMin, stats.linked / kUnsavedShare) : 0;
    std::error_code error;
    if (stats.unsaved <= much || stats.linked == 0 || !fs::exists(options.database, error)) return;
    auto written = WriteGraph(index, generation, options.graph_file);
    saved = written.has_value();
    if (saved) return;
    Log(Level::kWarning, "kb.graph.not_saved", {{"reason", written.error().message()}});
  }
};

VectorKeeper::VectorKeeper(VectorKeeperOptions options, Pool* pool)
    : state_(std::make_unique<State>(std::move(options), pool)) {}
VectorKeeper::~VectorKeeper() = default;

vector::VectorIndex& VectorKeeper::index() { return state_->index; }
const vector::VectorIndex& VectorKeeper::index() const { return state_->index; }
vector::GraphIndex::GraphStats VectorKeeper::graph_stats() const {
  return state_->index.graph_stats();
}

void VectorKeeper::Followed(std::int64_t generation) {
  state_->generation = generation;
  std::call_once(state_->taken_up, [this] { state_->TakeUp(); });
  state_->steps.Wake();
}

}  // namespace strata::knowledge
