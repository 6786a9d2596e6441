#include <gtest/gtest.h>

#include "dialect/test_support.h"

namespace strata::dialect::test {

using domain::Message;
using domain::Role;
using domain::TextBlock;

domain::ChatRequest ToolConversation() {
  domain::ChatRequest request;
  request.model = "m";
  request.system = {TextBlock{.text = "Be brief.", .citations = {}}};
  request.messages.push_back(
      {.role = Role::kUser, .content = {TextBlock{.text = "Weather?\n\"ü\"", .citations = {}}}});
  request.messages.push_back(
      {.role = Role::kAssistant,
       .content = {TextBlock{.text = "Looking.", .citations = {}},
                   domain::ToolUseBlock{
                       .id = "c1", .name = "weather", .input = {R"({"city":"Oslo","d":1.50})"}},
                   domain::ToolUseBlock{.id = "c2", .name = "time", .input = {"{}"}}}});
  domain::ToolResultBlock first;
  first.tool_use_id = "c1";
  first.content = {TextBlock{.text = "3 C", .citations = {}}};
  domain::ToolResultBlock second;
  second.tool_use_id = "c2";
  second.content = {TextBlock{.text = "noon", .citations = {}}};
  request.messages.push_back(
      {.role = Role::kUser, .content = {first, second, TextBlock{.text = "So?", .citations = {}}}});
  request.tools = {
      {.name = "weather",
       .description = "Weather of a city",
       .input_schema =
           {R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"],)"
            R"("additionalProperties":false})"},
       .strict = true},
      {.name = "time", .description = {}, .input_schema = {R"({"type":"object"})"}}};
  request.tool_choice =
      domain::ToolChoice{.kind = domain::ToolChoice::Kind::kNamed, .name = "weather"};
  request.max_tokens = 256;
  request.temperature = 0.7;
  request.top_p = 0.9;
  return request;
}

domain::DocumentBlock PdfDocument() {
  domain::DocumentBlock document;
  document.format = "pdf";
  document.name = "report";
  document.bytes = "%PDF-1.4 \x01\x02";
  return document;
}

domain::ChatResponse ToolAnswer() {
  domain::ChatResponse response;
  response.id = "answer-1";
  response.model = "m";
  response.content = {
      domain::ReasoningBlock{
          .text = "Hm, two calls.", .signature = "c2ln", .redacted = {}, .signer = "anthropic"},
      TextBlock{.text = "Grüße, \"quoted\"\n\xF0\x9F\x8C\x8D", .citations = {}},
      domain::ToolUseBlock{.id = "c1", .name = "weather", .input = {R"({"city":"Zürich"})"}},
      domain::ToolUseBlock{.id = "c2", .name = "time", .input = {"{}"}}};
  response.stop_reason = domain::StopReason::kToolUse;
  response.usage = {.input_tokens = 11,
                    .output_tokens = 7,
                    .cache_read_tokens = 5,
                    .cache_write_tokens = 3,
                    .reasoning_tokens = 0};
  return response;
}

domain::ChatResponse CitedAnswer() {
  domain::Citation citation;
  citation.title = "Guide";
  citation.source_uri = "https://x.example/guide";
  citation.quoted = "It is blue.";
  citation.place = domain::CitationPlace::kText;
  citation.document_index = 2;
  citation.source_start = 10;
  citation.source_end = 21;
  citation.answer_start = 0;
  citation.answer_end = 9;
  domain::ChatResponse response;
  response.id = "answer-2";
  response.model = "m";
  response.content = {TextBlock{.text = "Blau: ü.!", .citations = {citation}}};
  response.usage = {.input_tokens = 4, .output_tokens = 2};
  return response;
}

std::string EncodeAll(StreamEncoder& encoder, const std::vector<domain::StreamEvent>& events) {
  std::string bytes;
  for (const auto& event : events) bytes += encoder.Encode(event);
  return bytes;
}

namespace {

domain::ChatResponse DecodeAll(StreamDecoder& decoder, std::string_view bytes, std::size_t step,
                               std::size_t first) {
  domain::StreamAccumulator sum;
  auto add = [&](Result<std::vector<domain::StreamEvent>> events) {
    ASSERT_TRUE(events) << events.error().message();
    for (const auto& event : *events) sum.Add(event);
  };
  add(decoder.Feed(bytes.substr(0, first)));
  for (std::size_t at = first; at < bytes.size(); at += step) {
    add(decoder.Feed(bytes.substr(at, step)));
  }
  if (!decoder.ended()) add(decoder.Finish());
  EXPECT_TRUE(sum.ended());
  EXPECT_EQ(decoder.usage(), sum.response().usage);
  return sum.Take();
}

}  // namespace

void ExpectStreamRoundTrip(StreamEncoder& encoder,
                           const std::function<std::unique_ptr<StreamDecoder>()>& make_decoder,
                           const domain::ChatResponse& response) {
  const auto bytes = EncodeAll(encoder, domain::EventsOf(response));
  EXPECT_EQ(DecodeAll(*make_decoder(), bytes, bytes.size(), 0), response) << bytes;
  EXPECT_EQ(DecodeAll(*make_decoder(), bytes, 1, 0), response);
  for (std::size_t cut = 1; cut < bytes.size(); cut += 3) {
    ASSERT_EQ(DecodeAll(*make_decoder(), bytes, bytes.size(), cut), response) << "cut at " << cut;
  }
}

}  // namespace strata::dialect::test
