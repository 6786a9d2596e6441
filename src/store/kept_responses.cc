#include "store/kept_responses.h"

#include <chrono>

#include "store/erase.h"
#include "store/label_text.h"

namespace strata::store {
namespace {

constexpr Migration kMigrations[] = {{"responses that their provider keeps", R"(
CREATE TABLE kept_responses(
  id TEXT PRIMARY KEY,
  workspace TEXT NOT NULL,
  key TEXT NOT NULL,
  subject TEXT NOT NULL,
  deployment TEXT NOT NULL,
  labels TEXT NOT NULL,
  pending INTEGER NOT NULL,
  used_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX kept_responses_used ON kept_responses(used_us))"}};

// Rows that one write removes at most: a transaction stays short.
constexpr std::int64_t kForgottenMax = 64;

}  // namespace

Result<std::unique_ptr<KeptResponses>> KeptResponses::Open(SqlFile& meta, ResponseLimits limits,
                                                           const Clock& clock) {
  std::unique_ptr<KeptResponses> out(new KeptResponses(meta, limits, clock));
  STRATA_CHECK_OK(meta.WriteBlocking([&](Database& database) -> Result<> {
    return MigrateComponent(database, "kept_responses", kMigrations);
  }));
  return out;
}

Result<> KeptResponses::Trim(Database& database, std::int64_t now_us) const {
  const auto age_us = std::chrono::duration_cast<std::chrono::microseconds>(limits_.age_max);
  STRATA_CHECK_OK(
      database.Run("DELETE FROM kept_responses WHERE id IN (SELECT id FROM kept_responses WHERE "
                   "used_us < ? ORDER BY used_us LIMIT ?)",
                   now_us - age_us.count(), kForgottenMax));
  return database.Run(
      "DELETE FROM kept_responses WHERE id IN (SELECT id FROM kept_responses WHERE used_us < ? "
      "ORDER BY used_us LIMIT max(0, min(?, (SELECT count(*) FROM kept_responses) - ?)))",
      now_us, kForgottenMax, limits_.count_max);
}

Task<Result<>> KeptResponses::Note(ResponseOwner owner, KeptResponse response) {
  auto note = [&](Database& database) -> Result<> {
    const auto now_us = ToUnixMicros(clock_.Wall());
    const auto labels = JoinLabels(response.labels);
    STRATA_CHECK_OK(database.Run(
        "INSERT INTO kept_responses VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET "
        "labels = excluded.labels, used_us = excluded.used_us "
        "WHERE workspace = excluded.workspace AND key = excluded.key",
        response.id, owner.workspace.value, owner.key.value, response.subject, response.deployment,
        labels, static_cast<std::int64_t>(response.pending), now_us));
    return Trim(database, now_us);
  };
  co_return co_await meta_.Write(note);
}

Task<Result<std::optional<KeptResponse>>> KeptResponses::Find(ResponseOwner owner, std::string id) {
  auto find = [&](Database& database) -> Result<std::optional<KeptResponse>> {
    STRATA_TRY(auto row,
               database.Prepare("SELECT subject, deployment, labels, pending, workspace = ? AND "
                                "key = ? FROM kept_responses WHERE id = ?"));
    row.BindAll(owner.workspace.value, owner.key.value, id);
    STRATA_TRY(bool found, row.Step());
    if (!found) return std::optional<KeptResponse>();
    if (row.Integer(4) == 0) return Fail(NotFound("response", id));
    return KeptResponse{.id = id,
                        .subject = std::string(row.Text(0)),
                        .deployment = std::string(row.Text(1)),
                        .labels = SplitLabels(row.Text(2)),
                        .pending = row.Integer(3) != 0};
  };
  STRATA_CO_TRY(auto found, co_await meta_.Read(find));
  if (found) {
    auto use = [&](Database& database) {
      return database.Run("UPDATE kept_responses SET used_us = ? WHERE id = ?",
                          ToUnixMicros(clock_.Wall()), id);
    };
    STRATA_CO_CHECK_OK(co_await meta_.Write(use));
  }
  co_return std::move(found);
}

Task<Result<bool>> KeptResponses::Settle(ResponseOwner owner, std::string id) {
  auto settle = [&](Database& database) -> Result<bool> {
    STRATA_CHECK_OK(database.Run(
        "UPDATE kept_responses SET pending = 0 WHERE id = ? AND workspace = ? AND key = ? AND "
        "pending",
        id, owner.workspace.value, owner.key.value));
    return database.changes() > 0;
  };
  co_return co_await meta_.Write(settle);
}

Task<Result<>> KeptResponses::Forget(ResponseOwner owner, std::string id) {
  auto forget = [&](Database& database) {
    return database.Run("DELETE FROM kept_responses WHERE id = ? AND workspace = ? AND key = ?", id,
                        owner.workspace.value, owner.key.value);
  };
  co_return co_await meta_.Write(forget);
}

Task<Result<std::int64_t>> KeptResponses::EraseSubject(std::string subject, WorkspaceId workspace) {
  if (subject.empty()) co_return Fail(InvalidArgument("subject", "expected an id"));
  auto erase = [&](Database& database) -> Result<std::int64_t> {
    STRATA_CHECK_OK(OverwriteDeleted(database));
    STRATA_CHECK_OK(
        database.Run("UPDATE kept_responses SET subject = '' WHERE subject = ? AND workspace = ?",
                     subject, workspace.value));
    return database.changes();
  };
  STRATA_CO_TRY(auto erased, co_await meta_.Write(erase));
  STRATA_CO_CHECK_OK(co_await EmptyLog(meta_));
  co_return erased;
}

}  // namespace strata::store
