#include "server/console/trace_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/console/html.h"

namespace strata::server {
namespace {

using testing::HasSubstr;
using testing::Not;

observe::FinishedTrace SampleTrace() {
  observe::FinishedTrace trace;
  trace.trace_id = "0123456789abcdef0123456789abcdef";
  trace.model = "kb/<b>";
  SpanRecord root;
  root.span_id = "1";
  root.name = "server.chat";
  root.start = FromUnixMicros(1'000'000);
  root.end = FromUnixMicros(1'500'000);
  root.fields.emplace_back("question", std::string("Why <script>alert(1)</script>?"));
  root.fields.emplace_back("answer", std::string("Because é."));
  root.fields.emplace_back(
      "citations", JsonText{R"([{"knowledge_base":"K","document":"D","title":"T & U","quoted":"é",
    "answer_start":0,"answer_end":9,"score":0.5,"pages":[{"page":2,"boxes":[[1,2,3,4]]}]},7,{"pages":"x"}])"});
  root.fields.emplace_back("hits", JsonText{R"([{"id":"a","score":0.25},{"id":"<i>"}])"});
  trace.spans.push_back(root);
  return trace;
}

TEST(TracePage, ShowsQuestionAnswerSourcesAndHits) {
  auto page = TracePage(SampleTrace(), "tok");
  EXPECT_THAT(page, HasSubstr("Because é<sup><a href=\"#source-1\">[1]</a></sup>"));
  EXPECT_THAT(page,
              HasSubstr("/console/trace/0123456789abcdef0123456789abcdef/source/1.png?t=tok"));
  EXPECT_THAT(page, HasSubstr("<th>score</th>"));
  EXPECT_THAT(page, HasSubstr("T &amp; U"));
}

TEST(TracePage, EscapesEverythingThatCameFromOutside) {
  auto page = TracePage(SampleTrace(), "tok");
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, Not(HasSubstr("<i>")));
  EXPECT_THAT(page, Not(HasSubstr("kb/<b>")));
}

TEST(CitationsOf, LeavesOutWhatIsNotACitation) {
  auto citations = CitationsOf(SampleTrace());
  ASSERT_EQ(citations.size(), 2U);
  EXPECT_EQ(citations[0].pages.at(0).page, 2);
  EXPECT_EQ(citations[0].pages.at(0).boxes.at(0).y2, 4);
  EXPECT_TRUE(citations[1].pages.empty());
}

TEST(CitationsOf, SurvivesBrokenJson) {
  auto trace = SampleTrace();
  for (auto& [key, value] : trace.spans[0].fields) {
    if (key == "citations") value = JsonText{"[{\"pages\":"};
  }
  EXPECT_TRUE(CitationsOf(trace).empty());
}

TEST(Escaped, CoversAttributesToo) {
  EXPECT_EQ(Escaped("<a href='\"&"), "&lt;a href=&#39;&quot;&amp;");
}

}  // namespace
}  // namespace strata::server
