#pragma once
// The ledger's file: its schema, and how rows get into it.
//
// What many calls have in common (who asked, for which model, how it ended) stands once, in
// call_facts; call_rows has what is a call's own, and names the facts. The view `calls` joins the
// two: every reader uses it.

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>

#include "observe/ledger_rows.h"
#include "store/migrations.h"
#include "store/sqlite.h"

namespace strata::observe {

std::span<const store::Migration> LedgerMigrations();

// Appends rows to one file. Used on one thread at a time.
class LedgerAppender {
 public:
  struct Appended {
    std::int64_t rows = 0;  // that were new
    std::int64_t lost = 0;  // of calls whose (request id, call number) another call has
  };
  // Within the transaction that is open. Rows whose (request id, call number) is there are ignored.
  Result<Appended> Append(store::Database& database, std::span<const store::CallRow> rows);

 private:
  Result<> ForgetWhatWasTakenBack(store::Database& database);
  Result<std::int64_t> FactsOf(store::Database& database, std::span<const LedgerValue> values);

  std::unordered_map<std::string, std::int64_t> known_;  // facts by their values
  std::int64_t newest_ = 0;                              // of the facts in known_
  std::string key_;                                      // kept for its memory
};

}  // namespace strata::observe
