#pragma once
// The ledger's table: its columns, how a call becomes one row of it and back, and the hash of a
// row.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/encoding.h"
#include "store/call_row.h"
#include "store/sqlite.h"

namespace strata::observe {

// Texts are views: of a row, of what a statement stands at, of a query.
using LedgerValue = std::variant<std::nullptr_t, std::int64_t, std::string_view>;

// Names of the columns that are hashed, in the order of hashing. `sequence` stands before them and
// `hash` behind. Version 1; a column that is added later goes into a new version of the hash.
std::span<const std::string_view> LedgerColumns();

// One value a column. Texts are cut as the journal cuts them, so that a row that came another way
// is the same row. `row` outlives it.
class LedgerValuesOf {
 public:
  explicit LedgerValuesOf(const store::CallRow& row);
  LedgerValuesOf(const LedgerValuesOf&) = delete;
  LedgerValuesOf& operator=(const LedgerValuesOf&) = delete;

  std::span<const LedgerValue> values() const { return values_; }

 private:
  std::optional<store::CallRow> cut_;  // of a row that is stored in another form
  std::string tags_;
  std::vector<LedgerValue> values_;
};

// `first`: the column of `statement` that holds the first of LedgerColumns(). Valid until the
// statement is stepped.
std::vector<LedgerValue> ReadLedgerValues(const store::Statement& statement, int first);
store::CallRow LedgerRowOf(std::span<const LedgerValue> values);

// SHA-256 over the hash before (32 bytes, zeros for the first), the sequence, and each value with
// its type and length, so that no two different rows have the same bytes.
Sha256Digest LedgerHash(std::string_view previous, std::int64_t sequence,
                        std::span<const LedgerValue> values);

}  // namespace strata::observe
