#include <gtest/gtest.h>

#include "domain/conversation.h"
#include "domain/money.h"
#include "domain/stream.h"
#include "domain/usage.h"

namespace strata::domain {
namespace {

TEST(Money, FormatsPicodollarsExactly) {
  EXPECT_EQ(FormatUsd({0}), "0.00");
  EXPECT_EQ(FormatUsd({1}), "0.000000000001");
  EXPECT_EQ(FormatUsd({1'500'000'000'000}), "1.50");
  EXPECT_EQ(FormatUsd({-250'000'000'000}), "-0.25");
}

WireRequest SampleWire() {
  WireRequest wire;
  wire.format = "openai.chat";
  wire.body = R"({ "model" : "a", "stream":true,"x":1})";
  wire.model = {.start = 12, .end = 15};
  return wire;
}

TEST(WireBodyFor, ReplacesTheModelAndNothingElse) {
  EXPECT_EQ(WireBodyFor(SampleWire(), "b\"c"), R"({ "model" : "b\"c", "stream":true,"x":1})");
}

TEST(WireBodyFor, AsksForUsageBeforeOrBehindTheModel) {
  auto wire = SampleWire();
  wire.usage = {.start = 1, .end = 1};
  wire.usage_text = R"("u":1,)";
  EXPECT_EQ(WireBodyFor(wire, "long-id"), R"({"u":1, "model" : "long-id", "stream":true,"x":1})");
  wire.usage = {.start = 35, .end = 36};
  wire.usage_text = "2";
  EXPECT_EQ(wire.body.substr(35, 1), "1");
  EXPECT_EQ(WireBodyFor(wire, "i"), R"({ "model" : "i", "stream":true,"x":2})");
}

TEST(WireBodyFor, LeavesABodyWithoutAModelAlone) {
  auto wire = SampleWire();
  wire.model = {};
  EXPECT_EQ(WireBodyFor(wire, "b"), wire.body);
}

TEST(DecodeWhole, KeepsModelAndFormAndReportsTheDecodersError) {
  auto wire = std::make_shared<WireRequest>(SampleWire());
  wire->decode = [](std::string_view body) -> Result<ChatRequest> {
    if (body.empty()) return Fail(InvalidArgument("messages", "expected a list"));
    ChatRequest whole;
    whole.model = "as the client wrote it";
    whole.temperature = 0.5;
    return whole;
  };
  ChatRequest request;
  request.model = "upstream";
  request.stream = true;
  request.wire = wire;
  request.wire_only = true;
  ASSERT_TRUE(DecodeWhole(request).has_value());
  EXPECT_EQ(request.model, "upstream");
  EXPECT_TRUE(request.stream);
  EXPECT_EQ(request.temperature, 0.5);
  EXPECT_FALSE(request.wire_only);
  EXPECT_EQ(request.wire, wire);
  wire->body.clear();
  request.wire_only = true;
  EXPECT_EQ(DecodeWhole(request).error().field(), "messages");
}

Price ClaudePrice() {
  Price price;
  price.input = 3'000'000;
  price.output = 15'000'000;
  price.cache_read = 300'000;
  return price;
}

TEST(CostOf, AddsEachKindOfTokenAtItsPrice) {
  Usage usage{.input_tokens = 1000,
              .output_tokens = 100,
              .cache_read_tokens = 2000,
              .cache_write_tokens = 10,
              .reasoning_tokens = 50,
              .estimated = false};
  auto cost = CostOf(usage, ClaudePrice());
  ASSERT_TRUE(cost.has_value());
  // 1000*3 + 100*15 + 2000*0.3 + 10*3 micro-dollars: cache writes without a price of their own cost
  // as input.
  EXPECT_EQ(cost->picousd, 3'000'000'000 + 1'500'000'000 + 600'000'000 + 30'000'000);
}

// Of a provider whose counts are nonsense: too much rather than a debt.
TEST(CostOf, StopsWhereTheNumberEnds) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  auto cost = CostOf({.input_tokens = kMost / 2, .output_tokens = kMost / 2}, ClaudePrice());
  ASSERT_TRUE(cost);
  EXPECT_EQ(cost->picousd, kMost);
  EXPECT_EQ((*cost + *cost).picousd, kMost);
}

TEST(CostOf, IsUnknownWhenANeededPriceIs) {
  Usage usage{.input_tokens = 1,
              .output_tokens = 1,
              .cache_read_tokens = 0,
              .cache_write_tokens = 0,
              .reasoning_tokens = 0,
              .estimated = false};
  auto price = ClaudePrice();
  price.output.reset();
  EXPECT_FALSE(CostOf(usage, price).has_value());
  usage.output_tokens = 0;
  EXPECT_TRUE(CostOf(usage, price).has_value());
}

ChatResponse SampleResponse() {
  ChatResponse response;
  response.id = "msg_1";
  response.model = "m";
  response.content.push_back(ReasoningBlock{.text = "hm", .signature = "sig", .redacted = {}});
  TextBlock text;
  text.text = "Paris.";
  Citation citation;
  citation.title = "atlas";
  citation.answer_end = 6;
  text.citations.push_back(citation);
  response.content.push_back(text);
  response.content.push_back(ToolUseBlock{.id = "t1", .name = "look", .input = {R"({"q":1})"}});
  response.stop_reason = StopReason::kToolUse;
  response.usage.output_tokens = 5;
  return response;
}

TEST(StreamAccumulator, AddsTheEventsOfAnAnswerBackUp) {
  auto response = SampleResponse();
  StreamAccumulator sum;
  for (const auto& event : EventsOf(response)) sum.Add(event);
  EXPECT_TRUE(sum.ended());
  EXPECT_EQ(sum.response().content, response.content);
  EXPECT_EQ(sum.response().stop_reason, StopReason::kToolUse);
  EXPECT_EQ(sum.response().usage, response.usage);
}

TEST(StreamAccumulator, GivesAToolWithoutArgumentsAnEmptyObject) {
  StreamAccumulator sum;
  sum.Add(
      BlockStart{.index = 0, .kind = BlockKind::kToolUse, .tool_use_id = "t", .tool_name = "now"});
  sum.Add(BlockStop{.index = 0});
  EXPECT_EQ(std::get<ToolUseBlock>(sum.response().content.at(0)).input.text, "{}");
}

TEST(StreamAccumulator, IgnoresDeltasOfUnknownBlocks) {
  StreamAccumulator sum;
  sum.Add(TextDelta{.index = 3, .text = "x"});
  sum.Add(TextDelta{.index = -1, .text = "x"});
  EXPECT_TRUE(sum.response().content.empty());
}

}  // namespace
}  // namespace strata::domain
