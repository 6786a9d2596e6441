// Statements of a model are tried on a database of their own: they read what is there, or say why
// not.

#include "store/sql_trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/sql_text.h"

namespace strata::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kSchema =
    "CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT, age REAL);\n"
    "CREATE INDEX by_name ON people(name);  -- as in the real one\n"
    "CREATE TABLE \"order\"(id INTEGER, person INTEGER REFERENCES people, total REAL)";
constexpr std::string_view kRows =
    "INSERT INTO people VALUES (1, 'Kim', 41), (2, 'Lee', 29.5), (3, 'Ada', NULL);"
    "INSERT INTO \"order\" VALUES (1, 1, 12.5), (2, 1, 7.5), (3, 2, 80)";

std::unique_ptr<SqlTrial> Trial() {
  auto made = SqlTrial::Make(kSchema, kRows);
  EXPECT_TRUE(made.has_value()) << made.error().message();
  return std::move(*made);
}

std::string Refused(std::string_view sql) {
  auto done = Trial()->Run(sql);
  return done.has_value() ? "" : done.error().message();
}

TEST(SqlTrial, ReturnsRowsInOneSpelling) {
  auto trial = Trial();
  EXPECT_THAT(*trial->Run("SELECT name, age FROM people ORDER BY id"),
              ElementsAre("3:Kim,41,", "3:Lee,29.5,", "3:Ada,null,"));
  EXPECT_EQ(*trial->Run("SELECT sum(total) FROM \"order\" WHERE person = 1;  -- all of hers"),
            *trial->Run("SELECT 20"));
  EXPECT_NE(*trial->Run("SELECT '2'"), *trial->Run("SELECT 2"));
  EXPECT_NE(*trial->Run("SELECT 1234567890123"), *trial->Run("SELECT 1234567890124"));
  EXPECT_THAT(*trial->Run("WITH t AS (SELECT 1 AS x UNION SELECT 2) SELECT a.x FROM t a, t b"),
              testing::SizeIs(4));
}

TEST(SqlTrial, SaysWhatIsWrong) {
  EXPECT_EQ(Refused("SELECT nick FROM people"), "no such column: nick");
  EXPECT_EQ(Refused("SELECT * FROM persons"), "no such table: persons");
  EXPECT_THAT(Refused("SELEC 1"), HasSubstr("syntax error"));
  EXPECT_EQ(Refused("SELECT name FROM people WHERE name = \"Kim\""), "no such column: Kim");
  EXPECT_EQ(Refused("  -- nothing"), "holds no statement");
  EXPECT_EQ(Refused("SELECT 1; SELECT 2"), "holds more than one statement");
  EXPECT_EQ(Trial()->Prepare("SELECT nick FROM people").error().code(), Code::kInvalidArgument);
  EXPECT_TRUE(Trial()->Prepare("SELECT name FROM people WHERE id = ?").has_value());
}

TEST(SqlTrial, NothingButReadingIsAllowed) {
  for (std::string_view sql :
       {"DELETE FROM people", "INSERT INTO people VALUES (9, 'x', 1)", "DROP TABLE people",
        "UPDATE people SET age = 1", "CREATE TABLE t(i)", "PRAGMA page_size", "BEGIN",
        "ATTACH '/tmp/x' AS y", "VACUUM INTO '/tmp/x'", "EXPLAIN SELECT 1", "REINDEX",
        "SELECT load_extension('x')", "SELECT * FROM pragma_database_list"}) {
    EXPECT_NE(Refused(sql), "") << sql;
  }
  EXPECT_EQ(Trial()->Run("DELETE FROM people").error().code(), Code::kPermissionDenied);
}

TEST(SqlTrial, WhatTakesLongIsEnded) {
  EXPECT_EQ(Refused("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                    "SELECT count(*) FROM n"),
            "takes too many steps");
  EXPECT_THAT(Refused("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
                      "i < 2000) SELECT i FROM n"),
              HasSubstr("more than 1000 rows"));
  EXPECT_NE(Refused("SELECT replace(hex(zeroblob(2000)), '0', 'aaaa')"), "");
  EXPECT_NE(Refused("SELECT 1" + std::string(20'000, ' ')), "");
}

// SQLite 3.40 needs half a second to prepare this with 16 levels, twice as long with each more.
TEST(SqlTrial, TablesThatNameEachOtherOverAndOverAreRefusedUnread) {
  std::string sql = "WITH a0 AS (SELECT 1 x)";
  for (int i = 1; i < 60; ++i) {
    sql += ", a" + std::to_string(i) + "(x) AS NOT MATERIALIZED (SELECT l.x FROM a" +
           std::to_string(i - 1) + " l, [A" + std::to_string(i - 1) + "] r)";
  }
  sql += " SELECT * FROM a59";
  EXPECT_THAT(Refused(sql), HasSubstr("come to too much"));
  EXPECT_EQ(WordsWrittenOut("SELECT a FROM b", 100), 4U);
  EXPECT_EQ(WordsWrittenOut("WITH t AS (SELECT 1) SELECT * FROM t, 't' -- t", 100), 15U);
  EXPECT_EQ(WordsWrittenOut("WITH t AS (SELECT 1 FROM t) SELECT 1 FROM (((", 1000), 18U);
}

TEST(SqlTrial, ASchemaHoldsTablesAndRowsAreInserted) {
  auto field = [](std::string_view schema, std::string_view rows) {
    auto made = SqlTrial::Make(schema, rows);
    return made.has_value() ? "" : made.error().field() + ": " + made.error().message();
  };
  EXPECT_EQ(field("CREATE TABLE t(i)", ""), "");
  EXPECT_EQ(field("CREATE TABLE t(i", ""), "schema: incomplete input");
  EXPECT_EQ(field("CREATE VIEW v AS SELECT 1", ""), "schema: does more than it may");
  EXPECT_EQ(field("CREATE TABLE t(i); DROP TABLE t", ""), "schema: does more than it may");
  EXPECT_EQ(field("CREATE TABLE t(i)", "INSERT INTO u VALUES(1)"), "rows: no such table: u");
  EXPECT_EQ(field("CREATE TABLE t(i)", "DELETE FROM t"), "rows: does more than it may");
  EXPECT_EQ(field("CREATE TABLE t(i)", "INSERT INTO sqlite_schema VALUES(1,2,3,4,5)"),
            "rows: does more than it may");
  EXPECT_EQ(field(std::string(70'000, ' '), ""), "schema: is larger than 65536 bytes");
  EXPECT_EQ(field("CREATE TABLE t(i)", "INSERT INTO t VALUES('" + std::string(5000, 'x') + "')"),
            "rows: string or blob too big");
}

TEST(SqlText, OrderCountsOutsideOfBracketsOnly) {
  EXPECT_TRUE(OrdersRows("SELECT a FROM t ORDER /* so */ BY a"));
  EXPECT_FALSE(OrdersRows("SELECT a FROM (SELECT * FROM t ORDER BY a LIMIT 3)"));
  EXPECT_FALSE(OrdersRows("SELECT 'order by' FROM t -- order by a"));
}

}  // namespace
}  // namespace strata::store
