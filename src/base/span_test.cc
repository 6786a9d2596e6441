#include "base/span.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "base/format_message.h"
#include "base/span_json.h"

namespace strata {
namespace {

TEST(Span, RecordsATreeThatEndsWithItsScopes) {
  ManualClock clock;
  auto trace = std::make_shared<Trace>("t1", clock, Texts::kKept);
  {
    Span root(trace, "gateway.chat");
    root.Set("model", "m");
    Span child = root.Child("provider.start");
    child.Set("tokens", 7);
    clock.Advance(std::chrono::milliseconds(5));
    child.Fail(Error(Code::kUnavailable, "gone"));
  }
  auto spans = trace->TakeEnded();
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0].name, "provider.start");
  EXPECT_EQ(spans[0].parent_id, spans[1].span_id);
  EXPECT_EQ(spans[0].end - spans[0].start, std::chrono::milliseconds(5));
  EXPECT_EQ(spans[0].error->code(), Code::kUnavailable);
  EXPECT_TRUE(spans[1].parent_id.empty());
  EXPECT_TRUE(trace->TakeEnded().empty());
}

TEST(Span, DefaultMadeOnesRecordNothing) {
  Span none;
  none.Set("a", 1);
  EXPECT_FALSE(none.Child("x").recording());
}

// What a span of every sort of field comes to.
SpanRecord SpanWithTexts(Texts texts) {
  ManualClock clock;
  auto trace = std::make_shared<Trace>("t", clock, texts);
  {
    Span span(trace, "a.b");
    span.Set("model", "m");
    span.SetText("question", "marker");
    span.SetText("messages", JsonText{R"(["marker"])"});
    span.Set("skipped", FormatMessage("no {} of {}", std::string_view("marker"), Own("m")));
    SpanJson hits(span);
    hits.Item().Text("title", "marker").Real("score", 0.5).Name("chunk", "c\"1");
    hits.Item().Null("dense").Text("uri", "marker");
    span.Set("hits", hits);
    span.Set("count", 2);
    span.Fail(InvalidArgument(FieldPath("a.marker", "a.…"), "expected a number"));
  }
  return trace->TakeEnded().front();
}

void ExpectNoTexts(const SpanRecord& span) {
  const decltype(span.fields) want = {
      {"model", std::string("m")},
      {"skipped", std::string("no … of m")},
      {"hits", JsonText{R"([{"score":0.5,"chunk":"c\"1"},{"dense":null}])"}},
      {"count", std::int64_t{2}}};
  EXPECT_EQ(span.fields, want);
  EXPECT_EQ(span.error->message(), "a.…: expected a number");
  EXPECT_EQ(span.error->field(), "a.…");
}

TEST(Span, WhereTextsAreDroppedItHoldsNone) { ExpectNoTexts(SpanWithTexts(Texts::kDropped)); }

TEST(Span, WhereTextsAreKeptTheyCanBeTakenOut) {
  const auto span = SpanWithTexts(Texts::kKept);
  const decltype(span.fields) want = {
      {"model", std::string("m")},
      {"question", std::string("marker")},
      {"messages", JsonText{R"(["marker"])"}},
      {"skipped", std::string("no marker of m")},
      {"hits",
       JsonText{
           R"([{"title":"marker","score":0.5,"chunk":"c\"1"},{"dense":null,"uri":"marker"}])"}},
      {"count", std::int64_t{2}}};
  EXPECT_EQ(span.fields, want);
  EXPECT_EQ(span.error->message(), "a.marker: expected a number");
  ExpectNoTexts(span.WithoutTexts());
}

TEST(Message, WhatNobodyVouchedForIsAQuote) {
  EXPECT_EQ(Message("a literal").own(), "a literal");
  EXPECT_EQ(Message(std::string("put together")).own(), kQuotePlace);
  Error error(Code::kNotFound, std::string("of a peer"));
  std::move(error).Because("asking").Because(FormatMessage("{} attempts", 2));  // in place
  EXPECT_EQ(error.message(), "2 attempts: asking: of a peer");
  EXPECT_EQ(error.words().own(), "2 attempts: asking: …");
  EXPECT_EQ(NotFound("model", "marker").words().own(), "model '…' does not exist");
  const auto told = FormatMessage("{}, {:.1f}, {}", error.words(), 0.5, "said");
  EXPECT_EQ(told.own(), "2 attempts: asking: …, 0.5, said");
}

}  // namespace
}  // namespace strata
