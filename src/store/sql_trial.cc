#include "store/sql_trial.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>
#include <cmath>
#include <cstdint>

#include "base/utf8.h"
#include "store/sql_text.h"

namespace strata::store {
namespace {

// With common table expressions written out.
constexpr std::size_t kWordsMax = 10'000;
constexpr std::size_t kTextWordsMax = 100'000;
constexpr std::size_t kLoadStepsMax = 2'000'000;
constexpr std::size_t kResultBytesMax = 1 << 20;
constexpr int kStepsBetweenLooks = 100;
constexpr std::chrono::milliseconds kTimeMax{2000};
constexpr std::size_t kMessageBytesMax = 200;

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Prepared = std::unique_ptr<sqlite3_stmt, Finalize>;

using SteadyClock = std::chrono::steady_clock;

// Ends what runs too long, for as long as it lives.
class Leash {
 public:
  Leash(sqlite3* handle, std::size_t steps, SteadyClock::time_point until)
      : handle_(handle), left_(steps), until_(until) {
    sqlite3_progress_handler(handle_, kStepsBetweenLooks, Look, this);
  }
  Leash(const Leash&) = delete;
  Leash& operator=(const Leash&) = delete;
  ~Leash() { sqlite3_progress_handler(handle_, 0, nullptr, nullptr); }

 private:
  static int Look(void* self) {
    auto& leash = *static_cast<Leash*>(self);
    if (leash.left_ < kStepsBetweenLooks || SteadyClock::now() > leash.until_) return 1;
    leash.left_ -= kStepsBetweenLooks;
    return 0;
  }
  sqlite3* handle_;
  std::size_t left_;
  const SteadyClock::time_point until_;
};

bool Reads(int action, const char* name) {
  if (action == SQLITE_FUNCTION)
    return name == nullptr || std::string_view(name) != "load_extension";
  return action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_RECURSIVE;
}

int MayRead(void*, int action, const char*, const char* name, const char*, const char*) {
  return Reads(action, name) ? SQLITE_OK : SQLITE_DENY;
}

int MayInsert(void*, int action, const char* table, const char* name, const char*, const char*) {
  const bool inserts = action == SQLITE_INSERT && !std::string_view(table).starts_with("sqlite_");
  return inserts || Reads(action, name) ? SQLITE_OK : SQLITE_DENY;
}

// SQLite writes its own table of the schema on the way.
int MayCreate(void*, int action, const char* table, const char* name, const char*, const char*) {
  if (action == SQLITE_CREATE_TABLE || action == SQLITE_CREATE_INDEX || action == SQLITE_REINDEX) {
    return SQLITE_OK;
  }
  const bool own = (action == SQLITE_INSERT || action == SQLITE_UPDATE) && table != nullptr &&
                   std::string_view(table).starts_with("sqlite_");
  return own || Reads(action, name) ? SQLITE_OK : SQLITE_DENY;
}

void Bound(sqlite3* handle, std::size_t value_bytes_max) {
  auto limit = [handle](int which, std::size_t value) {
    sqlite3_limit(handle, which, static_cast<int>(value));
  };
  limit(SQLITE_LIMIT_LENGTH, value_bytes_max);
  limit(SQLITE_LIMIT_SQL_LENGTH, SqlTrial::kTextBytesMax);
  limit(SQLITE_LIMIT_COLUMN, 256);
  limit(SQLITE_LIMIT_EXPR_DEPTH, 100);
  limit(SQLITE_LIMIT_COMPOUND_SELECT, 20);
  limit(SQLITE_LIMIT_VDBE_OP, 100'000);
  limit(SQLITE_LIMIT_FUNCTION_ARG, 32);
  limit(SQLITE_LIMIT_ATTACHED, 0);
  limit(SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256);
  limit(SQLITE_LIMIT_TRIGGER_DEPTH, 1);
  limit(SQLITE_LIMIT_WORKER_THREADS, 0);
}

Error Problem(sqlite3* handle) {
  const int code = sqlite3_errcode(handle) & 0xff;
  if (code == SQLITE_INTERRUPT) return Error(Code::kTooLarge, "takes too many steps");
  if (code == SQLITE_AUTH) return Error(Code::kPermissionDenied, "does more than it may");
  std::string text(Utf8Prefix(sqlite3_errmsg(handle), kMessageBytesMax));
  if (code == SQLITE_TOOBIG || code == SQLITE_FULL || code == SQLITE_NOMEM) {
    return Error(Code::kTooLarge, std::move(text));
  }
  return Error(Code::kInvalidArgument, std::move(text));
}

Result<> Load(sqlite3* handle, std::string_view script) {
  if (script.size() > SqlTrial::kTextBytesMax) {
    return Fail(Code::kTooLarge, fmt::format("is larger than {} bytes", SqlTrial::kTextBytesMax));
  }
  if (WordsWrittenOut(script, kTextWordsMax) > kTextWordsMax) {
    return Fail(Code::kTooLarge, "its common table expressions come to too much");
  }
  // Steps alone: whether a schema can be made must not depend on how busy the machine is.
  Leash leash(handle, kLoadStepsMax, SteadyClock::time_point::max());
  const std::string text(script);
  if (sqlite3_exec(handle, text.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return Fail(Problem(handle));
  }
  return {};
}

Result<Prepared> PrepareOne(sqlite3* handle, std::string_view sql) {
  if (sql.size() > SqlTrial::kStatementBytesMax) {
    return Fail(Code::kTooLarge,
                fmt::format("is larger than {} bytes", SqlTrial::kStatementBytesMax));
  }
  if (WordsWrittenOut(sql, kWordsMax) > kWordsMax) {
    return Fail(Code::kTooLarge, "its common table expressions come to too much");
  }
  auto prepare = [handle](std::string_view text, const char** tail) -> Result<Prepared> {
    sqlite3_stmt* raw = nullptr;
    int code = sqlite3_prepare_v2(handle, text.data(), static_cast<int>(text.size()), &raw, tail);
    Prepared made(raw);
    if (code != SQLITE_OK) return Fail(Problem(handle));
    return made;
  };
  const char* tail = nullptr;
  STRATA_TRY(auto made, prepare(sql, &tail));
  if (!made) return Fail(Code::kInvalidArgument, "holds no statement");
  // What may follow is a comment.
  for (auto rest = sql.substr(static_cast<std::size_t>(tail - sql.data())); !rest.empty();) {
    STRATA_TRY(auto more, prepare(rest, &tail));
    if (more) return Fail(Code::kInvalidArgument, "holds more than one statement");
    const auto next = sql.substr(static_cast<std::size_t>(tail - sql.data()));
    if (next.size() >= rest.size()) break;
    rest = next;
  }
  if (sqlite3_stmt_isexplain(made.get()) != 0 || sqlite3_column_count(made.get()) == 0) {
    return Fail(Code::kInvalidArgument, "returns no rows of the tables");
  }
  return made;
}

void AppendValue(sqlite3_stmt* row, int column, std::string& out) {
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_NULL:
      out += "null";
      break;
    case SQLITE_INTEGER:
      out += fmt::format("{}", sqlite3_column_int64(row, column));
      break;
    case SQLITE_FLOAT: {
      constexpr double kExact = 9'007'199'254'740'992.0;  // 2^53: whole numbers are whole below
      const double value = sqlite3_column_double(row, column);
      const bool whole = std::abs(value) < kExact && value == std::trunc(value);
      out += whole ? fmt::format("{}", static_cast<std::int64_t>(value))
                   : fmt::format("{:.9g}", value);
      break;
    }
    default: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(row, column));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(row, column));
      // With its length, so that two rows read alike only where they are.
      out += fmt::format("{}:", size);
      if (size > 0) out.append(bytes, size);
    }
  }
  out += ',';
}

}  // namespace

