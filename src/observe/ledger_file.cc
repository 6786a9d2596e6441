#include "observe/ledger_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/crash_point.h"
#include "base/log.h"

namespace strata::observe {
namespace {

using store::BlobView;
using store::Database;
using store::Statement;

// The values, and so the hashes, stay what they were. NULL stands for a trace of the request's own
// id, and for no tags.
constexpr char kFactsOnce[] = R"sql(
CREATE TABLE call_facts(
  facts INTEGER PRIMARY KEY,
  workspace TEXT NOT NULL, key TEXT NOT NULL, dialect TEXT NOT NULL, operation TEXT NOT NULL,
  route TEXT NOT NULL, model_asked TEXT NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL,
  kb TEXT NOT NULL, status TEXT NOT NULL, error_code TEXT NOT NULL, model_answered TEXT NOT NULL,
  usage_estimated INTEGER NOT NULL, price_date TEXT NOT NULL, router_version TEXT NOT NULL,
  guardrail_version TEXT NOT NULL, prompt_version TEXT NOT NULL, catalog_version TEXT NOT NULL,
  index_version TEXT NOT NULL, role TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX call_facts_once ON call_facts(
  model, key, model_answered, status, error_code, route, operation, dialect, model_asked, provider,
  workspace, kb, role, usage_estimated, price_date, router_version, guardrail_version,
  prompt_version, catalog_version, index_version);
CREATE TABLE call_rows(
  sequence INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL, call_number INTEGER NOT NULL, time INTEGER NOT NULL,
  trace_id TEXT, tags TEXT,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL, cost_picousd INTEGER,
  latency_ms INTEGER NOT NULL, ttft_ms INTEGER,
  strong_picousd INTEGER, cheap_picousd INTEGER,
  facts INTEGER NOT NULL, hash BLOB NOT NULL,
  UNIQUE(request_id, call_number)
) STRICT;
INSERT INTO call_facts SELECT DISTINCT NULL, workspace, key, dialect, operation, route, model_asked,
  model, provider, kb, status, error_code, model_answered, usage_estimated, price_date,
  router_version, guardrail_version, prompt_version, catalog_version, index_version, role FROM calls;
INSERT INTO call_rows SELECT sequence, request_id, call_number, time, nullif(trace_id, request_id),
  nullif(tags, '{}'), input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
  reasoning_tokens, cost_picousd, latency_ms, ttft_ms, strong_picousd, cheap_picousd, facts, hash
  FROM calls CROSS JOIN call_facts USING(
    model, key, model_answered, status, error_code, route, operation, dialect, model_asked,
    provider, workspace, kb, role, usage_estimated, price_date, router_version, guardrail_version,
    prompt_version, catalog_version, index_version)
  ORDER BY sequence;
DROP TABLE calls;
CREATE INDEX call_rows_by_time ON call_rows(time);
CREATE TRIGGER call_rows_keep BEFORE UPDATE ON call_rows
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER call_rows_stay BEFORE DELETE ON call_rows
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER call_facts_keep BEFORE UPDATE ON call_facts
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER call_facts_stay BEFORE DELETE ON call_facts
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE VIEW calls AS SELECT
  sequence, request_id, call_number, time, workspace, key,
  coalesce(trace_id, request_id) AS trace_id, coalesce(tags, '{}') AS tags, dialect, operation,
  route, model_asked, model, provider, kb, status, error_code, model_answered, input_tokens,
  output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, usage_estimated,
  cost_picousd, price_date, latency_ms, ttft_ms, router_version, guardrail_version, prompt_version,
  catalog_version, index_version, role, strong_picousd, cheap_picousd, hash
  FROM call_rows CROSS JOIN call_facts USING(facts);
)sql";

// `key` and others are no keywords in SQLite. Rows are never changed or removed: the triggers stop
// a slip of ours, the hash chain shows anything else.
constexpr store::Migration kMigrations[] = {
    {"makes the ledger", R"sql(
CREATE TABLE calls(
  sequence INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL, call_number INTEGER NOT NULL, time INTEGER NOT NULL,
  workspace TEXT NOT NULL, key TEXT NOT NULL, trace_id TEXT NOT NULL, tags TEXT NOT NULL,
  dialect TEXT NOT NULL, operation TEXT NOT NULL, route TEXT NOT NULL,
  model_asked TEXT NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL, kb TEXT NOT NULL,
  status TEXT NOT NULL, error_code TEXT NOT NULL, model_answered TEXT NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL, usage_estimated INTEGER NOT NULL,
  cost_picousd INTEGER, price_date TEXT NOT NULL,
  latency_ms INTEGER NOT NULL, ttft_ms INTEGER,
  router_version TEXT NOT NULL, guardrail_version TEXT NOT NULL, prompt_version TEXT NOT NULL,
  catalog_version TEXT NOT NULL, index_version TEXT NOT NULL,
  hash BLOB NOT NULL,
  UNIQUE(request_id, call_number)
) STRICT;
CREATE INDEX calls_by_time ON calls(time);
CREATE INDEX calls_by_key ON calls(key, time);
CREATE TRIGGER calls_keep BEFORE UPDATE ON calls
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER calls_stay BEFORE DELETE ON calls
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
)sql"},
    {"says what routers saved", R"sql(
ALTER TABLE calls ADD COLUMN role TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN strong_picousd INTEGER;
ALTER TABLE calls ADD COLUMN cheap_picousd INTEGER;
)sql"},
    {"writes what calls have in common once", kFactsOnce},
};

// Distinct facts that are remembered; then all are looked up again.
constexpr std::size_t kKnownMax = 4096;

constexpr std::string_view kFacts[] = {"workspace",
                                       "key",
                                       "dialect",
                                       "operation",
                                       "route",
                                       "model_asked",
                                       "model",
                                       "provider",
                                       "kb",
                                       "status",
                                       "error_code",
                                       "model_answered",
                                       "usage_estimated",
                                       "price_date",
                                       "router_version",
                                       "guardrail_version",
                                       "prompt_version",
                                       "catalog_version",
                                       "index_version",
                                       "role"};

bool IsFact(std::string_view column) {
  return std::ranges::find(kFacts, column) != std::end(kFacts);
}

// Which of LedgerColumns() the two tables have, in their order there.
struct Places {
  std::vector<std::size_t> facts, own;
  std::size_t request_id = 0, trace_id = 0, tags = 0;
};
const Places& ThePlaces() {
  static const Places places = [] {
    Places out;
    auto columns = LedgerColumns();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      (IsFact(columns[i]) ? out.facts : out.own).push_back(i);
      if (columns[i] == "request_id") out.request_id = i;
      if (columns[i] == "trace_id") out.trace_id = i;
      if (columns[i] == "tags") out.tags = i;
    }
    return out;
  }();
  return places;
}

std::vector<std::string_view> NamesOf(std::span<const std::size_t> places) {
  std::vector<std::string_view> names;
  for (auto place : places) names.push_back(LedgerColumns()[place]);
  return names;
}

std::string Marks(std::size_t count) {
  std::string marks;
  for (std::size_t i = 0; i < count; ++i) marks += i == 0 ? "?" : ",?";
  return marks;
}

const std::string& InsertSql() {
  static const std::string sql = fmt::format(
      "INSERT INTO call_rows(sequence,{},facts,hash) VALUES({}) ON CONFLICT(request_id, "
      "call_number) DO NOTHING",
      fmt::join(NamesOf(ThePlaces().own), ","), Marks(ThePlaces().own.size() + 3));
  return sql;
}

const std::string& InsertFactsSql() {
  static const std::string sql =
      fmt::format("INSERT INTO call_facts({}) VALUES({}) ON CONFLICT DO NOTHING",
                  fmt::join(NamesOf(ThePlaces().facts), ","), Marks(ThePlaces().facts.size()));
  return sql;
}

const std::string& FindFactsSql() {
  static const std::string sql = fmt::format("SELECT facts FROM call_facts WHERE {} = ?",
                                             fmt::join(NamesOf(ThePlaces().facts), " = ? AND "));
  return sql;
}

void BindFacts(Statement& statement, std::span<const LedgerValue> values) {
  int index = 0;
  for (auto place : ThePlaces().facts) {
    std::visit([&](const auto& v) { statement.Bind(++index, v); }, values[place]);
  }
}

struct Head {
  std::int64_t sequence = 0;
  std::string hash = std::string(32, '\0');
};

Result<Head> ReadHead(Database& database) {
  STRATA_TRY(auto statement,
             database.Prepare("SELECT sequence, hash FROM call_rows ORDER BY sequence DESC "
                              "LIMIT 1"));
  STRATA_TRY(bool row, statement.Step());
  if (!row) return Head();
  return Head{statement.Integer(0), std::string(statement.Blob(1))};
}

// As the view reads them back.
LedgerValue Stored(std::size_t place, std::span<const LedgerValue> values) {
  const auto& places = ThePlaces();
  const auto& value = values[place];
  if (place == places.trace_id && value == values[places.request_id]) return nullptr;
  if (place == places.tags && value == LedgerValue(std::string_view("{}"))) return nullptr;
  return value;
}

Result<> InsertRow(Statement& statement, const Head& head, std::int64_t facts,
                   std::span<const LedgerValue> values) {
  int index = 0;
  statement.Bind(++index, head.sequence);
  for (auto place : ThePlaces().own) {
    std::visit([&](const auto& v) { statement.Bind(++index, v); }, Stored(place, values));
  }
  statement.Bind(++index, facts);
  statement.Bind(++index, BlobView{head.hash});
  auto done = statement.Run();
  statement.Reset();
  return done;
}

const std::string& FindRowSql() {
  static const std::string sql =
      fmt::format("SELECT {} FROM calls WHERE request_id = ? AND call_number = ?",
                  fmt::join(LedgerColumns(), ","));
  return sql;
}

// The journal may bring a row again. One that differs from the row that has its number is of
// another call, and lost.
Result<bool> IsLost(Database& database, const store::CallRow& row,
                    std::span<const LedgerValue> values) {
  STRATA_TRY(auto kept, database.Prepare(FindRowSql()));
  std::visit([&](const auto& id) { kept.Bind(1, id); }, values[ThePlaces().request_id]);
  kept.Bind(2, static_cast<std::int64_t>(row.intent.call_number));
  STRATA_TRY(bool found, kept.Step());
  if (found && std::ranges::equal(ReadLedgerValues(kept, 0), values)) return false;
  Log(Level::kWarning, "observe.ledger.number_taken",
      {{"request", row.intent.request_id.value},
       {"call_number", row.intent.call_number},
       {"model", row.intent.model},
       {"status", store::CallStatusName(row.outcome.status)}});
  return true;
}

// With its length, so that no two lists of values look the same.
void AppendKey(std::string& key, const LedgerValue& value) {
  auto fixed = [&key](std::uint64_t number) {
    std::array<char, sizeof(number)> bytes;
    std::memcpy(bytes.data(), &number, sizeof(number));
    key.append(bytes.data(), bytes.size());
  };
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    fixed(text->size());
    key.append(*text);
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    fixed(static_cast<std::uint64_t>(*number));
  }
}

}  // namespace

