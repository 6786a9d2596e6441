#pragma once
// Uploaded files (/v1/files): what a client may name later by an id. Rows of files.db, bytes
// included, so that a file is there whole or not at all, and a backup has it. A file belongs to its
// workspace and key: nobody else finds it.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/options.h"
#include "store/sql_file.h"

namespace strata::store {

struct FileOwner {
  WorkspaceId workspace;
  KeyId key;
};

struct StoredFile {
  std::string id;  // "file-…"
  std::string filename;
  std::string purpose;
  std::int64_t bytes = 0;
  WallTime created;
  std::optional<WallTime> expires;
};

struct NewFile {
  std::string filename;
  std::string purpose;
  std::string_view content;  // alive until Put returns
  std::optional<std::chrono::seconds> lifetime;
};

struct FileLimits {
  std::int64_t bytes_max = 64 << 20;          // one file
  std::int64_t total_bytes_max = 10LL << 30;  // of a workspace
};
FileLimits FileLimitsOf(const Options& options);

// In front of every id.
inline constexpr std::string_view kFileIdPrefix = "file-";

// Thread-safe. Destroy before the io_contexts whose coroutines wait on it.
class FileStore {
 public:
  static OptionTable FileOptionTable();  // `files.*`

  static Result<std::unique_ptr<FileStore>> Open(const std::string& path, FileLimits limits,
                                                 const Clock& clock = SystemClock());

  // Returns when it is on disk. kTooLarge, naming the limit; kUnavailable.
  Task<Result<StoredFile>> Put(FileOwner owner, NewFile file);

  // kNotFound: never stored, deleted, expired, or another key's.
  Task<Result<StoredFile>> Get(FileOwner owner, std::string id);
  Task<Result<std::string>> Content(FileOwner owner, std::string id);

  struct Query {
    std::string after;  // a file's id; "" from the start
    std::string purpose;
    std::int64_t limit = 10'000;
    bool ascending = false;  // by age: the oldest first
  };
  struct Page {
    std::vector<StoredFile> files;
    bool more = false;
  };
  // kInvalidArgument at `after` when that is no file of the owner's.
  Task<Result<Page>> List(FileOwner owner, Query query);

  Task<Result<>> Delete(FileOwner owner, std::string id);

 private:
  FileStore(FileLimits limits, const Clock& clock) : limits_(limits), clock_(clock) {}
  Result<StoredFile> Insert(Database& database, const FileOwner& owner, const NewFile& file) const;
  Result<Page> Select(Database& database, const FileOwner& owner, const Query& query) const;

  std::unique_ptr<SqlFile> file_;
  FileLimits limits_;
  const Clock& clock_;
};

}  // namespace strata::store
