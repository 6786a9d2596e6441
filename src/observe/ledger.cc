#include "observe/ledger.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/crash_point.h"
#include "base/encoding.h"
#include "base/utf8.h"
#include "observe/ledger_file.h"
#include "store/new_database.h"

namespace strata::observe {
namespace {

using store::Database;

constexpr std::int64_t kCacheBytes = 2 << 20;
constexpr int kPageBytes = 16 * 1024;  // of new files

// sequence, the hashed columns, hash.
std::string SelectSql(std::string_view where) {
  return fmt::format("SELECT sequence,{},hash FROM calls {}", fmt::join(LedgerColumns(), ","),
                     where);
}

struct Head {
  std::int64_t sequence = 0;
  std::string hash = std::string(32, '\0');
};

// A part of a WHERE clause and what is bound to it: views of the query.
struct Where {
  std::string sql;
  std::vector<LedgerValue> values;

  void Add(std::string_view condition, LedgerValue value) {
    sql += sql.empty() ? " WHERE " : " AND ";
    sql += condition;
    values.push_back(value);
  }
};

bool IsEveryTag(const CostQuery& query) {
  return query.by == CostQuery::By::kTag && query.tag.empty();
}

std::string_view GroupSql(const CostQuery& query) {
  if (IsEveryTag(query)) return "coalesce(tag.key || '=' || tag.value, '')";
  switch (query.by) {
    case CostQuery::By::kKey:
      return "key";
    case CostQuery::By::kModel:
      return "model";
    case CostQuery::By::kKb:
      return "kb";
    case CostQuery::By::kTag:
      return "coalesce((SELECT value FROM json_each(calls.tags) AS t WHERE t.key = ?1), '')";
    case CostQuery::By::kDay:
      return "strftime('%Y-%m-%d', time / 1000000, 'unixepoch')";
    case CostQuery::By::kWorkspace:
      return "workspace";
    case CostQuery::By::kProvider:
      return "provider";
    case CostQuery::By::kRouter:
      return "router_version";
  }
  return "''";
}

Result<store::Statement> PrepareWith(Database& database, const std::string& sql,
                                     std::span<const LedgerValue> values) {
  STRATA_TRY(auto statement, database.Prepare(sql));
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::visit([&](const auto& v) { statement.Bind(static_cast<int>(i) + 1, v); }, values[i]);
  }
  return statement;
}

constexpr std::int64_t kRequestsForError = 30;

// SQL: the sum of integers, or the largest that fits. sum() ends the query at an overflow; of sums
// beyond 9,007 dollars the last digits are rounded.
std::string Sum(std::string_view integers) {
  return fmt::format("CAST(min(total({}), 9.2e18) AS INTEGER)", integers);
}

// Sums over `n` requests: of what was spent (x) and would have been (y), of x², x·y and y².
std::optional<double> SavingError(std::int64_t n, double x, double y, double xx, double xy,
                                  double yy) {
  if (n < kRequestsForError || y <= 0) return std::nullopt;
  constexpr double kNormal95 = 1.96;
  const auto count = static_cast<double>(n);
  const double ratio = x / y;
  const double squares = std::max(xx - 2 * ratio * xy + ratio * ratio * yy, 0.0);
  return kNormal95 * std::sqrt(squares / (count - 1) * count) / y;
}

// What requests that a router decided would have cost at its strongest and its cheapest model: the
// last row of a request says it, as a plan may make several calls. `values`: of the group, then
// those of `where`.
Result<> AddSavings(Database& database, std::string_view group, const Where& where,
                    std::span<const LedgerValue> values, std::vector<CostLine>& lines) {
  auto sql = fmt::format(
      "SELECT grp, count(*), {}, {}, {}, "
      "sum(1.0 * spent * spent), sum(1.0 * spent * strong), sum(1.0 * strong * strong) FROM "
      "(SELECT {} AS grp, max(call_number), strong_picousd AS strong, cheap_picousd AS cheap, "
      "(SELECT {} FROM calls AS every WHERE every.request_id = "
      "calls.request_id) AS spent FROM calls{}{} strong_picousd IS NOT NULL GROUP BY request_id) "
      "GROUP BY grp",
      Sum("strong"), Sum("cheap"), Sum("spent"), group, Sum("cost_picousd"), where.sql,
      where.sql.empty() ? " WHERE" : " AND");
  STRATA_TRY(auto statement, PrepareWith(database, sql, values));
  while (true) {
    STRATA_TRY(bool row, statement.Step());
    if (!row) return {};
    auto name = ReplaceInvalidUtf8(statement.Text(0));
    auto line = std::ranges::find(lines, name, &CostLine::group);
    if (line == lines.end()) continue;
    const auto requests = statement.Integer(1);
    line->compared = CostLine::Compared{
        .requests = requests,
        .strong = {statement.Integer(2)},
        .cheap = {statement.Integer(3)},
        .spent = {statement.Integer(4)},
        .saving_error = SavingError(requests, static_cast<double>(statement.Integer(4)),
                                    static_cast<double>(statement.Integer(2)), statement.Real(5),
                                    statement.Real(6), statement.Real(7))};
  }
}

// Whether a request's calls are all of one group.
bool HoldsRequests(const CostQuery& query) {
  const auto by = query.by;
  if (IsEveryTag(query)) return false;
  return by == CostQuery::By::kRouter || by == CostQuery::By::kKey ||
         by == CostQuery::By::kWorkspace || by == CostQuery::By::kTag || by == CostQuery::By::kDay;
}

Result<std::vector<CostLine>> QueryCost(Database& database, const CostQuery& query) {
  Where where;
  std::vector<LedgerValue> values;
  if (query.by == CostQuery::By::kTag && !query.tag.empty()) values.emplace_back(query.tag);
  if (query.workspace) where.Add("workspace = ?", query.workspace->value);
  if (query.from) where.Add("time >= ?", ToUnixMicros(*query.from));
  if (query.until) where.Add("time < ?", ToUnixMicros(*query.until));
  auto sql = fmt::format(
      "SELECT {} AS grp, count(*), count(*) - count(cost_picousd), {}, {}, {}, {}, {} AS cost, "
      "sum(usage_estimated), {} FROM calls{}{} GROUP BY grp ORDER BY cost DESC, grp",
      GroupSql(query), Sum("input_tokens"), Sum("output_tokens"), Sum("cache_read_tokens"),
      Sum("cache_write_tokens"), Sum("cost_picousd"), Sum("cost_picousd * usage_estimated"),
      IsEveryTag(query) ? " LEFT JOIN json_each(calls.tags) AS tag" : "", where.sql);
  values.insert(values.end(), where.values.begin(), where.values.end());
  STRATA_TRY(auto statement, PrepareWith(database, sql, values));
  std::vector<CostLine> lines;
  while (true) {
    STRATA_TRY(bool row, statement.Step());
    if (!row) break;
    CostLine line;
    line.group = ReplaceInvalidUtf8(statement.Text(0));  // rows of before may hold any bytes
    line.calls = statement.Integer(1);
    line.unpriced_calls = statement.Integer(2);
    line.input_tokens = statement.Integer(3);
    line.output_tokens = statement.Integer(4);
    line.cache_read_tokens = statement.Integer(5);
    line.cache_write_tokens = statement.Integer(6);
    line.cost.picousd = statement.Integer(7);
    line.estimated_calls = statement.Integer(8);
    line.estimated.picousd = statement.Integer(9);
    lines.push_back(std::move(line));
  }
  if (HoldsRequests(query)) {
    STRATA_CHECK_OK(AddSavings(database, GroupSql(query), where, values, lines));
  }
  return lines;
}

Result<std::vector<LedgerRow>> QueryRequest(Database& database, const RequestId& request) {
  STRATA_TRY(auto statement,
             database.Prepare(SelectSql("WHERE request_id = ? ORDER BY call_number")));
  statement.Bind(1, request.value);
  std::vector<LedgerRow> rows;
  while (true) {
    STRATA_TRY(bool more, statement.Step());
    if (!more) return rows;
    auto values = ReadLedgerValues(statement, 1);
    rows.push_back({statement.Integer(0), LedgerRowOf(values),
                    HexEncode(statement.Blob(static_cast<int>(values.size()) + 1))});
  }
}

Result<ChainReport> VerifyChain(Database& database) {
  STRATA_TRY(auto statement, database.Prepare(SelectSql("ORDER BY sequence")));
  ChainReport report;
  std::string head(32, '\0');
  while (true) {
    STRATA_TRY(bool more, statement.Step());
    if (!more) break;
    auto sequence = statement.Integer(0);
    auto values = ReadLedgerValues(statement, 1);
    auto stored = statement.Blob(static_cast<int>(values.size()) + 1);
    auto expected = LedgerHash(head, report.rows + 1, values);
    if (sequence != report.rows + 1 || stored != AsBytes(expected)) {
      return Fail(Code::kCorruption,
                  fmt::format("the ledger's chain breaks at row {}: a row was changed, removed or "
                              "put in there",
                              sequence));
    }
    report.rows = sequence;
    head = stored;
  }
  report.head = HexEncode(head);
  return report;
}

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::Open(const std::string& path) {
  store::SqlFileOptions options;
  // The journal's files are removed once their rows are here, so a commit must survive a power cut.
  options.database.power_loss_safe = true;
  // Rows are appended: a small cache holds the pages that they go to.
  options.database.cache_bytes = kCacheBytes;
  options.migrations = LedgerMigrations();
  STRATA_CHECK_OK(store::MakeDatabaseFile(path, kPageBytes));
  STRATA_TRY(auto file, store::SqlFile::Open(path, options));
  return std::unique_ptr<Ledger>(new Ledger(std::move(file)));
}

Result<std::int64_t> Ledger::Append(std::span<const store::CallRow> rows) {
  auto added = file_->WriteBlocking([rows](Database& database) {
    // A file has one thread that writes, which ends with it: this one.
    thread_local LedgerAppender appender;
    return appender.Append(database, rows);
  });
  if (!added.has_value()) return std::unexpected(std::move(added.error()));
  CrashPoint("ledger.append.committed");
  rows_lost_.fetch_add(static_cast<std::uint64_t>(added->lost), std::memory_order_relaxed);
  return added->rows;
}

store::CallSink Ledger::Sink() {
  return [this](std::span<const store::CallRow> rows) -> Result<> {
    STRATA_TRY([[maybe_unused]] auto added, Append(rows));
    return {};
  };
}

Task<Result<std::vector<CostLine>>> Ledger::Cost(CostQuery query) {
  auto work = [query = std::move(query)](Database& db) { return QueryCost(db, query); };
  co_return co_await file_->Read(std::move(work));
}
Result<std::vector<CostLine>> Ledger::CostBlocking(const CostQuery& query) {
  return file_->ReadBlocking([&](Database& db) { return QueryCost(db, query); });
}

Result<std::vector<LedgerRow>> Ledger::OfRequestBlocking(const RequestId& request) {
  return file_->ReadBlocking([&](Database& db) { return QueryRequest(db, request); });
}

Task<Result<std::vector<Ledger::SpentLine>>> Ledger::SpentByDay(WallTime from, WallTime until) {
  constexpr std::int64_t kDayMicros = 86'400'000'000;
  auto work = [from, until](Database& db) -> Result<std::vector<SpentLine>> {
    STRATA_TRY(auto row,
               db.Prepare(fmt::format("SELECT time / ?1, workspace, key, router_version, {} FROM "
                                      "calls WHERE time >= ?2 AND time < ?3 GROUP BY 1, 2, 3, 4",
                                      Sum("cost_picousd"))));
    row.Bind(1, kDayMicros).Bind(2, ToUnixMicros(from)).Bind(3, ToUnixMicros(until));
    std::vector<SpentLine> out;
    while (true) {
      STRATA_TRY(bool more, row.Step());
      if (!more) return out;
      out.push_back({.day = FromUnixMicros(row.Integer(0) * kDayMicros),
                     .workspace = WorkspaceId{std::string(row.Text(1))},
                     .key = KeyId{std::string(row.Text(2))},
                     .router = std::string(row.Text(3)),
                     .spent = domain::Money{row.Integer(4)}});
    }
  };
  co_return co_await file_->Read(std::move(work));
}

Task<Result<ChainReport>> Ledger::Verify() {
  auto work = [](Database& db) { return VerifyChain(db); };
  co_return co_await file_->Read(std::move(work));
}
Result<ChainReport> Ledger::VerifyBlocking() {
  return file_->ReadBlocking([](Database& db) { return VerifyChain(db); });
}

}  // namespace strata::observe
