#include "store/new_database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>

#include "store/file.h"
#include "store/sqlite.h"

namespace strata::store {

Result<> MakeDatabaseFile(const std::string& path, int page_bytes) {
  FileHandle file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return Fail(SystemError(errno, "opening", path));
  struct stat about{};
  if (::fstat(file.get(), &about) != 0) return Fail(SystemError(errno, "reading", path));
  if (about.st_size > 0) return {};
  sqlite3* raw = nullptr;
  int code =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> database(raw, sqlite3_close_v2);
  if (code != SQLITE_OK) return Fail(SqliteError(code, "creating " + path, sqlite3_errstr(code)));
  // The size is settled when the first page is written, which the change to the log does.
  auto script = fmt::format("PRAGMA page_size = {}; PRAGMA journal_mode = WAL;", page_bytes);
  code = sqlite3_exec(raw, script.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return Fail(SqliteError(code, "creating " + path, sqlite3_errmsg(raw)));
  return {};
}

}  // namespace strata::store
