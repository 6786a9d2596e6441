#include "server/trace_readers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

observe::FinishedTrace Trace(bool cites) {
  observe::FinishedTrace trace;
  SpanRecord root;
  root.fields.emplace_back("question", std::string("what is the secret?"));
  root.fields.emplace_back("answer", std::string("walrus and kestrel"));
  if (cites) {
    root.fields.emplace_back("citations",
                             JsonText{R"([{"chunk":"a","quoted":"walrus","pages":[{"page":1}]},)"
                                      R"({"chunk":"b","quoted":"kestrel"}])"});
  }
  SpanRecord search;
  search.fields.emplace_back("hits", JsonText{R"([{"chunk":"a","score":1},{"chunk":"c"},7])"});
  SpanRecord call;
  call.fields.emplace_back("prompt_text", std::string("walrus kestrel sparrow"));
  trace.spans = {root, search, call};
  return trace;
}

std::string TextOf(const observe::FinishedTrace& trace) {
  std::string out;
  for (const auto& span : trace.spans) {
    for (const auto& [key, value] : span.fields) {
      out += key + "=";
      if (const auto* json = std::get_if<JsonText>(&value)) out += json->text;
      if (const auto* text = std::get_if<std::string>(&value)) out += *text;
      out += "\n";
    }
  }
  return out;
}

TEST(TraceReaders, AllChunksThatATraceNamesAreLookedAt) {
  const auto chunks = ChunksOf(Trace(true));
  EXPECT_THAT(chunks.cited, ElementsAre("a", "b"));
  EXPECT_THAT(chunks.found, ElementsAre("a", "b", "c"));
}

TEST(TraceReaders, TheQuoteOfAGoneChunkGoesWithTheAnswerAndThePromptThatHoldIt) {
  auto trace = Trace(true);
  LeaveOut({"a"}, trace);
  const auto text = TextOf(trace);
  EXPECT_THAT(text, Not(HasSubstr("walrus")));
  EXPECT_THAT(text, HasSubstr(R"("quoted":"kestrel")"));
  EXPECT_THAT(text, HasSubstr("what is the secret?"));
  EXPECT_THAT(text, HasSubstr("left out"));
  EXPECT_THAT(text, Not(HasSubstr("page")));
}

TEST(TraceReaders, ACitationThatNamesNoChunkMayBeOfAnythingFound) {
  auto trace = Trace(false);
  trace.spans[0].fields.emplace_back("citations", JsonText{R"([{"chunk":"","quoted":"kestrel"}])"});
  LeaveOut({"c"}, trace);
  EXPECT_THAT(TextOf(trace), Not(HasSubstr("kestrel")));
}

TEST(TraceReaders, AnAnswerThatCitesOthersStays) {
  auto trace = Trace(true);
  LeaveOut({"c"}, trace);
  EXPECT_THAT(TextOf(trace), HasSubstr("answer=walrus and kestrel"));
  EXPECT_THAT(TextOf(trace), Not(HasSubstr("sparrow")));
}

TEST(TraceReaders, AnAnswerWithoutCitationsMayBeMadeOfWhatWasFound) {
  auto trace = Trace(false);
  LeaveOut({"c"}, trace);
  EXPECT_THAT(TextOf(trace), Not(HasSubstr("walrus and kestrel")));
  trace = Trace(false);
  LeaveOut({}, trace);
  EXPECT_THAT(TextOf(trace), HasSubstr("walrus and kestrel"));
}

}  // namespace
}  // namespace strata::server
