#include "dialect/cohere.h"

#include <gtest/gtest.h>

#include "dialect/test_support.h"

namespace strata::dialect::cohere {
namespace {

using domain::StopReason;
using domain::TextBlock;

TEST(CohereRequest, SaysToolsResultsAndSettingsInItsWords) {
  auto text = EncodeChatRequest(test::ToolConversation());
  ASSERT_TRUE(text) << text.error().message();
  EXPECT_NE(text->find(R"("role":"system")"), std::string::npos) << *text;
  EXPECT_NE(text->find(R"("role":"tool","tool_call_id":)"), std::string::npos) << *text;
  EXPECT_NE(text->find(R"("tools":[{"type":"function","function":{"name":)"), std::string::npos);
}

TEST(CohereRequest, DocumentsStandAtTheTopWithTheirNumbers) {
  domain::ChatRequest request;
  request.model = "command-a";
  domain::Message message;
  domain::DocumentBlock document;
  document.format = "txt";
  document.name = "Guide";
  document.text = "Twelve euros.";
  document.cite = true;
  message.content = {document, TextBlock{.text = "How much?", .citations = {}}};
  request.messages = {message};
  auto text = EncodeChatRequest(request);
  ASSERT_TRUE(text);
  EXPECT_NE(
      text->find(
          R"("documents":[{"id":"doc_0","data":{"title":"Guide","text":"Twelve euros."}}],"citation_options":{"mode":"ENABLED"})"),
      std::string::npos)
      << *text;
  request.top_logprobs = 2;
  EXPECT_EQ(EncodeChatRequest(request).error().field(), "top_logprobs");
}

TEST(CohereResponse, CarriesThinkingCitationsAndBilledTokens) {
  auto answer = DecodeChatResponse(
      R"({"id":"1","finish_reason":"MAX_TOKENS","message":{"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Twelve euros"}],"citations":[{"start":0,"end":6,"text":"Twelve","sources":[{"type":"document","id":"doc_2","document":{"title":"Guide","text":"Twelve euros."}}]}]},"usage":{"billed_units":{"input_tokens":30.0,"output_tokens":4.0},"tokens":{"input_tokens":99.0,"output_tokens":9.0},"cached_tokens":10.0}})");
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->stop_reason, StopReason::kMaxTokens);
  ASSERT_EQ(answer->content.size(), 2u);
  const auto& text = std::get<TextBlock>(answer->content[1]);
  ASSERT_EQ(text.citations.size(), 1u);
  EXPECT_EQ(text.citations[0].document_index, 2);
  EXPECT_EQ(text.citations[0].title, "Guide");
  EXPECT_EQ(text.citations[0].answer_end, 6);
  EXPECT_EQ(answer->usage.input_tokens, 20);
  EXPECT_EQ(answer->usage.cache_read_tokens, 10);
  EXPECT_EQ(answer->usage.output_tokens, 4);
}

TEST(CohereResponse, AnAnswerThatBrokeOffIsNoAnswer) {
  for (auto body :
       {R"({"finish_reason":"ERROR","message":{"content":[]}})", R"({"id":"1"})", "["}) {
    auto answer = DecodeChatResponse(body);
    ASSERT_FALSE(answer) << body;
    EXPECT_EQ(answer.error().code(), Code::kUnavailable);
  }
}

constexpr std::string_view kStream =
    "event: message-start\ndata: {\"type\":\"message-start\",\"id\":\"a\"}\n\n"
    "data: {\"type\":\"tool-plan-delta\",\"delta\":{\"message\":{\"tool_plan\":\"Look.\"}}}\n\n"
    "data: {\"type\":\"tool-call-start\",\"delta\":{\"message\":{\"tool_calls\":{\"id\":\"c1\","
    "\"function\":{\"name\":\"f\",\"arguments\":\"\"}}}}}\n\n"
    "data: {\"type\":\"tool-call-delta\",\"delta\":{\"message\":{\"tool_calls\":{\"function\":{"
    "\"arguments\":\"{\\\"x\\\":1}\"}}}}}\n\n"
    "data: {\"type\":\"tool-call-end\"}\n\n"
    "data: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"TOOL_CALL\",\"usage\":{"
    "\"tokens\":{\"input_tokens\":5,\"output_tokens\":2}}}}\n\n";

TEST(CohereStream, AddsUpUnderEveryChunking) {
  for (std::size_t step = 1; step < kStream.size(); step += 7) {
    auto decoder = MakeStreamDecoder();
    domain::StreamAccumulator sum;
    for (std::size_t at = 0; at < kStream.size(); at += step) {
      auto events = decoder->Feed(kStream.substr(at, step));
      ASSERT_TRUE(events) << events.error().message();
      for (const auto& event : *events) sum.Add(event);
    }
    ASSERT_TRUE(sum.ended());
    const auto& answer = sum.response();
    EXPECT_EQ(answer.stop_reason, StopReason::kToolUse);
    ASSERT_EQ(answer.content.size(), 2u);
    EXPECT_EQ(std::get<TextBlock>(answer.content[0]).text, "Look.");
    EXPECT_EQ(std::get<domain::ToolUseBlock>(answer.content[1]).input.text, R"({"x":1})");
    EXPECT_EQ(answer.usage.input_tokens, 5);
  }
}

TEST(CohereStream, ACutStreamIsUnavailable) {
  auto decoder = MakeStreamDecoder();
  ASSERT_TRUE(decoder->Feed(kStream.substr(0, 200)));
  auto end = decoder->Finish();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), Code::kUnavailable);
}

TEST(CohereEmbeddings, RowsAreReadInOrder) {
  auto rows = DecodeEmbedResponse(
      R"({"embeddings":{"float":[[1,2],[3,4]]},"meta":{"billed_units":{"input_tokens":6}}})", 2);
  ASSERT_TRUE(rows) << rows.error().message();
  EXPECT_EQ(rows->values, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(rows->input_tokens, 6);
  EXPECT_FALSE(DecodeEmbedResponse(R"({"embeddings":{"float":[[1,2]]}})", 2));
}

}  // namespace
}  // namespace strata::dialect::cohere
