#pragma once
// The knowledge bases whose files are open. A base is opened on first use. An open one costs three
// threads, some file handles and the memory of its cache, so that those which nobody has used for
// longest are closed when there are more than a limit; their next use opens them again.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/pool.h"
#include "base/task.h"
#include "knowledge/base/kb_cache.h"
#include "knowledge/base/kb_file.h"
#include "knowledge/kb_types.h"
#include "store/sql_file.h"

namespace strata::knowledge {

// One open knowledge base. Thread-safe.
struct OpenBase {
  std::string id;
  std::unique_ptr<store::SqlFile> file;
  std::unique_ptr<KbCache> cache;
};

// Thread-safe.
class OpenBases {
 public:
  // `vectors`: of every base but for the dimensions, which are its own. `open_max`: bases that stay
  // open beside those in use, at least 1.
  OpenBases(std::string folder, Pool& pool, vector::GraphIndexOptions vectors, std::size_t open_max)
      : folder_(std::move(folder)), pool_(pool), vectors_(vectors), open_max_(open_max) {}

  Task<Result<std::shared_ptr<OpenBase>>> Get(const KnowledgeBase& base);
  // The same on a thread that may block.
  Result<std::shared_ptr<OpenBase>> GetBlocking(const std::string& id, int dimensions);

  // Makes the file of a new one.
  Task<Result<>> Create(std::string id);
  // Closes it and deletes its files. Those who still hold it finish on files without a name, and
  // nobody gets it any more: kNotFound.
  Task<Result<>> Remove(std::string id);
  Result<> RemoveBlocking(const std::string& id);

  // Why a base cannot be used: its last opening failed for what the moment does not explain, or
  // its file cannot be read. Its next opening that succeeds ends that.
  std::optional<std::string> FailureOf(const std::string& id) const;
  void NoteFailure(const std::string& id, const Error& error);

  std::size_t open_count() const;

  std::string PathOf(std::string_view id) const;
  std::string LexicalFolderOf(std::string_view id) const;
  std::string GraphFileOf(std::string_view id) const;
  std::string NamesFolderOf(std::string_view id) const;

 private:
  struct Slot {
    std::mutex mutex;  // held while it is opened or closed: two of one file never live at once
    std::shared_ptr<OpenBase> base;
    bool removed = false;                     // for ever: no other base gets its id
    std::atomic<std::uint64_t> last_use = 0;  // of uses_
    std::atomic<bool> open = false;           // `base` is there, for those without the mutex
  };
  std::shared_ptr<OpenBase> Opened(const std::string& id);
  std::shared_ptr<Slot> SlotOf(const std::string& id);
  void EndFailure(const std::string& id);
  Result<std::shared_ptr<OpenBase>> Open(const std::string& id, int dimensions);
  // Blocks: a base that is closed ends its writer's work first.
  void CloseLeastUsed();
  std::vector<std::shared_ptr<Slot>> OpenSlots() const;  // least recently used first

  const std::string folder_;
  Pool& pool_;
  const vector::GraphIndexOptions vectors_;
  const std::size_t open_max_;
  std::atomic<std::uint64_t> uses_ = 0;
  // What can wait, of one base at a time. Before the bases, which wait for what it does with them.
  Pool background_{"kb.graphs", 1, 1 << 16};
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Slot>, std::less<>> slots_;
  std::map<std::string, std::string> failures_;  // by id
};

}  // namespace strata::knowledge
