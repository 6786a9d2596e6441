#include "store/sqlite.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "store/file.h"

namespace strata::store {
namespace {

constexpr std::size_t kStatementsMax = 128;  // a connection's cache

}  // namespace

struct CachedStatement {
  sqlite3_stmt* handle = nullptr;
  Database* database = nullptr;
  bool in_use = false;
  bool kept = false;   // in the cache; else finalized when the use ends
  int bind_error = 0;  // SQLITE_OK
};

// Statements are found by the text that is at hand, without a copy of it.
struct SqlHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view sql) const { return std::hash<std::string_view>()(sql); }
};

struct Database::Cache {
  std::unordered_map<std::string, std::unique_ptr<CachedStatement>, SqlHash, std::equal_to<>>
      statements;

  ~Cache() {
    for (auto& [sql, entry] : statements) sqlite3_finalize(entry->handle);
  }

  // Makes room for one more; statements in use stay.
  void Trim() {
    for (auto it = statements.begin(); it != statements.end();) {
      if (statements.size() < kStatementsMax) return;
      if (it->second->in_use) {
        ++it;
        continue;
      }
      sqlite3_finalize(it->second->handle);
      it = statements.erase(it);
    }
  }
};

Error SqliteError(int code, std::string_view doing, std::string_view message) {
  // What SQLite says of a statement may quote it.
  auto form = [&](std::string_view said) {
    return fmt::format("{}: {} (SQLite {})", doing, said, code);
  };
  Message text(form(message), form(sqlite3_errstr(code)));
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error(Code::kUnavailable, std::move(text)).RetryAfter(std::chrono::seconds(1));
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_CANTOPEN:
      return Error(Code::kUnavailable, std::move(text));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error(Code::kCorruption, std::move(text));
    case SQLITE_CONSTRAINT:
      return Error(Code::kConflict, std::move(text));
    case SQLITE_TOOBIG:
      return Error(Code::kTooLarge, std::move(text));
    case SQLITE_INTERRUPT:
      return Error(Code::kCancelled, std::move(text));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Error(Code::kPermissionDenied, std::move(text));
    default:
      return Error(Code::kInternal, std::move(text));
  }
}

// ---- Statement

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this != &other) {
    Release();
    entry_ = std::exchange(other.entry_, nullptr);
  }
  return *this;
}

void Statement::Release() {
  if (entry_ == nullptr) return;
  auto* entry = std::exchange(entry_, nullptr);
  if (!entry->kept) {
    sqlite3_finalize(entry->handle);
    delete entry;
    return;
  }
  sqlite3_reset(entry->handle);
  sqlite3_clear_bindings(entry->handle);
  entry->bind_error = SQLITE_OK;
  entry->in_use = false;
}

void Statement::NoteBind(int code) {
  if (code != SQLITE_OK && entry_->bind_error == SQLITE_OK) entry_->bind_error = code;
}

