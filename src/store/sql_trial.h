#pragma once
// A small database in memory, made to try statements that nobody trusts, such as a model's: does it
// hold together with the schema, and what does it return on these rows? It can read what was put
// there and nothing else. Blocks for milliseconds: call it on a pool.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct sqlite3;

namespace strata::store {

class SqlTrial {
 public:
  static constexpr std::size_t kTextBytesMax = 64 * 1024;       // of a schema; of its rows
  static constexpr std::size_t kStatementBytesMax = 16 * 1024;  // of what is tried
  static constexpr std::size_t kValueBytesMax = 4096;           // of one value, also on the way
  static constexpr std::size_t kStepsMax = 250'000;             // of SQLite's machine
  static constexpr std::size_t kRowsMax = 1000;                 // that a statement may return

  // `schema`: CREATE TABLE and CREATE INDEX; `rows`: INSERT, "" for none. kInvalidArgument with the
  // field "schema" or "rows"; kTooLarge.
  static Result<std::unique_ptr<SqlTrial>> Make(std::string_view schema, std::string_view rows);
  ~SqlTrial();
  SqlTrial(const SqlTrial&) = delete;
  SqlTrial& operator=(const SqlTrial&) = delete;

  // Whether `sql` is one statement that reads. Runs nothing. kInvalidArgument with SQLite's words;
  // kPermissionDenied: it does more than read; kTooLarge.
  Result<> Prepare(std::string_view sql);

  // What it returns, a text a row, values in one spelling (2.0 is 2, the text '2' is not). The same
  // errors; kTooLarge also where it takes more steps, values or rows than it may.
  Result<std::vector<std::string>> Run(std::string_view sql);

 private:
  explicit SqlTrial(sqlite3* handle) : handle_(handle) {}
  sqlite3* handle_;
};

}  // namespace strata::store
