#include "observe/trace_tree.h"

#include <gtest/gtest.h>

namespace strata::observe {
namespace {

SpanRecord MakeSpan(const std::string& id, const std::string& parent, const std::string& name,
                    int start_ms, int end_ms) {
  auto base = FromUnixMicros(1'700'000'000'000'000);
  return {.span_id = id,
          .parent_id = parent,
          .name = name,
          .start = base + std::chrono::milliseconds(start_ms),
          .end = base + std::chrono::milliseconds(end_ms),
          .fields = {},
          .error = {}};
}

FinishedTrace Sample() {
  FinishedTrace trace;
  trace.trace_id = "abc";
  trace.model = "kb/docs";
  trace.spans = {MakeSpan("2", "1", "knowledge.retrieve", 1, 11),
                 MakeSpan("3", "1", "provider.chat", 11, 41),
                 MakeSpan("1", "", "gateway.chat", 0, 50)};
  trace.spans[0].fields = {
      {"retrieved", JsonText{R"([{"id":"c1","score":0.5,"dropped":null},)"
                             R"({"id":"c2","score":0.25,"dropped":"below 0.3"}])"}},
      {"stages", JsonText{R"({"lexical":{"hits":2},"terms":["a","b"]})"}}};
  trace.spans[1].error = Error(Code::kUnavailable, "peer closed");
  trace.spans[1].fields = {{"tokens_out", std::int64_t{9}}};
  return trace;
}

TEST(TraceTree, ReadsFromTheAnswerBackToTheQuestion) {
  EXPECT_EQ(TreeText(Sample()),
            "trace abc\n"
            "2023-11-14T22:13:20.000Z  50.0 ms  3 spans\n"
            "model: kb/docs\n"
            "\n"
            "gateway.chat  50.0 ms  100%\n"
            "  provider.chat  30.0 ms  60%\n"
            "      error: unavailable: peer closed\n"
            "      tokens_out: 9\n"
            "  knowledge.retrieve  10.0 ms  20%\n"
            "      retrieved: 2 items\n"
            "        id  score  dropped\n"
            "        c1  0.5    \n"
            "        c2  0.25   below 0.3\n"
            "      stages:\n"
            "        lexical:\n"
            "          hits: 2\n"
            "        terms: [a, b]\n");
  auto forward = TreeText(Sample(), TreeOrder::kQuestionFirst);
  EXPECT_LT(forward.find("knowledge.retrieve"), forward.find("provider.chat"));
}

TEST(TraceTree, TextsOfSeveralLinesStayUnderTheirName) {
  FinishedTrace trace;
  trace.trace_id = "t";
  trace.spans = {MakeSpan("1", "", "gateway.chat", 0, 1)};
  trace.spans[0].error = Error(Code::kInvalidArgument, "two\nlines");
  trace.spans[0].fields = {{"prompt_text", std::string("one\r\n\ntwo\n")},
                           {"turns", JsonText{R"(["a\nb","c"])"}}};
  auto text = TreeText(trace);
  EXPECT_EQ(text.substr(text.find("gateway.chat")),
            "gateway.chat  1.0 ms  100%\n"
            "    error:\n"
            "      invalid_argument: two\n"
            "      lines\n"
            "    prompt_text:\n"
            "      one\n"
            "\n"
            "      two\n"
            "    turns:\n"
            "      1:\n"
            "        a\n"
            "        b\n"
            "      2: c\n");
}

TEST(TraceTree, OrphansAndCyclesAreStillShownOnce) {
  FinishedTrace trace;
  trace.spans = {MakeSpan("1", "gone", "a.a", 0, 1), MakeSpan("2", "3", "b.b", 1, 2),
                 MakeSpan("3", "2", "c.c", 2, 3), MakeSpan("4", "4", "d.d", 3, 4)};
  auto roots = BuildTree(trace);
  ASSERT_EQ(roots.size(), 3U);
  EXPECT_EQ(roots[0].span->name, "a.a");
  EXPECT_EQ(roots[1].children.size(), 1U);
  EXPECT_TRUE(roots[2].children.empty());
  FinishedTrace empty;
  empty.trace_id = "e";
  EXPECT_EQ(TreeText(empty), "trace e\n");
}

TEST(TraceTree, BrokenJsonIsShownAsText) {
  auto trace = Sample();
  trace.spans[0].fields = {{"retrieved", JsonText{"{broken"}}};
  EXPECT_NE(TreeText(trace).find("retrieved: {broken"), std::string::npos);
}

TEST(TraceTree, TheConsoleGetsTheSameTreeAsJson) {
  auto json = TreeJson(Sample());
  EXPECT_NE(json.find(R"("name":"gateway.chat","span_id":"1","start_us":0,"duration_us":50000)"),
            std::string::npos)
      << json;
  EXPECT_NE(json.find(R"("error":{"code":"unavailable","message":"peer closed"})"),
            std::string::npos);
  EXPECT_NE(json.find(R"("stages":{"lexical":{"hits":2},"terms":["a","b"]})"), std::string::npos);
}

}  // namespace
}  // namespace strata::observe