Statement& Statement::BindInteger(int index, std::int64_t value) {
  NoteBind(sqlite3_bind_int64(entry_->handle, index, value));
  return *this;
}
Statement& Statement::Bind(int index, double value) {
  NoteBind(sqlite3_bind_double(entry_->handle, index, value));
  return *this;
}
Statement& Statement::Bind(int index, std::string_view text) {
  // A null pointer would bind NULL; an empty text is not NULL.
  const char* data = text.data() == nullptr ? "" : text.data();
  NoteBind(
      sqlite3_bind_text64(entry_->handle, index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}
Statement& Statement::Bind(int index, BlobView blob) {
  const char* data = blob.bytes.data() == nullptr ? "" : blob.bytes.data();
  NoteBind(sqlite3_bind_blob64(entry_->handle, index, data, blob.bytes.size(), SQLITE_STATIC));
  return *this;
}
Statement& Statement::Bind(int index, std::nullptr_t) {
  NoteBind(sqlite3_bind_null(entry_->handle, index));
  return *this;
}

Result<bool> Statement::Step() {
  const char* sql = sqlite3_sql(entry_->handle);
  if (entry_->bind_error != SQLITE_OK) {
    return Fail(SqliteError(entry_->bind_error, fmt::format("binding values of '{}'", sql),
                            sqlite3_errstr(entry_->bind_error)));
  }
  int code = sqlite3_step(entry_->handle);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return Fail(entry_->database->LastError(fmt::format("running '{}'", sql)));
}

Result<> Statement::Run() {
  while (true) {
    STRATA_TRY(bool row, Step());
    if (!row) return {};
  }
}

void Statement::Reset() { sqlite3_reset(entry_->handle); }

std::int64_t Statement::Integer(int column) const {
  return sqlite3_column_int64(entry_->handle, column);
}
double Statement::Real(int column) const { return sqlite3_column_double(entry_->handle, column); }
std::string_view Statement::Text(int column) const {
  const auto* text = sqlite3_column_text(entry_->handle, column);
  auto size = sqlite3_column_bytes(entry_->handle, column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)};
}
std::string_view Statement::Blob(int column) const {
  const auto* bytes = sqlite3_column_blob(entry_->handle, column);
  auto size = sqlite3_column_bytes(entry_->handle, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}
bool Statement::IsNull(int column) const {
  return sqlite3_column_type(entry_->handle, column) == SQLITE_NULL;
}
ColumnType Statement::type(int column) const {
  switch (sqlite3_column_type(entry_->handle, column)) {
    case SQLITE_INTEGER:
      return ColumnType::kInteger;
    case SQLITE_FLOAT:
      return ColumnType::kReal;
    case SQLITE_TEXT:
      return ColumnType::kText;
    case SQLITE_BLOB:
      return ColumnType::kBlob;
    default:
      return ColumnType::kNull;
  }
}
std::optional<std::int64_t> Statement::OptionalInteger(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Integer(column);
}
std::string_view Statement::column_name(int column) const {
  return sqlite3_column_name(entry_->handle, column);
}

// ---- Database

Database::Database(std::string path) : path_(std::move(path)), cache_(std::make_unique<Cache>()) {}

Database::~Database() {
  cache_.reset();
  sqlite3_close_v2(handle_);
}

Result<std::unique_ptr<Database>> Database::Open(const std::string& path,
                                                 const DatabaseOptions& options) {
  // SQLite would count every allocation under a lock of the process, for figures that nobody reads.
  // Too late, and harmless, once it is in use.
  [[maybe_unused]] static const int uncounted = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  bool read_only = options.mode == OpenMode::kReadOnly;
  if (read_only) {
    if (::access(path.c_str(), F_OK) != 0) return Fail(SystemError(errno, "opening", path));
  } else {
    // SQLite would create it with the umask's mode; its -wal and -shm files take ours over.
    FileHandle file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file.valid()) return Fail(SystemError(errno, "opening", path));
  }
  std::unique_ptr<Database> database(new Database(path));
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
              (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
  int code = sqlite3_open_v2(path.c_str(), &database->handle_, flags, nullptr);
  if (code != SQLITE_OK) return Fail(database->LastError("opening " + path));
  STRATA_CHECK_OK(database->Configure(options));
  return database;
}

Result<> Database::Configure(const DatabaseOptions& options) {
  sqlite3_busy_timeout(handle_, static_cast<int>(options.busy_timeout.count()));
  // No double-quoted string literals, no SQL that rewrites the schema table.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  auto pragmas = fmt::format(
      "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{}; "
      "PRAGMA mmap_size = {};",
      options.cache_bytes / 1024, options.mmap_bytes);
  if (options.mode == OpenMode::kReadWrite) {
    pragmas += fmt::format("PRAGMA journal_mode = WAL; PRAGMA synchronous = {};",
                           options.power_loss_safe ? "FULL" : "NORMAL");
  }
  if (auto done = Execute(pragmas); !done.has_value()) {
    return Fail(std::move(done.error()).Because("opening " + path_));
  }
  // The pragmas do not read the file; this does, so a file that is no database is found here.
  auto version = Integer("PRAGMA schema_version");
  if (!version.has_value()) return Fail(std::move(version.error()).Because("opening " + path_));
  return {};
}

Error Database::LastError(std::string_view doing) const {
  // SQLite says no more than that it cannot open its files.
  const int system = sqlite3_system_errno(handle_);
  if ((sqlite3_errcode(handle_) & 0xff) == SQLITE_CANTOPEN &&
      (system == EMFILE || system == ENFILE)) {
    return SystemError(system, doing, path_);
  }
  return SqliteError(sqlite3_extended_errcode(handle_), doing, sqlite3_errmsg(handle_));
}

Result<Statement> Database::Prepare(std::string_view sql) {
  auto& statements = cache_->statements;
  auto it = statements.find(sql);
  if (it != statements.end() && !it->second->in_use) {
    it->second->in_use = true;
    return Statement(it->second.get());
  }
  auto entry = std::make_unique<CachedStatement>();
  entry->database = this;
  const char* tail = nullptr;
  int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                SQLITE_PREPARE_PERSISTENT, &entry->handle, &tail);
  if (code != SQLITE_OK) return Fail(LastError(fmt::format("preparing '{}'", sql)));
  if (entry->handle == nullptr) return Fail(Internal("an empty SQL statement"));
  if (tail != sql.data() + sql.size()) {
    sqlite3_finalize(entry->handle);
    return Fail(Internal(fmt::format("more than one SQL statement in '{}'", sql)));
  }
  entry->in_use = true;
  // The same statement may be in use twice (a recursion): the second is not kept.
  if (it != statements.end()) return Statement(entry.release());
  cache_->Trim();
  entry->kept = true;
  auto* raw = entry.get();
  statements.emplace(sql, std::move(entry));
  return Statement(raw);
}

