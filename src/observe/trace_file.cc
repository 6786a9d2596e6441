#include "observe/trace_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/utf8.h"
#include "store/erase.h"
#include "store/migrations.h"
#include "store/new_database.h"

namespace strata::observe {
namespace {

using store::Database;

constexpr store::Migration kMigrations[] = {
    {"makes traces", R"sql(
CREATE TABLE traces(
  trace_id TEXT PRIMARY KEY, workspace TEXT NOT NULL, key TEXT NOT NULL, subject TEXT NOT NULL,
  dialect TEXT NOT NULL, model TEXT NOT NULL, start INTEGER NOT NULL, finish INTEGER NOT NULL,
  span_count INTEGER NOT NULL, error_code TEXT NOT NULL, spans TEXT NOT NULL
) STRICT;
CREATE INDEX traces_by_start ON traces(start);
CREATE INDEX traces_by_subject ON traces(subject) WHERE subject <> '';
CREATE INDEX traces_by_key ON traces(key);
)sql"},
    // Hardly anybody looks for a key alone, and may read the file for it; every trace paid for it.
    {"drops the index by key", "DROP INDEX traces_by_key"},
};

constexpr std::int64_t kCacheBytes = 1 << 20;
constexpr int kPageBytes = 16 * 1024;  // of new files

WallTime EndOf(const FinishedTrace& trace) {
  auto end = trace.spans.front().end;
  for (const auto& span : trace.spans) end = std::max(end, span.end);
  return end;
}

// Of the root span that failed.
std::string_view ErrorOf(const FinishedTrace& trace) {
  for (const auto& span : trace.spans) {
    if (span.parent_id.empty() && span.error) return CodeName(span.error->code());
  }
  return {};
}

// The longest fields are cut, harder and harder, until the trace fits.
std::string BoundedJson(const FinishedTrace& trace, std::size_t bytes_max) {
  std::string text;
  for (std::size_t field_max : {std::size_t{1} << 30, std::size_t{1} << 16, std::size_t{1} << 12,
                                std::size_t{256}, std::size_t{0}}) {
    text = SpansToJson(trace.spans, field_max);
    if (text.size() <= bytes_max) return text;
  }
  auto root = trace.spans;
  root.resize(1);
  return SpansToJson(root, 256);
}

// What callers named. Rows of before may hold any bytes.
std::string StoredText(const store::Statement& row, int column) {
  return ReplaceInvalidUtf8(row.Text(column));
}

// A LIKE pattern for text inside JSON strings.
std::string LikePattern(std::string_view text) {
  auto quoted = JsonString(text);
  std::string pattern = "%";
  for (char c : std::string_view(quoted).substr(1, quoted.size() - 2)) {
    if (c == '%' || c == '_' || c == '!') pattern += '!';
    pattern += c;
  }
  return pattern + "%";
}

}  // namespace

std::string DayOf(WallTime time) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(time));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

Result<std::unique_ptr<Database>> OpenTraceFile(const std::string& path) {
  // Rows are appended and hardly read: a small cache holds the pages that they go to.
  STRATA_CHECK_OK(store::MakeDatabaseFile(path, kPageBytes));
  STRATA_TRY(auto database, Database::Open(path, {.cache_bytes = kCacheBytes}));
  STRATA_CHECK_OK(store::Migrate(*database, "traces", kMigrations));
  return database;
}

Result<std::unique_ptr<Database>> OpenTraceFileToRead(const std::string& path) {
  return Database::Open(path, {.mode = store::OpenMode::kReadOnly});
}

WallTime StartOf(const FinishedTrace& trace) {
  auto start = trace.spans.front().start;
  for (const auto& span : trace.spans) start = std::min(start, span.start);
  return start;
}

TraceRow EncodeTrace(FinishedTrace& trace, std::size_t trace_bytes_max, std::string& spans) {
  for (auto* text : {&trace.model, &trace.subject}) {
    if (!IsValidUtf8(*text)) *text = ReplaceInvalidUtf8(*text);
  }
  spans = BoundedJson(trace, trace_bytes_max);
  return {.trace_id = trace.trace_id,
          .workspace = trace.workspace.value,
          .key = trace.key.value,
          .subject = trace.subject,
          .dialect = trace.dialect,
          .model = trace.model,
          .error_code = ErrorOf(trace),
          .spans = spans,
          .start = StartOf(trace),
          .finish = EndOf(trace),
          .span_count = trace.spans.size()};
}

void TraceBatch::Add(const TraceRow& row) {
  auto& entry = entries_.emplace_back(Entry{row.start, row.finish, row.span_count, {}});
  auto size = entry.sizes.begin();
  for (auto text : {row.trace_id, row.workspace, row.key, row.subject, row.dialect, row.model,
                    row.error_code, row.spans}) {
    texts_.append(text);
    *size++ = text.size();
  }
}

