#include "job/eval_sets.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <map>

namespace strata::job {
namespace {

// A row holds from version `since` to before `until`; kForever: it is in the newest.
constexpr store::Migration kMigrations[] = {
    {"makes evaluation sets", R"sql(
CREATE TABLE sets(
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
  version INTEGER NOT NULL, row_count INTEGER NOT NULL, created INTEGER NOT NULL,
  updated INTEGER NOT NULL, UNIQUE(workspace, name)
) STRICT;
CREATE TABLE set_versions(
  set_id TEXT NOT NULL REFERENCES sets(id) ON DELETE CASCADE, version INTEGER NOT NULL,
  what TEXT NOT NULL, row_count INTEGER NOT NULL, created INTEGER NOT NULL,
  PRIMARY KEY(set_id, version)
) STRICT;
CREATE TABLE set_rows(
  sequence INTEGER PRIMARY KEY, set_id TEXT NOT NULL REFERENCES sets(id) ON DELETE CASCADE,
  row_id TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, body TEXT NOT NULL,
  UNIQUE(set_id, row_id, since)
) STRICT;
)sql"},
    {"makes evaluation runs", R"sql(
CREATE TABLE runs(
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, key TEXT NOT NULL, plan TEXT NOT NULL,
  state INTEGER NOT NULL, error TEXT NOT NULL DEFAULT '', row_count INTEGER NOT NULL,
  created INTEGER NOT NULL, updated INTEGER NOT NULL
) STRICT;
CREATE TABLE cases(
  sequence INTEGER PRIMARY KEY, run TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  row_id TEXT NOT NULL, target INTEGER NOT NULL, figures TEXT NOT NULL, texts TEXT NOT NULL,
  UNIQUE(run, row_id, target)
) STRICT;
CREATE TABLE human_checks(
  run TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, row_id TEXT NOT NULL,
  judge INTEGER NOT NULL, answer INTEGER NOT NULL, human REAL NOT NULL, model REAL,
  PRIMARY KEY(run, row_id, judge, answer)
) STRICT;
)sql"},
    {"makes feedback", R"sql(
CREATE TABLE feedback(
  sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, workspace TEXT NOT NULL,
  trace TEXT NOT NULL, key TEXT NOT NULL, model TEXT NOT NULL, value REAL NOT NULL,
  weight REAL NOT NULL, metadata TEXT NOT NULL, created INTEGER NOT NULL
) STRICT;
CREATE INDEX feedback_by_trace ON feedback(workspace, trace);
)sql"},
    {"adds the test that feedback belongs to", R"sql(
ALTER TABLE feedback ADD COLUMN test TEXT NOT NULL DEFAULT '';
ALTER TABLE feedback ADD COLUMN arm TEXT NOT NULL DEFAULT '';
ALTER TABLE feedback ADD COLUMN unit TEXT NOT NULL DEFAULT '';
CREATE INDEX feedback_by_test ON feedback(test) WHERE test <> '';
)sql"},
    {"adds shadow labels", R"sql(
CREATE TABLE shadow_labels(
  sequence INTEGER PRIMARY KEY, workspace TEXT NOT NULL, router TEXT NOT NULL,
  version TEXT NOT NULL, trace TEXT NOT NULL, created INTEGER NOT NULL, picousd INTEGER NOT NULL,
  quality REAL NOT NULL, strong REAL NOT NULL, row TEXT NOT NULL
) STRICT;
CREATE INDEX shadow_labels_by_router ON shadow_labels(workspace, router, sequence);
CREATE INDEX shadow_labels_by_day ON shadow_labels(created);
)sql"},
    {"adds whose data a row is", R"sql(
ALTER TABLE set_rows ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE feedback ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE shadow_labels ADD COLUMN subject TEXT NOT NULL DEFAULT '';
CREATE INDEX set_rows_by_subject ON set_rows(subject) WHERE subject <> '';
CREATE INDEX cases_by_subject ON cases(subject) WHERE subject <> '';
CREATE INDEX feedback_by_subject ON feedback(subject) WHERE subject <> '';
CREATE INDEX shadow_labels_by_subject ON shadow_labels(subject) WHERE subject <> '';
)sql"},
    {"keeps how targets stood", "ALTER TABLE runs ADD standings TEXT NOT NULL DEFAULT ''"},
};

constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

constexpr std::string_view kColumns =
    "id, workspace, name, description, version, row_count, created, updated";

Error TooManyRows() {
  return Error(Code::kTooLarge, fmt::format("an evaluation set has at most {} rows", kEvalRowsMax));
}

EvalSet SetOf(const store::Statement& row) {
  EvalSet set;
  set.id = row.Text(0);
  set.workspace.value = row.Text(1);
  set.name = row.Text(2);
  set.description = row.Text(3);
  set.version = static_cast<int>(row.Integer(4));
  set.rows = static_cast<std::size_t>(row.Integer(5));
  set.created = FromUnixMicros(row.Integer(6));
  set.updated = FromUnixMicros(row.Integer(7));
  return set;
}

Result<std::optional<EvalSet>> FindSet(store::Database& database, const std::string& name,
                                       const WorkspaceId& workspace) {
  STRATA_TRY(auto row, database.Prepare(fmt::format(
                           "SELECT {} FROM sets WHERE workspace = ? AND name = ?", kColumns)));
  row.Bind(1, workspace.value).Bind(2, name);
  STRATA_TRY(bool found, row.Step());
  return found ? std::optional(SetOf(row)) : std::nullopt;
}

Result<EvalSet> GetSet(store::Database& database, const std::string& name,
                       const WorkspaceId& workspace) {
  STRATA_TRY(auto set, FindSet(database, name, workspace));
  if (!set) return Fail(NotFound("evaluation set", name));
  return std::move(*set);
}

Result<EvalSet> InsertSet(store::Database& database, const std::string& name,
                          const std::string& description, const WorkspaceId& workspace,
                          WallTime now) {
  STRATA_TRY(auto count,
             database.Integer("SELECT COUNT(*) FROM sets WHERE workspace = ?", workspace.value));
  if (count.value_or(0) >= static_cast<std::int64_t>(EvalSets::kSetsMax)) {
    return Fail(Code::kTooLarge,
                fmt::format("a workspace holds at most {} evaluation sets", EvalSets::kSetsMax));
  }
  auto id = NewResourceId();
  auto at = ToUnixMicros(now);
  STRATA_CHECK_OK(database.Run("INSERT INTO sets VALUES(?,?,?,?,0,0,?,?)", id, workspace.value,
                               name, description, at, at));
  return GetSet(database, name, workspace);
}

// What the newest version holds: text by id.
Result<std::map<std::string, std::string>> BodiesOf(store::Database& database,
                                                    const std::string& set_id) {
  std::map<std::string, std::string> out;
  STRATA_TRY(auto row,
             database.Prepare("SELECT row_id, body FROM set_rows WHERE set_id = ? AND until = ?"));
  row.Bind(1, set_id).Bind(2, kForever);
  while (true) {
    STRATA_TRY(bool more, row.Step());
    if (!more) return out;
    out.emplace(row.Text(0), row.Text(1));
  }
}

Result<> EndRow(store::Database& database, const std::string& set_id, const std::string& row_id,
                int version) {
  return database.Run("UPDATE set_rows SET until = ? WHERE set_id = ? AND row_id = ? AND until = ?",
                      version, set_id, row_id, kForever);
}

// Writes the rows of version `next` that differ from those of the one before.
Result<> WriteRows(store::Database& database, const AddRows& add, int next, AddedRows& done) {
  STRATA_TRY(auto before, BodiesOf(database, done.set.id));
  for (const auto& row : add.rows) {
    auto body = EncodeEvalRow(row);
    auto at = before.find(row.id);
    if (at != before.end() && at->second == body) {
      ++done.unchanged;
      before.erase(at);
      continue;
    }
    if (at != before.end()) {
      STRATA_CHECK_OK(EndRow(database, done.set.id, row.id, next));
      before.erase(at);
      ++done.changed;
    } else {
      ++done.added;
    }
    STRATA_CHECK_OK(
        database.Run("INSERT INTO set_rows(set_id, row_id, since, until, body, subject) "
                     "VALUES(?,?,?,?,?,?)",
                     done.set.id, row.id, next, kForever, body, row.subject));
  }
  if (add.mode == AddRows::Mode::kMerge) return {};
  done.removed = before.size();
  for (const auto& [row_id, body] : before) {
    STRATA_CHECK_OK(EndRow(database, done.set.id, row_id, next));
  }
  return {};
}

Result<AddedRows> AddTo(store::Database& database, const AddRows& add, const WorkspaceId& workspace,
                        WallTime now) {
  AddedRows done;
  STRATA_TRY(auto found, FindSet(database, add.set, workspace));
  if (found) {
    done.set = std::move(*found);
  } else {
    STRATA_TRY(done.set, InsertSet(database, add.set, "", workspace, now));
  }
  auto next = done.set.version + 1;
  STRATA_CHECK_OK(WriteRows(database, add, next, done));
  if (done.added + done.changed + done.removed == 0) return done;
  auto rows = done.set.rows + done.added - done.removed;
  if (rows > kEvalRowsMax) return Fail(TooManyRows());
  if (next > static_cast<int>(EvalSets::kVersionsMax)) {
    return Fail(Code::kTooLarge,
                fmt::format("an evaluation set has at most {} versions", EvalSets::kVersionsMax));
  }
  auto at = ToUnixMicros(now);
  STRATA_CHECK_OK(database.Run("INSERT INTO set_versions VALUES(?,?,?,?,?)", done.set.id, next,
                               add.what, rows, at));
  STRATA_CHECK_OK(
      database.Run("UPDATE sets SET version = ?, row_count = ?, updated = ? WHERE id = ?", next,
                   rows, at, done.set.id));
  done.set.version = next;
  done.set.rows = rows;
  done.set.updated = now;
  return done;
}

Result<> LoadVersions(store::Database& database, EvalSet& set) {
  STRATA_TRY(auto row, database.Prepare("SELECT version, what, row_count, created FROM "
                                        "set_versions WHERE set_id = ? ORDER BY version"));
  row.Bind(1, set.id);
  while (true) {
    STRATA_TRY(bool more, row.Step());
    if (!more) return {};
    EvalVersion version;
    version.number = static_cast<int>(row.Integer(0));
    version.what = row.Text(1);
    version.rows = static_cast<std::size_t>(row.Integer(2));
    version.created = FromUnixMicros(row.Integer(3));
    set.versions.push_back(std::move(version));
  }
}

}  // namespace

std::span<const store::Migration> EvalMigrations() { return kMigrations; }

EvalSetRef ParseEvalSetRef(std::string_view text) {
  EvalSetRef ref;
  auto colon = text.rfind(':');
  if (colon != text.npos) {
    auto number = text.substr(colon + 1);
    auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), ref.version);
    bool whole = error == std::errc() && end == number.data() + number.size() && ref.version > 0;
    if (!whole) ref.version = -1;
    text = text.substr(0, colon);
  }
  ref.name = text;
  return ref;
}

