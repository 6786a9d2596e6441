#pragma once
// A thin layer over SQLite: connections, cached statements, transactions, and its error codes as
// our Errors. Everything here blocks, so it runs on a pool or a writer thread, never on an io
// thread; sql_file.h is the door for coroutines.

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace strata::store {

// Bytes for a BLOB column; a plain string_view is bound as TEXT.
struct BlobView {
  std::string_view bytes;
};

enum class ColumnType : std::uint8_t { kNull, kInteger, kReal, kText, kBlob };

// Where a prepared statement lives between uses; owned by its Database.
struct CachedStatement;

// One use of a prepared statement: bind, step, read. Goes back to its connection's cache, reset and
// unbound, when destroyed. Must not outlive the Database. Not thread-safe.
class Statement {
 public:
  explicit Statement(CachedStatement* entry) : entry_(entry) {}
  Statement(Statement&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
  Statement& operator=(Statement&& other) noexcept;
  ~Statement() { Release(); }

  // `index` counts from 1. Texts and blobs are not copied: they must stay alive and unchanged until
  // the statement has been stepped to its end, reset or destroyed. A failed bind is returned by the
  // next Step.
  template <std::integral T>
  Statement& Bind(int index, T value) {
    return BindInteger(index, static_cast<std::int64_t>(value));
  }
  Statement& Bind(int index, double value);
  Statement& Bind(int index, std::string_view text);
  Statement& Bind(int index, const std::string& text) {
    return Bind(index, std::string_view(text));
  }
  Statement& Bind(int index, const char* text) { return Bind(index, std::string_view(text)); }
  Statement& Bind(int index, BlobView blob);
  Statement& Bind(int index, std::nullptr_t);
  template <class T>
  Statement& Bind(int index, const std::optional<T>& value) {
    return value ? Bind(index, *value) : Bind(index, nullptr);
  }

  // Binds 1, 2, … in order.
  template <class... Args>
  Statement& BindAll(const Args&... args) {
    int index = 0;
    (Bind(++index, args), ...);
    return *this;
  }

  // true: a row is there to be read; false: the end. Errors: kConflict (a constraint), kUnavailable
  // (disk full, busy for longer than the time-out), kCorruption, kTooLarge, kCancelled
  // (interrupted), kInternal.
  Result<bool> Step();

  // Steps to the end and drops rows.
  Result<> Run();

  // Makes it ready for another round; bindings stay.
  void Reset();

  // Columns count from 0; valid after Step returned true. Views are valid until the next Step,
  // Reset or the end of this object. Of a NULL they are 0 and "".
  std::int64_t Integer(int column) const;
  double Real(int column) const;
  std::string_view Text(int column) const;
  std::string_view Blob(int column) const;
  bool IsNull(int column) const;
  ColumnType type(int column) const;
  std::optional<std::int64_t> OptionalInteger(int column) const;
  std::string_view column_name(int column) const;

 private:
  Statement& BindInteger(int index, std::int64_t value);
  void NoteBind(int code);
  void Release();

  CachedStatement* entry_;
};

enum class OpenMode : std::uint8_t { kReadWrite, kReadOnly };

struct DatabaseOptions {
  OpenMode mode = OpenMode::kReadWrite;
  std::chrono::milliseconds busy_timeout{5000};
  std::int64_t cache_bytes = 8 << 20;  // page cache of this connection
  std::int64_t mmap_bytes = 0;         // 0: no memory-mapped reads
  // true: every commit survives power loss (synchronous=FULL); false: every commit survives the
  // death of the process, the last ones may be lost with the power, the file stays whole (NORMAL).
  bool power_loss_safe = false;
};

// One connection. Not thread-safe: one thread at a time. Files are in WAL mode, foreign keys are
// on, new files get mode 0600.
class Database {
 public:
  // kNotFound: read-only and the file is not there; kCorruption: not a database.
  static Result<std::unique_ptr<Database>> Open(const std::string& path,
                                                const DatabaseOptions& options = {});
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // One statement of SQL, from the cache when it was used before (`sql` is the key).
  Result<Statement> Prepare(std::string_view sql);

  // Prepares, binds, runs to the end.
  template <class... Args>
  Result<> Run(std::string_view sql, const Args&... args) {
    STRATA_TRY(auto statement, Prepare(sql));
    return statement.BindAll(args...).Run();
  }

  // First column of the first row, as an integer; nullopt without a row or when it is NULL.
  template <class... Args>
  Result<std::optional<std::int64_t>> Integer(std::string_view sql, const Args&... args) {
    STRATA_TRY(auto statement, Prepare(sql));
    STRATA_TRY(bool row, statement.BindAll(args...).Step());
    return row ? statement.OptionalInteger(0) : std::nullopt;
  }

  // Any number of statements, for schemas. Not cached.
  Result<> Execute(std::string_view script);

  std::int64_t changes() const;  // rows changed by the last INSERT, UPDATE or DELETE
  bool in_transaction() const;

  // PRAGMA quick_check: kCorruption with the first finding.
  Result<> Check();

  // Writes a consistent copy of the whole database to a new file, while others read and write.
  Result<> BackupTo(const std::string& path);

  // Makes a statement that runs on another thread return kCancelled soon. Thread-safe.
  void Interrupt();

  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_; }  // for functions, FTS5 and other extensions

 private:
  friend class Statement;
  struct Cache;
  explicit Database(std::string path);
  Result<> Configure(const DatabaseOptions& options);
  Error LastError(std::string_view doing) const;

  std::string path_;
  sqlite3* handle_ = nullptr;
  std::unique_ptr<Cache> cache_;
};

// Rolls back when destroyed without Commit. BEGIN IMMEDIATE, so a writer waits for the lock at the
// start and not in the middle.
class Transaction {
 public:
  static Result<Transaction> Begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<> Commit();

 private:
  explicit Transaction(Database* database) : database_(database) {}
  Database* database_;
};

// An SQLite result code as an Error of ours; `doing` goes in front of SQLite's own message.
Error SqliteError(int code, std::string_view doing, std::string_view message);

}  // namespace strata::store
