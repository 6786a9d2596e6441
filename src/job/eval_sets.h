#pragma once
// Evaluation sets in eval.db: named, versioned lists of rows. A version never changes; what is
// added, replaced or taken out makes the next one, and rows that stay are kept once.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/task.h"
#include "job/eval_row.h"
#include "store/sql_file.h"

namespace strata::job {

struct EvalVersion {
  int number = 0;
  std::string what;  // "imports questions.jsonl", "adds 2 traces"
  std::size_t rows = 0;
  WallTime created;
};

struct EvalSet {
  std::string id;
  std::string name;
  std::string description;
  WorkspaceId workspace;
  int version = 0;  // the newest; 0: nothing was put in yet
  std::size_t rows = 0;
  WallTime created;
  WallTime updated;
  std::vector<EvalVersion> versions;  // ascending; only of Get
};

// "NAME" or "NAME:VERSION"; version 0 is the newest. A version that is no number becomes -1.
struct EvalSetRef {
  std::string name;
  int version = 0;
};
EvalSetRef ParseEvalSetRef(std::string_view text);

struct AddRows {
  enum class Mode : std::uint8_t {
    kMerge,    // a row with the id of one that is there takes its place
    kReplace,  // nothing of before stays
  };
  std::string set;
  std::vector<EvalRow> rows;
  Mode mode = Mode::kMerge;
  std::string what;
};

struct AddedRows {
  EvalSet set;
  std::size_t added = 0, changed = 0, unchanged = 0, removed = 0;
};

// The tables of eval.db; see migrations.h.
std::span<const store::Migration> EvalMigrations();

// Thread-safe. `file` outlives it and has EvalMigrations.
class EvalSets {
 public:
  static constexpr std::size_t kSetsMax = 500;       // a workspace's
  static constexpr std::size_t kVersionsMax = 1000;  // a set's

  explicit EvalSets(store::SqlFile& file, const Clock& clock = SystemClock())
      : file_(file), clock_(clock) {}

  // kConflict: the name is taken; kTooLarge: kSetsMax.
  Task<Result<EvalSet>> Create(std::string name, std::string description, WorkspaceId workspace);
  // Makes the set when it is not there. Rows that change nothing make no version. One transaction,
  // some tens of ms for ten thousand rows, on a writer that only evaluations use. kTooLarge: the
  // version would have more than kEvalRowsMax rows, or be one of more than kVersionsMax.
  Task<Result<AddedRows>> Add(AddRows add, WorkspaceId workspace);
  Task<Result<>> Delete(std::string name, WorkspaceId workspace);  // kNotFound

  Task<Result<EvalSet>> Get(std::string name, WorkspaceId workspace);  // kNotFound
  Task<Result<std::vector<EvalSet>>> List(WorkspaceId workspace);      // by name
  // Rows `from`… of a version in the order in which they came, at most `limit`. kNotFound.
  struct RowsOf {
    EvalSetRef set;
    std::size_t from = 0;
    std::size_t limit = kEvalRowsMax;
  };
  Task<Result<std::vector<EvalRow>>> Rows(RowsOf wanted, WorkspaceId workspace);

 private:
  store::SqlFile& file_;
  const Clock& clock_;
};

}  // namespace strata::job
