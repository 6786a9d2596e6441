#pragma once
// Online backup of a data folder, and its way back. Databases are copied with SQLite's backup
// interface while the server writes; models, secrets, certificates and whatever else is not made
// again by itself as files. The journal is not copied: flush it first (Journal::Flush), then the
// ledger has what was answered.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace strata::store {

class Database;

// What meta.db says of database files that are made and deleted beside it while the server runs.
// Both work on any copy of it.
struct FilesOfMeta {
  // The names of those that it needs: "kb-ID.db". One stands there before it is needed, and is
  // needed no longer before it is deleted.
  std::function<Result<std::vector<std::string>>(Database& meta)> needed;
  // It was deleted after the copy was made: the copy needs it no longer.
  std::function<Result<>(Database& meta, const std::string& name)> forget;
};

struct BackupReport {
  std::int64_t databases = 0;
  std::int64_t files = 0;
  std::uint64_t bytes = 0;
};

// `target`: a folder that does not exist yet, or a path that ends in .tar; the folder that it is to
// lie in exists and is not in the data folder (kNotFound, kInvalidArgument). Every database copy is
// checked (quick_check) and a manifest with sizes and SHA-256 is written last: a backup without it
// is not complete. It stands at `target` when it is whole and not before. Secrets are in it: mode
// 0700 and 0600. kCorruption: a database is damaged, or one that `meta` needs is missing. Blocks.
Result<BackupReport> Backup(const std::string& data_folder, const std::string& target,
                            const FilesOfMeta& meta);

// `source`: what Backup wrote. Checks the manifest before anything is put in place. kConflict when
// `data_folder` is there and not empty; kCorruption when a file does not match. Blocks.
Result<BackupReport> Restore(const std::string& source, const std::string& data_folder);

}  // namespace strata::store
