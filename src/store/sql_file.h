#pragma once
// One SQLite file in use: one writer thread with a bounded queue, a few read connections on a
// bounded pool. This is the way coroutines reach a database.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/pool.h"
#include "base/task.h"
#include "store/migrations.h"
#include "store/sqlite.h"

namespace strata::store {

struct SqlFileOptions {
  DatabaseOptions database;
  std::size_t readers = 2;         // read connections, and threads that Read uses
  std::size_t waiting_max = 1024;  // queued writes, and queued reads; one more is refused
  std::chrono::milliseconds transaction_max{50};  // a group of queued writes commits after this
  // For a file of one owner; the empty list leaves the schema to MigrateComponent.
  std::span<const Migration> migrations;
};

// The one thread that writes to a file. Queued writes that are short share a transaction (group
// commit): each runs in a savepoint of its own, so one that fails takes only itself back, and none
// is answered before the commit that holds it. Thread-safe.
class Writer {
 public:
  static Result<std::unique_ptr<Writer>> Open(const std::string& path,
                                              const SqlFileOptions& options);
  // Refuses new work, finishes what was accepted. Destroy it before the io_contexts whose
  // coroutines wait on it.
  ~Writer();

  // `work(Database&)` returns a Result<T> and runs inside a transaction; an error rolls back what
  // it did. It should take less than 50 ms: cut larger work into several writes. Errors beside its
  // own: kUnavailable (queue full, closing, disk full), kCorruption.
  template <class F>
  Task<std::invoke_result_t<F, Database&>> Write(F work) {
    std::optional<std::invoke_result_t<F, Database&>> out;
    std::function<bool(Database&)> run = [&out, &work](Database& database) {
      out.emplace(work(database));
      return out->has_value();
    };
    auto committed = co_await Submit(std::move(run));
    if (!committed.has_value()) co_return std::unexpected(std::move(committed.error()));
    co_return std::move(*out);
  }

  // The same for a thread that may block.
  template <class F>
  std::invoke_result_t<F, Database&> WriteBlocking(F work) {
    std::optional<std::invoke_result_t<F, Database&>> out;
    auto committed = SubmitBlocking([&](Database& database) {
      out.emplace(work(database));
      return out->has_value();
    });
    if (!committed.has_value()) return std::unexpected(std::move(committed.error()));
    return std::move(*out);
  }

  // Nobody waits: a failure is logged as `store.write.failed`. kUnavailable when the queue is full.
  Result<> Post(std::function<Result<>(Database&)> work);

  std::size_t waiting() const;

 private:
  struct State;
  explicit Writer(std::unique_ptr<State> state);
  Task<Result<>> Submit(std::function<bool(Database&)> run);
  Result<> SubmitBlocking(std::function<bool(Database&)> run);

  std::unique_ptr<State> state_;
};

// Thread-safe.
class SqlFile {
 public:
  // Opens or creates `path`, brings its schema up to date, then opens the readers.
  static Result<std::unique_ptr<SqlFile>> Open(const std::string& path, SqlFileOptions options);
  ~SqlFile();

  Writer& writer() { return *writer_; }
  template <class F>
  Task<std::invoke_result_t<F, Database&>> Write(F work) {
    co_return co_await writer_->Write(std::move(work));
  }
  template <class F>
  std::invoke_result_t<F, Database&> WriteBlocking(F work) {
    return writer_->WriteBlocking(std::move(work));
  }

  // `work(Database&)` returns a Result<T>; it sees one consistent state only within one statement,
  // or within a transaction of its own (BEGIN … COMMIT on the connection).
  template <class F>
  Task<std::invoke_result_t<F, Database&>> Read(F work) {
    auto on_pool = [this, &work] { return ReadBlocking(work); };
    co_return co_await RunBlocking(*pool_, std::move(on_pool));
  }
  template <class F>
  std::invoke_result_t<F, Database&> ReadBlocking(F work) {
    Lease lease(*this);
    return work(*lease.database);
  }

  const std::string& path() const { return path_; }

 private:
  struct Lease {
    explicit Lease(SqlFile& file);
    ~Lease();
    SqlFile& file;
    std::unique_ptr<Database> database;
  };

  explicit SqlFile(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::unique_ptr<Writer> writer_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Database>> idle_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace strata::store
