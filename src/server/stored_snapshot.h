#pragma once
// What tables of meta.db hold, in memory: readers take it whole, and every change publishes it
// anew.

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>

#include "base/task.h"
#include "store/migrations.h"
#include "store/sql_file.h"

namespace strata::server {

// Thread-safe. `file` outlives it.
template <class T>
class StoredSnapshot {
 public:
  // Reads the tables, on the writer's thread.
  using Load = std::function<Result<T>(store::Database&)>;

  StoredSnapshot(store::SqlFile& file, Load load) : file_(file), load_(std::move(load)) {}

  // Brings the component's tables up to date and reads them for the first time. Blocks.
  Result<> Open(std::string_view component, std::span<const store::Migration> migrations) {
    return file_.WriteBlocking([&](store::Database& database) -> Result<> {
      STRATA_CHECK_OK(store::MigrateComponent(database, component, migrations));
      return Publish(database);
    });
  }

  // Empty before Open. What was taken stays as it is.
  std::shared_ptr<const T> Now() const {
    std::lock_guard lock(mutex_);
    return held_;
  }

  // Runs `change` on the writer, then publishes what the tables hold.
  template <class F>
  Task<Result<>> Change(F change) {
    auto work = [this, change = std::move(change)](store::Database& database) -> Result<> {
      STRATA_CHECK_OK(change(database));
      return Publish(database);
    };
    co_return co_await file_.Write(std::move(work));
  }

 private:
  // On the one writer thread, so that an older state cannot win. A commit that fails after this
  // leaves the snapshot ahead until the next change; meta.db is then unusable anyhow.
  Result<> Publish(store::Database& database) {
    STRATA_TRY(auto next, load_(database));
    std::lock_guard lock(mutex_);
    held_ = std::make_shared<const T>(std::move(next));
    return {};
  }

  store::SqlFile& file_;
  const Load load_;
  mutable std::mutex mutex_;
  std::shared_ptr<const T> held_ = std::make_shared<const T>();
};

}  // namespace strata::server
