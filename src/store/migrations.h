#pragma once
// Versioned schema upgrades. Each step runs in one transaction together with the new version
// number (or in the one that is open already, on a writer's thread), so a crash leaves the old
// schema or the new one.

#include <span>
#include <string_view>

#include "base/result.h"
#include "store/sqlite.h"

namespace strata::store {

// Step number i of a list (counted from 1) brings a database from version i - 1 to i. Released
// steps are never edited: a change is a new step.
struct Migration {
  std::string_view what;                  // "adds jobs.progress": for logs and errors
  std::string_view sql;                   // any number of statements, no BEGIN or COMMIT
  Result<> (*code)(Database&) = nullptr;  // runs after `sql`, for what SQL cannot say
};

// Brings a file with one owner up to date; its version is PRAGMA user_version. kUnsupported when
// the file was written by a newer strata.
Result<> Migrate(Database& database, std::string_view name, std::span<const Migration> steps);

// The same for one component of a file that several modules share (meta.db); versions stand in the
// table strata_schema. `component` is the module's name, its tables start with it.
Result<> MigrateComponent(Database& database, std::string_view component,
                          std::span<const Migration> steps);

}  // namespace strata::store
