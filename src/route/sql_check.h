#pragma once
// Whether an answer is a statement of SQL that holds together with a schema, and what it returns on
// rows that come with it: two statements say the same when they return the same.

#include <string>
#include <string_view>

#include "domain/stream.h"
#include "route/agreement.h"

namespace strata::route {

// Of a router's definition; checked when it is read.
struct SqlSample {
  std::string schema;  // CREATE TABLE …
  std::string rows;    // INSERT …; "": statements are prepared, and not run
};

struct SqlVerdict {
  std::string problem = {};  // "": it is one, and ran where there are rows
  std::string detail = {};  // SQLite's words on it, which may hold words of the answer; "" for none
  // What it returns, of the form kRows; the statement itself where that is nothing or there are no
  // rows, as any two statements have that in common.
  Comparable value = {};
};

// The statement: the one fenced block of the answer, else all of it.
// Blocks for milliseconds: call it on a pool.
SqlVerdict TryAnswer(const domain::ChatResponse& answer, const SqlSample& sample);

// Errors: kInvalidArgument or kTooLarge with the field "schema" or "rows".
Result<> CheckSample(const SqlSample& sample);

}  // namespace strata::route
