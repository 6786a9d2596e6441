#pragma once
// How well a knowledge base ranked each time that it was evaluated (`kb eval`), and how each time
// stands to the one before: quality on watch.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/task.h"
#include "knowledge/evaluation.h"
#include "store/sql_file.h"

namespace strata::knowledge {

// One evaluation against an earlier one, over the queries that were the same in both.
struct EvalChange {
  WallTime before;                                       // when the earlier one was
  std::int64_t paired = 0;                               // queries
  std::array<learn::Interval, kRankFigures> difference;  // now − before; paired bootstrap, 95 %
  double p = 1;  // of a fall of nDCG@10 as deep by chance (learn/sign_flips.h)

  // Beyond chance by both: the bootstrap of a few queries that are alike has no width.
  bool fell() const { return difference[0].high < 0 && p <= 0.025; }
};

struct KeptEvaluation {
  WallTime at;
  int depth = 0;
  std::string filter;  // JSON; "": none
  std::string index_version;
  std::int64_t queries = 0;
  RankFigures figures{};             // means of the default
  std::optional<EvalChange> change;  // unset: none before had queries of this one
};

// The newest evaluation of a base.
struct BaseStanding {
  WorkspaceId workspace;
  std::string base;  // name
  KeptEvaluation newest;
};

// Rows in meta.db, in a table of the catalog's; they go with their base. Thread-safe.
class EvalHistory {
 public:
  static constexpr int kKept = 200;       // evaluations of a base; older ones go
  static constexpr int kWithQueries = 8;  // the newest ones keep each query's figures
  static constexpr int kStandingsMax = 100;

  // `meta` outlives it; KnowledgeBases were opened on it.
  explicit EvalHistory(store::SqlFile& meta, const Clock& clock = SystemClock())
      : meta_(meta), clock_(clock) {}

  // Compares with the newest evaluation of the same depth and filter that has a query of this one,
  // and keeps it. The comparison runs on `pool`. kCorruption; kUnavailable.
  Task<Result<KeptEvaluation>> Keep(std::string kb_id, std::string filter, EvalReport report,
                                    Pool& pool);
  // Newest first.
  Task<Result<std::vector<KeptEvaluation>>> List(std::string kb_id);
  // Of the bases that were evaluated last. Blocks.
  Result<std::vector<BaseStanding>> StandingsBlocking();

 private:
  store::SqlFile& meta_;
  const Clock& clock_;
};

}  // namespace strata::knowledge
