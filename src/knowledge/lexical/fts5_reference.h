#pragma once
// SQLite's FTS5 as a LexicalIndex: the reference of the contract test, and what bench/retrieval
// measures beside ours. The product does not use it.

#include <sqlite3.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "knowledge/lexical/query_words.h"
#include "knowledge/lexical_index.h"
#include "text/dates.h"
#include "text/search_words.h"

namespace strata::knowledge::lexical {

// In memory. Searches take turns.
class Fts5LexicalIndex final : public LexicalIndex {
 public:
  explicit Fts5LexicalIndex(int title_weight = 2) : title_weight_(title_weight) {
    STRATA_FATAL(sqlite3_open(":memory:", &db_) == SQLITE_OK, "SQLite did not open");
    Run("CREATE VIRTUAL TABLE t USING fts5(title, body, tokenize='porter unicode61')");
  }
  ~Fts5LexicalIndex() override { sqlite3_close(db_); }
  Fts5LexicalIndex(const Fts5LexicalIndex&) = delete;
  Fts5LexicalIndex& operator=(const Fts5LexicalIndex&) = delete;

  Result<void> Put(std::span<const LexicalDocument> documents) override {
    for (const LexicalDocument& document : documents) {
      waiting_.push_back(Row{document.id, WithDates(document.title), WithDates(document.body)});
    }
    return {};
  }
  Result<void> Remove(std::span<const std::uint64_t> ids) override {
    for (std::uint64_t id : ids) waiting_.push_back(id);
    return {};
  }
  Result<void> Clear() override {
    waiting_.clear();
    waiting_.push_back(Everything{});
    return {};
  }

  Result<void> Commit(std::uint64_t generation) override {
    std::lock_guard lock(mutex_);
    Run("BEGIN");
    for (const Change& change : waiting_) Apply(change);
    Run("COMMIT");
    waiting_.clear();
    generation_ = generation;
    return {};
  }

  Result<std::vector<LexicalHit>> Search(std::string_view query, std::size_t limit,
                                         const LexicalFilter& filter = {},
                                         std::span<const SpellingFix> fixes = {},
                                         std::string_view holding = {}) const override {
    std::string words;
    auto add = [&](const std::string& word) {
      if (!words.empty()) words += " OR ";
      words += "\"" + word + "\"";
    };
    for (const auto& [word, times] : WordsOfQuery(query)) {
      for (std::uint32_t i = 0; i < times; ++i) add(AsToken(word));
    }
    for (const SpellingFix& fix : fixes) add(fix.instead);
    std::vector<LexicalHit> hits;
    if (words.empty()) return hits;
    if (!holding.empty()) {
      const auto needed = text::SearchWordMaker().Words(holding);
      if (needed.empty()) return hits;
      words = "(" + words + ")";
      for (const std::string& word : needed) words += " AND \"" + word + "\"";
    }
    std::lock_guard lock(mutex_);
    std::string sql = "SELECT rowid, -bm25(t, " + std::to_string(title_weight_) +
                      ", 1) AS s FROM t WHERE t MATCH ?1 ORDER BY s DESC, rowid";
    if (!filter) sql += " LIMIT " + std::to_string(limit);
    Statement select(db_, sql);
    select.Bind(1, words);
    while (hits.size() < limit && select.Step()) {
      auto id = static_cast<std::uint64_t>(sqlite3_column_int64(select.get(), 0));
      if (filter && !filter(id)) continue;
      hits.push_back(
          {.id = id, .score = static_cast<float>(sqlite3_column_double(select.get(), 1))});
    }
    return hits;
  }

  Result<std::vector<float>> ScoreRuns(std::string_view, std::span<const ChunkRun>,
                                       const DocumentsOfChunks&,
                                       std::span<const SpellingFix>) const override {
    return Fail(Code::kUnsupported, "FTS5 scores rows only");
  }

  Result<std::vector<SpellingFix>> FixSpelling(std::string_view,
                                               const LexicalFilter&) const override {
    return std::vector<SpellingFix>();  // it corrects nothing
  }

  std::uint64_t generation() const override { return generation_; }
  LexicalStats Stats() const override {
    std::lock_guard lock(mutex_);
    Statement count(db_, "SELECT count(*) FROM t");
    count.Step();
    LexicalStats stats;
    stats.documents = static_cast<std::uint64_t>(sqlite3_column_int64(count.get(), 0));
    return stats;
  }

 private:
  // Dates as words that its tokenizer keeps whole.
  static std::string AsToken(std::string word) {
    std::ranges::replace(word, '-', 'x');
    return word;
  }
  static std::string WithDates(std::string_view text) {
    std::string out(text);
    text::ForEachDate(text, [&](const text::FoundDate& date) {
      if (date.day > 0) out += " " + AsToken(DayWord(date));
      out += " " + AsToken(MonthWord(date));
    });
    return out;
  }

  struct Row {
    std::uint64_t id;
    std::string title;
    std::string body;
  };
  struct Everything {};
  using Change = std::variant<Row, std::uint64_t, Everything>;

  class Statement {
   public:
    Statement(sqlite3* db, const std::string& sql) {
      int code = sqlite3_prepare_v2(db, sql.c_str(), -1, &statement_, nullptr);
      STRATA_FATAL(code == SQLITE_OK, sqlite3_errmsg(db));
    }
    ~Statement() { sqlite3_finalize(statement_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    sqlite3_stmt* get() const { return statement_; }
    void Bind(int at, const std::string& text) {
      sqlite3_bind_text(statement_, at, text.data(), static_cast<int>(text.size()),
                        SQLITE_TRANSIENT);
    }
    void Bind(int at, std::uint64_t number) {
      sqlite3_bind_int64(statement_, at, static_cast<sqlite3_int64>(number));
    }
    bool Step() { return sqlite3_step(statement_) == SQLITE_ROW; }

   private:
    sqlite3_stmt* statement_ = nullptr;
  };

  void Run(const char* sql) {
    STRATA_FATAL(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK,
                 sqlite3_errmsg(db_));
  }

  void Apply(const Change& change) {
    if (std::holds_alternative<Everything>(change)) return Run("DELETE FROM t");
    const Row* row = std::get_if<Row>(&change);
    Statement remove(db_, "DELETE FROM t WHERE rowid = ?1");
    remove.Bind(1, row != nullptr ? row->id : std::get<std::uint64_t>(change));
    remove.Step();
    if (row == nullptr) return;
    Statement insert(db_, "INSERT INTO t(rowid, title, body) VALUES (?1, ?2, ?3)");
    insert.Bind(1, row->id);
    insert.Bind(2, row->title);
    insert.Bind(3, row->body);
    insert.Step();
  }

  const int title_weight_;
  sqlite3* db_ = nullptr;
  mutable std::mutex mutex_;
  std::vector<Change> waiting_;
  std::uint64_t generation_ = 0;
};

}  // namespace strata::knowledge::lexical
