#pragma once
// Deleting so that nothing can be read any more: SQLite leaves deleted rows in freed pages and in
// the write-ahead log. OverwriteDeleted comes before the deletes, EmptyLog after their commit.

#include "store/sql_file.h"
#include "store/sqlite.h"

namespace strata::store {

// From now on this connection overwrites what it deletes.
Result<> OverwriteDeleted(Database& database);

// Writes the log into the file, syncs that and empties the log: what was committed before survives
// power loss, and what it has deleted is nowhere in the two. Outside of transactions. Blocks.
// kUnavailable: others read or wrote all the time; it may be called again.
Result<> EmptyLog(Database& database);

// The same beside the file's own writer.
Task<Result<>> EmptyLog(SqlFile& file);

}  // namespace strata::store
