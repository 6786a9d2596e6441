#pragma once
// The knowledge bases whose files are open. A base is opened on first use and stays open until it
// is deleted.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

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
  // `vectors`: of every base but for the dimensions, which are its own.
  OpenBases(std::string folder, Pool& pool, vector::GraphIndexOptions vectors)
      : folder_(std::move(folder)), pool_(pool), vectors_(vectors) {}

  Task<Result<std::shared_ptr<OpenBase>>> Get(const KnowledgeBase& base);
  // The same on a thread that may block.
  Result<std::shared_ptr<OpenBase>> GetBlocking(const std::string& id, int dimensions);

  // Closes it and deletes its files. Those who still hold it finish on files without a name.
  Task<Result<>> Remove(std::string id);
  Result<> RemoveBlocking(const std::string& id);

  std::string PathOf(std::string_view id) const;
  std::string LexicalFolderOf(std::string_view id) const;
  std::string GraphFileOf(std::string_view id) const;

 private:
  struct Slot {
    std::mutex mutex;  // held while it is opened
    std::shared_ptr<OpenBase> base;
  };
  std::shared_ptr<OpenBase> Opened(const std::string& id);

  const std::string folder_;
  Pool& pool_;
  const vector::GraphIndexOptions vectors_;
  // One graph is built at a time. Before the bases, which wait for what it does with them.
  Pool graphs_{"kb.graphs", 1, 1 << 16};
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Slot>, std::less<>> slots_;
};

}  // namespace strata::knowledge