std::span<const store::Migration> LedgerMigrations() { return kMigrations; }

// The facts of a transaction that failed are not in the file.
Result<> LedgerAppender::ForgetWhatWasTakenBack(Database& database) {
  STRATA_TRY(auto newest, database.Integer("SELECT max(facts) FROM call_facts"));
  if (newest.value_or(0) >= newest_) return {};
  known_.clear();
  newest_ = 0;
  return {};
}

Result<std::int64_t> LedgerAppender::FactsOf(Database& database,
                                             std::span<const LedgerValue> values) {
  key_.clear();
  for (auto place : ThePlaces().facts) AppendKey(key_, values[place]);
  if (auto known = known_.find(key_); known != known_.end()) return known->second;
  {
    STRATA_TRY(auto insert, database.Prepare(InsertFactsSql()));
    BindFacts(insert, values);
    STRATA_CHECK_OK(insert.Run());
  }
  STRATA_TRY(auto find, database.Prepare(FindFactsSql()));
  BindFacts(find, values);
  STRATA_TRY(bool found, find.Step());
  STRATA_CHECK(found, "facts that were just written cannot be found");
  if (known_.size() >= kKnownMax) known_.clear();
  const auto facts = find.Integer(0);
  newest_ = std::max(newest_, facts);
  known_.emplace(key_, facts);
  return facts;
}

Result<LedgerAppender::Appended> LedgerAppender::Append(Database& database,
                                                        std::span<const store::CallRow> rows) {
  STRATA_CHECK_OK(ForgetWhatWasTakenBack(database));
  STRATA_TRY(auto head, ReadHead(database));
  STRATA_TRY(auto insert, database.Prepare(InsertSql()));
  Appended added;
  for (const auto& row : rows) {
    const LedgerValuesOf of(row);
    STRATA_TRY(auto facts, FactsOf(database, of.values()));
    auto hash = LedgerHash(head.hash, head.sequence + 1, of.values());
    Head next{head.sequence + 1, std::string(AsBytes(hash))};
    STRATA_CHECK_OK(InsertRow(insert, next, facts, of.values()));
    // A row that is there already changed nothing; the chain goes on from where it was.
    if (database.changes() == 0) {
      STRATA_TRY(bool lost, IsLost(database, row, of.values()));
      added.lost += lost ? 1 : 0;
      continue;
    }
    head = std::move(next);
    ++added.rows;
  }
  CrashPoint("ledger.append.before_commit");
  return added;
}

}  // namespace strata::observe