Task<Result<EvalSet>> EvalSets::Create(std::string name, std::string description,
                                       WorkspaceId workspace) {
  STRATA_CO_CHECK_OK(CheckEvalSetName(name));
  auto work = [&, now = clock_.Wall()](store::Database& database) -> Result<EvalSet> {
    STRATA_TRY(auto found, FindSet(database, name, workspace));
    if (found) {
      return Fail(
          Error(Code::kConflict, fmt::format("an evaluation set named '{}' exists already", name))
              .AtField("name"));
    }
    return InsertSet(database, name, description, workspace, now);
  };
  co_return co_await file_.Write(std::move(work));
}

Task<Result<AddedRows>> EvalSets::Add(AddRows add, WorkspaceId workspace) {
  STRATA_CO_CHECK_OK(CheckEvalSetName(add.set));
  if (add.rows.size() > kEvalRowsMax) co_return Fail(TooManyRows());
  auto work = [&, now = clock_.Wall()](store::Database& database) {
    return AddTo(database, add, workspace, now);
  };
  co_return co_await file_.Write(std::move(work));
}

Task<Result<>> EvalSets::Delete(std::string name, WorkspaceId workspace) {
  auto work = [&](store::Database& database) -> Result<> {
    STRATA_TRY(auto set, GetSet(database, name, workspace));
    return database.Run("DELETE FROM sets WHERE id = ?", set.id);
  };
  co_return co_await file_.Write(std::move(work));
}