Result<> Database::Execute(std::string_view script) {
  std::string text(script);
  if (sqlite3_exec(handle_, text.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return Fail(LastError("running a script"));
  }
  return {};
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }
bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

Result<> Database::Check() {
  STRATA_TRY(auto statement, Prepare("PRAGMA quick_check(1)"));
  STRATA_TRY(bool row, statement.Step());
  if (row && statement.Text(0) == "ok") return {};
  return Fail(Code::kCorruption,
              fmt::format("{}: {}", path_, row ? statement.Text(0) : "no answer from quick_check"));
}

Result<> Database::BackupTo(const std::string& path) {
  FileHandle file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return Fail(SystemError(errno, "creating", path));
  sqlite3* raw = nullptr;
  int code =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> target(raw, sqlite3_close_v2);
  if (code != SQLITE_OK) return Fail(SqliteError(code, "creating " + path, sqlite3_errstr(code)));
  auto* backup = sqlite3_backup_init(raw, "main", handle_, "main");
  if (backup == nullptr) {
    return Fail(SqliteError(sqlite3_errcode(raw), "backing up " + path_, sqlite3_errmsg(raw)));
  }
  sqlite3_backup_step(backup, -1);
  code = sqlite3_backup_finish(backup);
  if (code != SQLITE_OK) {
    return Fail(SqliteError(code, "backing up " + path_, sqlite3_errstr(code)));
  }
  if (::fsync(file.get()) != 0) return Fail(SystemError(errno, "syncing", path));
  return {};
}

void Database::Interrupt() { sqlite3_interrupt(handle_); }

// ---- Transaction

Result<Transaction> Transaction::Begin(Database& database) {
  STRATA_CHECK_OK(database.Run("BEGIN IMMEDIATE"));
  return Transaction(&database);
}

Transaction::~Transaction() {
  if (database_ == nullptr || !database_->in_transaction()) return;
  // A failed rollback leaves nothing to do: SQLite rolls back when the connection closes.
  [[maybe_unused]] auto done = database_->Run("ROLLBACK");
}

Result<> Transaction::Commit() {
  STRATA_CHECK(database_ != nullptr, "a transaction is committed twice");
  STRATA_CHECK_OK(database_->Run("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace strata::store
