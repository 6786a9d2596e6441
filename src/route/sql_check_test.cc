// Answers in SQL: which hold with a schema, and which say the same.

#include "route/sql_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::route {
namespace {

using testing::HasSubstr;

const SqlSample kOrders{
    .schema = "CREATE TABLE orders(id INTEGER, customer TEXT, total REAL)",
    .rows = "INSERT INTO orders VALUES (1, 'Kim', 12.5), (2, 'Lee', 80), (3, 'Kim', 7.5)"};

SqlVerdict Try(std::string text, const SqlSample& sample = kOrders,
               domain::StopReason stop = domain::StopReason::kEndTurn) {
  domain::ChatResponse answer;
  answer.stop_reason = stop;
  answer.content.emplace_back(domain::TextBlock{.text = std::move(text), .citations = {}});
  return TryAnswer(answer, sample);
}

bool Same(const std::string& a, const std::string& b) {
  auto left = Try(a), right = Try(b);
  EXPECT_EQ(left.problem, "") << left.detail;
  EXPECT_EQ(right.problem, "") << right.detail;
  return Agree(left.value, right.value, nullptr);
}

TEST(SqlCheck, TakesTheOneFencedBlockOrAllOfIt) {
  EXPECT_EQ(Try("SELECT total FROM orders").problem, "");
  EXPECT_EQ(Try("Here it is:\n```sql\nSELECT total\nFROM orders;\n```\nIt lists totals.").problem,
            "");
  EXPECT_EQ(Try("```SELECT 1```").problem, "");
  EXPECT_THAT(Try("```sql\nSELECT 1\n```\nor\n```sql\nSELECT 2\n```").problem,
              HasSubstr("more than one fenced block"));
  EXPECT_THAT(Try("```sql\nSELECT 1").problem, HasSubstr("does not end"));
  EXPECT_NE(Try("The totals are in SELECT total FROM orders").problem, "");
}

TEST(SqlCheck, SaysWhyAnAnswerFails) {
  auto wrong = Try("SELECT price FROM orders");
  EXPECT_EQ(wrong.problem, "the answer does not run on the sample");
  EXPECT_EQ(wrong.detail, "no such column: price");
  const SqlSample no_rows{.schema = kOrders.schema, .rows = ""};
  EXPECT_EQ(Try("SELECT price FROM orders", no_rows).problem,
            "the answer is no statement of the schema");
  EXPECT_EQ(Try("DELETE FROM orders", no_rows).detail, "does more than it may");
  EXPECT_EQ(Try("SELECT total FROM orders", no_rows).problem, "");
  EXPECT_EQ(Try("SELECT 1", kOrders, domain::StopReason::kMaxTokens).problem,
            "the answer is not whole");
}

TEST(SqlCheck, StatementsAgreeByWhatTheyReturn) {
  EXPECT_TRUE(Same("SELECT sum(total) FROM orders WHERE customer = 'Kim'",
                   "```\nSELECT 20.0 FROM orders LIMIT 1\n```"));
  EXPECT_TRUE(Same("SELECT id FROM orders WHERE total < 50",
                   "SELECT id FROM orders WHERE customer = 'Kim' GROUP BY id"))
      << "without an order asked for, any is as good";
  EXPECT_FALSE(Same("SELECT id FROM orders", "SELECT id FROM orders WHERE total < 50"));
  EXPECT_FALSE(Same("SELECT id FROM orders ORDER BY id", "SELECT id FROM orders ORDER BY id DESC"));
  EXPECT_FALSE(Same("SELECT id, total FROM orders", "SELECT total, id FROM orders"));
  EXPECT_TRUE(Same("SELECT max(total) FROM orders",
                   "SELECT total FROM orders ORDER BY total DESC LIMIT 1"));
}

TEST(SqlCheck, TwoThatReturnNothingAgreeOnlyWhereTheyAreOneStatement) {
  EXPECT_FALSE(Same("SELECT id FROM orders WHERE total > 1000",
                    "SELECT id FROM orders WHERE customer = 'Nobody'"));
  EXPECT_FALSE(Same("SELECT max(id) FROM orders WHERE total > 1000",
                    "SELECT max(id) FROM orders WHERE total > 2000"));
  EXPECT_TRUE(Same("SELECT id FROM orders  WHERE total > 1000;\n",
                   "SELECT id FROM orders\nWHERE total > 1000"));
}

}  // namespace
}  // namespace strata::route