Task<Result<EvalSet>> EvalSets::Get(std::string name, WorkspaceId workspace) {
  auto work = [&](store::Database& database) -> Result<EvalSet> {
    STRATA_TRY(auto set, GetSet(database, name, workspace));
    STRATA_CHECK_OK(LoadVersions(database, set));
    return set;
  };
  co_return co_await file_.Read(std::move(work));
}

Task<Result<std::vector<EvalSet>>> EvalSets::List(WorkspaceId workspace) {
  auto work = [&](store::Database& database) -> Result<std::vector<EvalSet>> {
    std::vector<EvalSet> out;
    STRATA_TRY(auto row, database.Prepare(fmt::format(
                             "SELECT {} FROM sets WHERE workspace = ? ORDER BY name", kColumns)));
    row.Bind(1, workspace.value);
    while (true) {
      STRATA_TRY(bool more, row.Step());
      if (!more) return out;
      out.push_back(SetOf(row));
    }
  };
  co_return co_await file_.Read(std::move(work));
}

Task<Result<std::vector<EvalRow>>> EvalSets::Rows(RowsOf wanted, WorkspaceId workspace) {
  auto work = [&](store::Database& database) -> Result<std::vector<EvalRow>> {
    STRATA_TRY(auto set, GetSet(database, wanted.set.name, workspace));
    auto version = wanted.set.version == 0 ? set.version : wanted.set.version;
    if (version < 0 || version > set.version) {
      return Fail(NotFound("version of evaluation set",
                           fmt::format("{}:{}", set.name, wanted.set.version)));
    }
    STRATA_TRY(auto row, database.Prepare("SELECT body FROM set_rows WHERE set_id = ? AND since <= "
                                          "? AND until > ? ORDER BY sequence LIMIT ? OFFSET ?"));
    row.BindAll(set.id, version, version, wanted.limit, wanted.from);
    std::vector<EvalRow> out;
    while (true) {
      STRATA_TRY(bool more, row.Step());
      if (!more) return out;
      auto parsed = ParseEvalRow(row.Text(0));
      if (!parsed.has_value()) {
        return Fail(Code::kCorruption,
                    fmt::format("evaluation set '{}' holds a row that cannot be read: {}", set.name,
                                parsed.error().message()));
      }
      out.push_back(std::move(*parsed));
    }
  };
  co_return co_await file_.Read(std::move(work));
}

}  // namespace strata::job