std::vector<TraceRow> TraceBatch::Rows() const {
  std::vector<TraceRow> rows;
  rows.reserve(entries_.size());
  std::string_view rest = texts_;
  for (const auto& entry : entries_) {
    auto& row = rows.emplace_back();
    row.start = entry.start;
    row.finish = entry.finish;
    row.span_count = entry.span_count;
    auto size = entry.sizes.begin();
    for (auto* text : {&row.trace_id, &row.workspace, &row.key, &row.subject, &row.dialect,
                       &row.model, &row.error_code, &row.spans}) {
      *text = rest.substr(0, *size);
      rest.remove_prefix(*size++);
    }
  }
  return rows;
}

void TraceBatch::Clear() {
  constexpr std::size_t kKeptBytes = 4 << 20;
  entries_.clear();
  texts_.clear();
  if (texts_.capacity() > kKeptBytes) texts_ = {};
}

Result<> WriteTraces(Database& database, std::span<const TraceRow> rows,
                     std::size_t trace_bytes_max) {
  STRATA_TRY(
      auto insert,
      database.Prepare(
          "INSERT INTO traces VALUES(?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(trace_id) DO UPDATE SET "
          "start = min(start, excluded.start), finish = max(finish, excluded.finish), "
          "span_count = span_count + excluded.span_count, "
          "error_code = CASE WHEN excluded.error_code <> '' THEN excluded.error_code ELSE "
          "error_code END, "
          "spans = substr(spans, 1, length(spans) - 1) || ',' || substr(excluded.spans, 2) "
          "WHERE workspace = excluded.workspace AND length(spans) < ?12"));
  for (const auto& row : rows) {
    insert.BindAll(row.trace_id, row.workspace, row.key, row.subject, row.dialect, row.model,
                   ToUnixMicros(row.start), ToUnixMicros(row.finish), row.span_count,
                   row.error_code, row.spans, trace_bytes_max);
    auto done = insert.Run();
    insert.Reset();
    STRATA_CHECK_OK(done);
  }
  return {};
}

Result<std::optional<FinishedTrace>> ReadTrace(Database& database, const std::string& trace_id) {
  STRATA_TRY(auto row, database.Prepare("SELECT workspace, key, subject, dialect, model, spans "
                                        "FROM traces WHERE trace_id = ?"));
  row.Bind(1, trace_id);
  STRATA_TRY(bool found, row.Step());
  if (!found) return std::optional<FinishedTrace>();
  FinishedTrace trace;
  trace.trace_id = trace_id;
  trace.workspace.value = row.Text(0);
  trace.key.value = row.Text(1);
  trace.subject = StoredText(row, 2);
  trace.dialect = row.Text(3);
  trace.model = StoredText(row, 4);
  STRATA_TRY(trace.spans, SpansFromJson(row.Text(5)));
  return std::optional(std::move(trace));
}

Result<std::vector<TraceSummary>> ListTraces(Database& database, const TraceQuery& query,
                                             std::size_t limit) {
  STRATA_TRY(
      auto rows,
      database.Prepare(
          "SELECT trace_id, workspace, key, subject, dialect, model, start, finish, span_count, "
          "error_code FROM traces WHERE (?1 IS NULL OR workspace = ?1) AND (?2 = '' OR model = ?2) "
          "AND (?3 = '' OR key = ?3) AND (?4 = 0 OR error_code <> '') AND (?5 IS NULL OR start >= "
          "?5) AND (?6 IS NULL OR start < ?6) AND (?7 IS NULL OR spans LIKE ?7 ESCAPE '!') "
          "ORDER BY start DESC LIMIT ?8"));
  std::optional<std::string> workspace, pattern;
  if (query.workspace) workspace = query.workspace->value;
  if (!query.text.empty()) pattern = LikePattern(query.text);
  std::optional<std::int64_t> from, until;
  if (query.from) from = ToUnixMicros(*query.from);
  if (query.until) until = ToUnixMicros(*query.until);
  rows.BindAll(workspace, query.model, query.key, query.errors_only ? 1 : 0, from, until, pattern,
               limit);
  std::vector<TraceSummary> out;
  while (true) {
    STRATA_TRY(bool more, rows.Step());
    if (!more) return out;
    TraceSummary summary;
    summary.trace_id = rows.Text(0);
    summary.workspace.value = rows.Text(1);
    summary.key.value = rows.Text(2);
    summary.subject = StoredText(rows, 3);
    summary.dialect = rows.Text(4);
    summary.model = StoredText(rows, 5);
    summary.start = FromUnixMicros(rows.Integer(6));
    summary.duration = std::chrono::microseconds(rows.Integer(7) - rows.Integer(6));
    summary.span_count = rows.Integer(8);
    summary.error_code = rows.Text(9);
    out.push_back(std::move(summary));
  }
}

Result<std::int64_t> EraseTraces(Database& database, const std::string& subject,
                                 const WorkspaceId& workspace) {
  STRATA_CHECK_OK(store::OverwriteDeleted(database));
  STRATA_CHECK_OK(database.Run("DELETE FROM traces WHERE subject = ? AND workspace = ?", subject,
                               workspace.value));
  auto erased = database.changes();
  STRATA_CHECK_OK(store::EmptyLog(database));
  return erased;
}

}  // namespace strata::observe
