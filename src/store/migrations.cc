#include "store/migrations.h"

#include <fmt/format.h>

#include <optional>

#include "base/log.h"

namespace strata::store {
namespace {

// Reads and writes the version number of one schema.
struct VersionSlot {
  std::string read;
  std::string write;  // {} is the number
};

Result<> ApplyStep(Database& database, std::string_view name, const Migration& step,
                   std::size_t version, const VersionSlot& slot) {
  // On a writer's thread a transaction is open already: then the step is part of that one.
  std::optional<Transaction> own;
  if (!database.in_transaction()) {
    STRATA_TRY(auto begun, Transaction::Begin(database));
    own.emplace(std::move(begun));
  }
  auto context = fmt::format("upgrading {} to version {} ({})", name, version, step.what);
  if (auto done = database.Execute(step.sql); !done.has_value()) {
    return Fail(std::move(done.error()).Because(context));
  }
  if (step.code != nullptr) {
    if (auto done = step.code(database); !done.has_value()) {
      return Fail(std::move(done.error()).Because(context));
    }
  }
  STRATA_CHECK_OK(database.Execute(fmt::format(fmt::runtime(slot.write), version)));
  return own ? own->Commit() : Result<>();
}

Result<> Apply(Database& database, std::string_view name, std::span<const Migration> steps,
               const VersionSlot& slot) {
  STRATA_TRY(auto found, database.Integer(slot.read));
  auto version = found.value_or(0);
  if (version < 0 || version > static_cast<std::int64_t>(steps.size())) {
    return Fail(Code::kUnsupported,
                fmt::format("{} ({}) has schema version {}, this strata knows up to {}: it was "
                            "written by a newer one; use that, or restore a backup",
                            name, database.path(), version, steps.size()));
  }
  for (auto next = static_cast<std::size_t>(version); next < steps.size(); ++next) {
    STRATA_CHECK_OK(ApplyStep(database, name, steps[next], next + 1, slot));
    if (version > 0) {
      Log(Level::kInfo, "store.schema.upgraded",
          {{"name", name}, {"version", next + 1}, {"what", steps[next].what}});
    }
  }
  return {};
}

}  // namespace

Result<> Migrate(Database& database, std::string_view name, std::span<const Migration> steps) {
  return Apply(database, name, steps, {"PRAGMA user_version", "PRAGMA user_version = {}"});
}

Result<> MigrateComponent(Database& database, std::string_view component,
                          std::span<const Migration> steps) {
  STRATA_CHECK_OK(
      database.Execute("CREATE TABLE IF NOT EXISTS strata_schema("
                       "component TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT"));
  VersionSlot slot{
      fmt::format("SELECT version FROM strata_schema WHERE component = '{}'", component),
      fmt::format("INSERT INTO strata_schema VALUES('{}', {{}}) "
                  "ON CONFLICT(component) DO UPDATE SET version = excluded.version",
                  component)};
  return Apply(database, fmt::format("{} (in a shared file)", component), steps, slot);
}

}  // namespace strata::store
