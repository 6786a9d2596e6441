#include "server/routers/learned_bytes.h"

namespace strata::server {

Task<Result<std::string>> LearnedBytes(store::SqlFile& file, std::string sha256) {
  auto work = [&](store::Database& database) -> Result<std::string> {
    STRATA_TRY(auto row, database.Prepare("SELECT bytes FROM learned_routers WHERE sha256 = ?"));
    row.Bind(1, sha256);
    STRATA_TRY(bool found, row.Step());
    if (!found) return Fail(NotFound("learned router", sha256));
    return std::string(row.Blob(0));
  };
  co_return co_await file.Read(std::move(work));
}

}  // namespace strata::server
