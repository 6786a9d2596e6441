#pragma once
// The data folder: everything that strata writes lies under it, and one process holds it. Folders
// have mode 0700, files 0600.
//
//   meta.db jobs.db ledger.db eval.db files.db traces-DAY.db kb-ID.db    SQLite
//   journal/ models/ secrets/ tls/ providers.yaml      see journal.h, secrets.h
//   run/lock run/server.json                            who holds it, how to reach it

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::store {

// How the command line reaches the server that holds a folder.
struct ServerAddress {
  std::int64_t pid = 0;
  std::string url;      // "http://127.0.0.1:8400"
  std::string control;  // a bearer that is valid for this run of the server only
};

// Owns the lock; released when destroyed, and by the kernel when the process dies. Move only.
class DataDir {
 public:
  // Creates what is missing, takes the lock, narrows the mode to 0700. kConflict: another process
  // holds it (the message says its pid, and its URL when it serves), or it is not empty and Exists
  // says no; then it stays as it is. kPermissionDenied, kUnavailable (disk full).
  static Result<DataDir> Open(const std::string& path);
  // A data folder, held by somebody or not: with a lock file of ours, or with a meta.db of strata
  // (it was restored, or copied without run/).
  static bool Exists(const std::string& path);
  ~DataDir();
  DataDir(DataDir&& other) noexcept;
  DataDir& operator=(DataDir&& other) noexcept;

  // The server that holds `path` and answers there now; nullopt when none does. Takes no lock and
  // changes nothing.
  static Result<std::optional<ServerAddress>> FindServer(const std::string& path);

  // Called once by a server when it listens; taken back when it begins to stop, at the latest with
  // this object.
  Result<> PublishServer(const ServerAddress& address);
  void UnpublishServer();

  const std::string& path() const { return path_; }
  std::string meta_db() const { return path_ + "/meta.db"; }
  std::string jobs_db() const { return path_ + "/jobs.db"; }
  std::string ledger_db() const { return path_ + "/ledger.db"; }
  std::string eval_db() const { return path_ + "/eval.db"; }
  std::string files_db() const { return path_ + "/files.db"; }
  std::string kb_db(std::string_view kb_id) const;    // "kb-ID.db"
  std::string traces_db(std::string_view day) const;  // "traces-2026-11-22.db"
  std::string journal() const { return path_ + "/journal"; }
  std::string models() const { return path_ + "/models"; }
  std::string secrets() const { return path_ + "/secrets"; }
  std::string tls() const { return path_ + "/tls"; }
  std::string run() const { return path_ + "/run"; }

 private:
  DataDir(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}

  std::string path_;
  int lock_fd_ = -1;
  bool published_ = false;
};

}  // namespace strata::store
