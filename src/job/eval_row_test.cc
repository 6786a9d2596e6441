// Rows of evaluation sets: what is read, what is refused and where, rows from traces.

#include "job/eval_row.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/answer_capture.h"
#include "job/trace_row.h"

namespace strata::job {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(EvalRows, ARowIsWrittenAsItWasRead) {
  auto row = ParseEvalRow(
      R"({"id":"a","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"2+2?"}],
          "expected":["4","four"],"rubric":"a number","schema":{"type":"object"},"tags":"math",
          "labels":["eu-only"],"relevant":["d1","d2"],"answerable":true,"graded":[{"answer":"5","score":0.25}],
          "split":"test","trace":"t","subject":"u-7","variables":{"tone":"brief","\"q\"":""}})");
  ASSERT_TRUE(row.has_value()) << row.error().message();
  EXPECT_EQ(row->messages.size(), 2);
  EXPECT_EQ(row->expected, (std::vector<std::string>{"4", "four"}));
  EXPECT_EQ(row->tags, std::vector<std::string>{"math"});
  EXPECT_EQ(row->graded.at(0).score, 0.25);
  EXPECT_EQ(row->subject, "u-7");
  EXPECT_EQ(row->variables.at("tone"), "brief");
  auto again = ParseEvalRow(EncodeEvalRow(*row));
  ASSERT_TRUE(again.has_value()) << again.error().message();
  EXPECT_EQ(*again, *row);
}

TEST(EvalRows, TheSameQuestionWithoutAnIdIsTheSameRow) {
  auto a = ParseEvalRow(R"({"question":"2+2?"})");
  auto b = ParseEvalRow(R"({"prompt":"2+2?","expected":"4"})");
  auto c = ParseEvalRow(R"({"question":"2+3?"})");
  auto d = ParseEvalRow(R"({"question":"2+2?","variables":{"tone":"brief"}})");
  EXPECT_EQ(a->id, b->id);
  EXPECT_NE(a->id, c->id);
  EXPECT_NE(a->id, d->id) << "a prompt is asked something else";
}

TEST(EvalRows, WhatIsWrongIsNamed) {
  auto problem = [](std::string_view line) { return ParseEvalRow(line).error().message(); };
  EXPECT_THAT(problem(R"({"id":"a"})"), HasSubstr("question"));
  EXPECT_THAT(problem(R"({"question":"q","prompt":"p"})"), HasSubstr("one of question"));
  EXPECT_THAT(problem(R"({"question":"q","expectd":"p"})"), HasSubstr("did you mean expected?"));
  EXPECT_THAT(problem(R"({"messages":[{"role":"tool","content":"x"}]})"),
              HasSubstr("messages[0].role"));
  EXPECT_THAT(problem(R"({"messages":[{"role":"assistant","content":"x"}]})"),
              HasSubstr("user's message as the last"));
  EXPECT_THAT(problem(R"({"messages":[{"role":"user","content":"x"},
      {"role":"system","content":"y"},{"role":"user","content":"z"}]})"),
              HasSubstr("before all others"));
  EXPECT_THAT(problem(R"({"question":"q","graded":[{"answer":"x","score":5}]})"),
              HasSubstr("graded[0].score"));
}

TEST(EvalRows, AFileWithWrongRowsIsRefusedWithTheirLines) {
  auto rows = ParseEvalRows(
      "{\"question\":\"a\"}\n\nnot json\n{\"id\":\"1\",\"question\":\"b\"}\n"
      "{\"id\":\"1\",\"question\":\"c\"}\n",
      "f.jsonl");
  ASSERT_FALSE(rows.has_value());
  EXPECT_THAT(rows.error().message(), HasSubstr("f.jsonl:3: "));
  EXPECT_THAT(rows.error().message(), HasSubstr("f.jsonl:5: id: '1' stands in line 4 too"));
  EXPECT_THAT(rows.error().message(), Not(HasSubstr("f.jsonl:1")));
}

TEST(EvalRows, SplitsAreSeventyTenTwenty) {
  int counts[3] = {};
  EvalRow row;
  for (int i = 0; i < 10'000; ++i) {
    row.id = std::to_string(i);
    ++counts[static_cast<int>(SplitOf(row))];
  }
  EXPECT_NEAR(counts[0], 7000, 200);
  EXPECT_NEAR(counts[1], 1000, 150);
  EXPECT_NEAR(counts[2], 2000, 200);
}

observe::FinishedTrace TraceWith(std::vector<std::pair<std::string, SpanValue>> fields) {
  observe::FinishedTrace trace;
  trace.trace_id = "t1";
  SpanRecord root;
  root.span_id = "1";
  root.fields = std::move(fields);
  trace.spans.push_back(std::move(root));
  return trace;
}

TEST(TraceRows, HoldWhatWasAskedWithItsLabels) {
  auto row = RowOfTrace(TraceWith({{"question", std::string("2+2?")}, {"labels", "a,b"}}));
  ASSERT_TRUE(row.has_value()) << row.error().message();
  EXPECT_EQ(QuestionOf(*row), "2+2?");
  EXPECT_EQ(row->labels, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(row->trace, "t1");
  auto whole = RowOfTrace(TraceWith(
      {{"question", std::string("And now?")},
       {"messages", JsonText{R"([{"role":"user","content":"Hi"},{"role":"assistant","content":"Hi"},
                             {"role":"user","content":"And now?"}])"}}}));
  ASSERT_TRUE(whole.has_value()) << whole.error().message();
  EXPECT_EQ(whole->messages.size(), 3);
}

TEST(TraceRows, AreRefusedWhereTheTraceDoesNotHoldTheWholeQuestion) {
  auto problem = [](const auto&... fields) {
    return RowOfTrace(TraceWith({fields...})).error().message();
  };
  using Field = std::pair<std::string, SpanValue>;
  EXPECT_THAT(problem(Field{"model", std::string("m")}), HasSubstr("holds no question"));
  EXPECT_THAT(problem(Field{"question", std::string("q")},
                      Field{"messages_left_out", std::string("it holds more than text")}),
              HasSubstr("more than text"));
  EXPECT_THAT(problem(Field{"question", std::string(gateway::kCaptureBytesMax, 'x')}),
              HasSubstr("longer"));
}

}  // namespace
}  // namespace strata::job