Result<std::unique_ptr<SqlTrial>> SqlTrial::Make(std::string_view schema, std::string_view rows) {
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY |
                         SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(":memory:", &handle, kFlags, nullptr);
  std::unique_ptr<SqlTrial> trial(new SqlTrial(handle));
  if (opened != SQLITE_OK) return Fail(Code::kUnavailable, sqlite3_errstr(opened));
  for (int feature :
       {SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW, SQLITE_DBCONFIG_TRUSTED_SCHEMA,
        SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_DQS_DDL}) {
    sqlite3_db_config(handle, feature, 0, nullptr);
  }
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_exec(handle, "PRAGMA temp_store = MEMORY; PRAGMA max_page_count = 4096", nullptr, nullptr,
               nullptr);
  Bound(handle, kTextBytesMax);
  sqlite3_set_authorizer(handle, MayCreate, nullptr);
  if (auto loaded = Load(handle, schema); !loaded.has_value()) {
    return Fail(std::move(loaded.error()).AtField("schema"));
  }
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, static_cast<int>(kValueBytesMax));
  sqlite3_set_authorizer(handle, MayInsert, nullptr);
  if (auto loaded = Load(handle, rows); !loaded.has_value()) {
    return Fail(std::move(loaded.error()).AtField("rows"));
  }
  sqlite3_set_authorizer(handle, MayRead, nullptr);
  return trial;
}

SqlTrial::~SqlTrial() { sqlite3_close_v2(handle_); }

Result<> SqlTrial::Prepare(std::string_view sql) {
  STRATA_TRY([[maybe_unused]] auto made, PrepareOne(handle_, sql));
  return {};
}

Result<std::vector<std::string>> SqlTrial::Run(std::string_view sql) {
  STRATA_TRY(auto statement, PrepareOne(handle_, sql));
  Leash leash(handle_, kStepsMax, SteadyClock::now() + kTimeMax);
  std::vector<std::string> rows;
  std::size_t bytes = 0;
  while (true) {
    const int code = sqlite3_step(statement.get());
    if (code == SQLITE_DONE) return rows;
    if (code != SQLITE_ROW) return Fail(Problem(handle_));
    if (rows.size() == kRowsMax) {
      return Fail(Code::kTooLarge, fmt::format("returns more than {} rows", kRowsMax));
    }
    auto& row = rows.emplace_back();
    for (int i = 0; i < sqlite3_column_count(statement.get()); ++i) {
      AppendValue(statement.get(), i, row);
    }
    bytes += row.size();
    if (bytes > kResultBytesMax) {
      return Fail(Code::kTooLarge, fmt::format("returns more than {} bytes", kResultBytesMax));
    }
  }
}

}  // namespace strata::store
