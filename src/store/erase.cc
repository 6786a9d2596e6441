#include "store/erase.h"

namespace strata::store {

Result<> OverwriteDeleted(Database& database) {
  return database.Execute("PRAGMA secure_delete = ON");
}

Result<> EmptyLog(Database& database) {
  STRATA_TRY(auto busy, database.Integer("PRAGMA wal_checkpoint(TRUNCATE)"));
  if (busy.value_or(0) == 0) return {};
  return Fail(Error(Code::kUnavailable, database.path() + ": its log is in use all the time")
                  .RetryAfter(std::chrono::seconds(1)));
}

Task<Result<>> EmptyLog(SqlFile& file) {
  auto empty = [&path = file.path()](Database&) -> Result<> {
    STRATA_TRY(auto writable, Database::Open(path));
    return EmptyLog(*writable);
  };
  co_return co_await file.Read(std::move(empty));
}

}  // namespace strata::store
