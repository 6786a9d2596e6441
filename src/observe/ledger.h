#pragma once
// The ledger: one row a model call, written from the journal, independent of traces and their
// sampling. Append-only and hash-chained: each row's hash covers its content and the hash before
// it, so an edited, removed or inserted row is found by Verify.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/task.h"
#include "store/call_row.h"
#include "store/journal.h"
#include "store/sql_file.h"

namespace strata::observe {

struct LedgerRow {
  std::int64_t sequence = 0;  // position in the chain, from 1
  store::CallRow call;
  std::string hash;  // 64 hex digits
};

struct CostQuery {
  enum class By : std::uint8_t {
    kKey,
    kModel,
    kKb,
    kTag,
    kDay,
    kWorkspace,
    kProvider,
    kRouter
  } by = By::kModel;
  // By::kTag: which one; rows without it are grouped under "". Empty: every tag, a group NAME=VALUE
  // each, so that a call with several tags is in several groups.
  std::string tag{};
  std::optional<WorkspaceId> workspace{};
  std::optional<WallTime> from{};   // inclusive
  std::optional<WallTime> until{};  // exclusive
};
// "key", "model", "kb", "tag", "day", …; kInvalidArgument names the known ones.
Result<CostQuery::By> ParseCostBy(std::string_view text);

struct CostLine {
  std::string group;
  std::int64_t calls = 0;
  std::int64_t unpriced_calls = 0;  // their price is unknown: not in `cost`
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t cache_read_tokens = 0;
  std::int64_t cache_write_tokens = 0;
  domain::Money cost;
  // Calls whose tokens no provider counted, as it never said or the process died before: they are
  // taken from the length of what was sent and, where the answer is unknown, of its limit.
  std::int64_t estimated_calls = 0;
  domain::Money estimated{};  // of `cost`
  // By router, key, workspace, tag or day: requests of routers whose prices are known, and what
  // they would have cost at the router's strongest and at its cheapest model.
  struct Compared {
    std::int64_t requests = 0;
    domain::Money strong, cheap, spent;
    // Of the share that was saved against the strongest: half of its 95 % interval, from the
    // variance of a ratio of means (Cochran 1977, Sampling Techniques, §2.11); nullopt for fewer
    // than thirty requests.
    std::optional<double> saving_error;
  };
  std::optional<Compared> compared{};
};

// For terminals: columns aligned, unknown prices and estimates said so. For spreadsheets: RFC 4180.
std::string CostTable(std::span<const CostLine> lines);
std::string CostCsv(std::span<const CostLine> lines);

struct ChainReport {
  std::int64_t rows = 0;
  std::string head;  // hash of the last row
};

// Thread-safe.
class Ledger {
 public:
  static Result<std::unique_ptr<Ledger>> Open(const std::string& path);

  // Appends rows in one durable transaction; rows whose (request id, call number) is there are
  // ignored. Returns how many were new. Blocks: called by the journal's drain thread.
  Result<std::int64_t> Append(std::span<const store::CallRow> rows);

  // Since Open: rows of calls whose (request id, call number) another call has.
  std::uint64_t rows_lost() const { return rows_lost_.load(std::memory_order_relaxed); }

  // For Journal::Open.
  store::CallSink Sink();

  Task<Result<std::vector<CostLine>>> Cost(CostQuery query);  // dearest first
  // What was spent from `from` until before `until`, a line for each UTC day, workspace, key and
  // router version; unknown prices count 0.
  struct SpentLine {
    WallTime day;
    WorkspaceId workspace;
    KeyId key;
    std::string router;
    domain::Money spent;
  };
  Task<Result<std::vector<SpentLine>>> SpentByDay(WallTime from, WallTime until);

  // Recomputes the chain from the first row: kCorruption names the first row that does not fit.
  Task<Result<ChainReport>> Verify();

  // For callers that may block: the same two, and the rows of one request.
  Result<std::vector<CostLine>> CostBlocking(const CostQuery& query);
  Result<ChainReport> VerifyBlocking();
  Result<std::vector<LedgerRow>> OfRequestBlocking(const RequestId& request);

 private:
  explicit Ledger(std::unique_ptr<store::SqlFile> file) : file_(std::move(file)) {}
  std::unique_ptr<store::SqlFile> file_;
  std::atomic<std::uint64_t> rows_lost_{0};
};

}  // namespace strata::observe
