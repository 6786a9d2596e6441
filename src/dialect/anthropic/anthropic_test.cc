#include "dialect/anthropic.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialect/json/claude.h"
#include "dialect/test_support.h"

namespace strata::dialect::anthropic {
namespace {

using domain::StopReason;
using domain::TextBlock;
using ::testing::HasSubstr;
using namespace test;  // NOLINT

std::string Fault(std::string_view body) {
  auto request = DecodeChatRequest(body);
  return request ? "accepted" : request.error().message();
}

std::string WithContent(std::string_view blocks) {
  return R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":)" +
         std::string(blocks) + "}]}";
}

TEST(AnthropicRequest, RoundTripsEveryKindOfBlock) {
  auto request = ToolConversation();
  request.system.emplace_back(domain::CachePoint{.ttl = "1h"});
  auto& first = request.messages.front().content;
  first.emplace_back(domain::ImageBlock{.format = "png", .bytes = "\x89PNG", .url = {}});
  first.emplace_back(domain::ImageBlock{.format = {}, .bytes = {}, .url = "https://x.example/i"});
  auto pdf = PdfDocument();
  pdf.cite = true;
  pdf.context = "from 2025";
  first.emplace_back(pdf);
  domain::DocumentBlock text;
  text.format = "txt";
  text.name = "notes";
  text.text = "plain";
  first.emplace_back(text);
  domain::DocumentBlock custom;
  custom.format = "txt";
  custom.name = "custom";
  custom.chunks = {"a", "b"};
  custom.cite = false;
  first.emplace_back(custom);
  domain::DocumentBlock found = custom;
  found.source_uri = "https://x.example/found";
  found.cite = true;
  first.emplace_back(found);
  first.emplace_back(domain::CachePoint{});
  auto& assistant = request.messages[1].content;
  assistant.insert(assistant.begin(),
                   {domain::ReasoningBlock{
                        .text = "hm", .signature = "sig", .redacted = {}, .signer = "anthropic"},
                    domain::ReasoningBlock{
                        .text = {}, .signature = {}, .redacted = "xyz", .signer = "anthropic"}});
  auto& result = std::get<domain::ToolResultBlock>(request.messages[2].content[0]);
  result.content.emplace_back(domain::ImageBlock{.format = "webp", .bytes = "RIFF", .url = {}});
  result.content.emplace_back(found);
  result.is_error = true;
  request.tools[1].cache_point = domain::CachePoint{.ttl = "5m"};
  request.tool_choice = domain::ToolChoice{.kind = domain::ToolChoice::Kind::kAuto, .name = {}};
  request.tool_choice->parallel = false;
  request.temperature.reset();  // thinking takes none
  request.user = "subject";
  request.stop = {"END"};
  request.reasoning = domain::ReasoningConfig{.enabled = true, .budget_tokens = 100, .effort = {}};
  request.max_tokens = 2048;
  request.reasoning->budget_tokens = 1500;
  request.json_output = domain::JsonOutput{.name = {}, .schema = {R"({"type":"object"})"}};
  request.extra = {R"({"context_management":{"edits":[]}})"};
  request.extra_dialect = "anthropic";
  auto encoded = EncodeChatRequest(request, {});
  ASSERT_TRUE(encoded) << encoded.error().message();
  auto back = DecodeChatRequest(*encoded);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, request);
}

// Thinking and a forced tool, or an unsigned tool call, exclude each other.
domain::ChatRequest Question() {
  auto request = ToolConversation();
  request.messages.resize(1);
  request.tool_choice.reset();
  return request;
}

TEST(AnthropicRequest, ThinkingIsLeftOutWhereTheApiWouldRefuseIt) {
  auto request = ToolConversation();
  request.max_tokens.reset();
  request.reasoning = domain::ReasoningConfig{.budget_tokens = 2000, .effort = {}};
  DropNotes notes;
  auto text = EncodeChatRequest(request, {.notes = &notes});
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find("thinking"), std::string::npos) << *text;
  EXPECT_NE(text->find(R"("max_tokens":6096)"), std::string::npos) << "room beside the budget";
  EXPECT_EQ(notes.dropped(), std::vector<std::string>{"thinking, as a tool is forced"});
  request.tool_choice.reset();
  DropNotes unsigned_call;
  ASSERT_TRUE(EncodeChatRequest(request, {.notes = &unsigned_call}));
  EXPECT_EQ(unsigned_call.dropped(),
            std::vector<std::string>{"thinking, as the tool call has none that is signed"});
}

TEST(AnthropicRequest, ReasoningOfOthersIsNotShownAndTheirSignaturesSurviveTheClient) {
  auto request = ToolConversation();
  auto& assistant = request.messages[1].content;
  assistant.insert(
      assistant.begin(),
      domain::ReasoningBlock{.text = "hm", .signature = "sig", .redacted = {}, .signer = "gemini"});
  DropNotes notes;
  auto text = EncodeChatRequest(request, {.notes = &notes});
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find("sig"), std::string::npos);
  EXPECT_EQ(notes.dropped().front(), "reasoning signed by gemini");
  domain::ChatResponse answer;
  answer.content = {assistant.front()};
  auto shown = EncodeChatResponse(answer, {});
  EXPECT_NE(shown.find("strata.gemini.sig"), std::string::npos);
  EXPECT_EQ(DecodeChatResponse(shown)->content, answer.content);
}

TEST(AnthropicRequest, IdsOfToolCallsAreSpeltAsTheApiTakesThem) {
  auto request = ToolConversation();
  std::get<domain::ToolUseBlock>(request.messages[1].content[1]).id = "functions.weather:0";
  std::get<domain::ToolResultBlock>(request.messages[2].content[0]).tool_use_id =
      "functions.weather:0";
  auto back = DecodeChatRequest(*EncodeChatRequest(request, {}));
  ASSERT_TRUE(back);
  const auto& call = std::get<domain::ToolUseBlock>(back->messages[1].content[1]);
  EXPECT_TRUE(call.id.starts_with("functions_weather_0_")) << call.id;
  EXPECT_EQ(std::get<domain::ToolResultBlock>(back->messages[2].content[0]).tool_use_id, call.id);
}

TEST(AnthropicWire, ForeignReasoningIsNotForwarded) {
  auto scan = [](std::string_view signature) {
    std::string body =
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant",)"
        R"("content":[{"type":"thinking","thinking":"hm","signature": )" +
        std::string(signature) + R"(},{"type":"text","text":"b"}]}]})";
    return ScanChatRequest(std::move(body), {});
  };
  EXPECT_NE(scan(R"("sig")")->wire, nullptr);
  for (auto foreign : {R"("strata.gemini.sig")", R"("")"}) {
    auto decoded = scan(foreign);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->wire, nullptr) << foreign;
    EXPECT_EQ(decoded->messages.size(), 2u);
  }
}

TEST(DropNotes, KeepNoMoreThanATraceShows) {
  DropNotes notes;
  for (int i = 0; i < 1000; ++i) notes.Add(fmt::format("reasoning signed by {}", i % 900));
  EXPECT_EQ(notes.dropped().size(), 64u);
}

TEST(AnthropicRequest, ATextThatBeginsLikeAMarkIsForwarded) {
  for (std::string_view content :
       {R"("strata.gemini.x is a name")", R"([{"type":"text","text":"strata.yaml"}])",
        R"([{"type":"text","text":"\"signature\": \"strata.gemini.x\""}])"}) {
    auto scanned = ScanChatRequest(WithContent(content), {});
    ASSERT_TRUE(scanned) << content;
    EXPECT_NE(scanned->wire, nullptr) << content;
  }
}

TEST(AnthropicRequest, EffortAndAdaptiveThinkingRoundTrip) {
  auto request = Question();
  request.reasoning =
      domain::ReasoningConfig{.enabled = true, .budget_tokens = 0, .effort = "high"};
  auto back = DecodeChatRequest(*EncodeChatRequest(request, {}));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->reasoning, request.reasoning);
}

TEST(AnthropicRequest, EffortBecomesABudgetForOlderModels) {
  auto request = Question();
  request.max_tokens = 4096;
  request.reasoning =
      domain::ReasoningConfig{.enabled = true, .budget_tokens = 0, .effort = "high"};
  request.model = "claude-sonnet-4-5";
  auto text = EncodeChatRequest(request, {});
  ASSERT_TRUE(text);
  EXPECT_NE(text->find(R"("thinking":{"type":"enabled","budget_tokens":4095})"), std::string::npos);
  EXPECT_EQ(text->find("effort"), std::string::npos);
  request.max_tokens.reset();  // then there is room for the budget and for an answer
  EXPECT_NE(EncodeChatRequest(request, {})->find(R"("budget_tokens":16384)"), std::string::npos);
  EXPECT_NE(EncodeChatRequest(request, {})->find(R"("max_tokens":20480)"), std::string::npos);
}

TEST(AnthropicRequest, ThinkingIsSaidAsTheModelTakesIt) {
  struct Case {
    std::string_view model;
    bool adaptive, budgets, effort;
  };
  for (const Case& want : {
           Case{"claude-3-7-sonnet-20250219", false, true, false},
           Case{"anthropic.claude-3-7-sonnet-20250219-v1:0", false, true, false},
           Case{"claude-opus-4-20250514", false, true, false},
           Case{"claude-sonnet-4@20250514", false, true, false},
           Case{"us.anthropic.claude-opus-4-1-20250805-v1:0", false, true, false},
           Case{"claude-haiku-4-5", false, true, false},
           Case{"claude-sonnet-4-5-20250929", false, true, false},
           Case{"claude-opus-4-5-20251101", false, true, true},
           Case{"anthropic/claude-opus-4.5", false, true, true},
           Case{"claude-opus-4-6", true, true, true},
           Case{"anthropic.claude-sonnet-4-6", true, true, true},
           Case{"claude-opus-4-7", true, false, true},
           Case{"claude-sonnet-5", true, false, true},
           Case{"claude-fable-5-1", true, false, true},
           Case{"claude-latest", true, true, true},
           Case{"my-deployment-3", true, true, true},
       }) {
    const auto got = ThinkingOf(want.model);
    EXPECT_EQ(got.adaptive, want.adaptive) << want.model;
    EXPECT_EQ(got.budgets, want.budgets) << want.model;
    EXPECT_EQ(got.effort, want.effort) << want.model;
  }
  auto request = Question();
  request.model = "claude-opus-4-7";
  request.reasoning = domain::ReasoningConfig{.enabled = true, .budget_tokens = 2000, .effort = ""};
  DropNotes notes;
  auto text = EncodeChatRequest(request, {.notes = &notes});
  ASSERT_TRUE(text);
  EXPECT_NE(text->find(R"("thinking":{"type":"adaptive"})"), std::string::npos);
  EXPECT_THAT(notes.dropped(),
              ::testing::Contains("the thinking budget, as the model sets its own"));
}

TEST(AnthropicRequest, NamesTheMemberThatIsWrong) {
  EXPECT_EQ(Fault(R"({"model":"m","messages":[]})"),
            "max_tokens: expected an integer from 1 to 2147483648");
  EXPECT_EQ(Fault(WithContent("7")),
            "messages[0].content: expected a string or a list of content blocks");
  EXPECT_EQ(Fault(WithContent(R"([{"type":"text","text":1}])")),
            "messages[0].content[0].text: expected a string");
  EXPECT_EQ(
      Fault(WithContent(
          R"([{"type":"image","source":{"type":"base64","media_type":"image/png","data":"?"}}])")),
      "messages[0].content[0].source.data: expected a string of base64");
  EXPECT_EQ(Fault(WithContent(R"([{"type":"text","text":"a","colour":1}])")),
            "messages[0].content[0].colour: this member is not supported here");
  EXPECT_EQ(Fault(WithContent(R"([{"type":"container_upload"}])")),
            "messages[0].content[0].type: expected one of text, image, document, search_result, "
            "tool_use, tool_result, thinking, redacted_thinking");
}

TEST(AnthropicRequest, TurnsMustSaySomethingInAnthropicsWords) {
  using ::testing::HasSubstr;
  constexpr auto kEmpty = "text content blocks must be non-empty";
  constexpr auto kBlank = "text content blocks must contain non-whitespace text";
  constexpr auto kNothing =
      "all messages must have non-empty content except for the optional final";
  EXPECT_THAT(Fault(WithContent(R"("")")),
              HasSubstr(std::string("messages[0].content: ") + kNothing));
  EXPECT_THAT(Fault(WithContent("[]")), HasSubstr(kNothing));
  EXPECT_THAT(Fault(WithContent(R"(" \n")")), HasSubstr(kBlank));
  EXPECT_THAT(Fault(WithContent(R"([{"type":"text","text":"a"},{"type":"text","text":""}])")),
              HasSubstr(std::string("messages[0].content[1].text: ") + kEmpty));
  EXPECT_THAT(Fault(WithContent(R"([{"type":"text","text":"\t"}])")), HasSubstr(kBlank));
  auto turns = [](std::string_view list, std::string_view more = "") {
    return Fault(R"({"model":"m","max_tokens":9,"messages":[)" + std::string(list) + "]" +
                 std::string(more) + "}");
  };
  constexpr std::string_view kUser = R"({"role":"user","content":"x"})";
  constexpr std::string_view kSilent = R"({"role":"assistant","content":""})";
  EXPECT_EQ(turns(fmt::format("{},{}", kUser, kSilent)), "accepted") << "an answer may begin there";
  EXPECT_THAT(turns(fmt::format("{},{},{}", kUser, kSilent, kUser)),
              HasSubstr(std::string("messages[1].content: ") + kNothing));
  EXPECT_THAT(turns(kUser, R"(,"system":[{"type":"text","text":""}])"),
              HasSubstr(std::string("system[0].text: ") + kEmpty));
  EXPECT_EQ(turns(kUser, R"(,"system":"")"), "accepted");
}

TEST(AnthropicRequest, CountNeedsNoLimit) {
  auto request = DecodeCountRequest(R"({"model":"m","messages":[{"role":"user","content":"hi"}]})");
  ASSERT_TRUE(request);
  EXPECT_EQ(domain::LastUserText(*request), "hi");
  EXPECT_EQ(*DecodeCountResponse(EncodeCountResponse(12)), 12);
}

TEST(AnthropicRequest, UnsignedReasoningOfOtherModelsIsNotPlayedBack) {
  auto request = ToolConversation();
  request.messages[1].content.insert(
      request.messages[1].content.begin(),
      domain::ReasoningBlock{.text = "secret", .signature = {}, .redacted = {}});
  auto text = EncodeChatRequest(request, {});
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find("secret"), std::string::npos);
}

TEST(AnthropicResponse, RoundTripsReasoningTextAndCalls) {
  auto response = ToolAnswer();
  auto back = DecodeChatResponse(EncodeChatResponse(response, {}));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, response);
}

TEST(AnthropicResponse, RoundTripsEveryPlaceOfACitation) {
  using Place = domain::CitationPlace;
  for (auto place : {Place::kText, Place::kPages, Place::kChunks, Place::kSearchResult}) {
    auto response = CitedAnswer();
    auto& citation = std::get<TextBlock>(response.content[0]).citations[0];
    citation.place = place;
    if (place != Place::kSearchResult) citation.source_uri.clear();
    if (place == Place::kPages) {
      citation.source_start = citation.source_end = 0;
      citation.pages = {{.page = 3, .boxes = {}}, {.page = 4, .boxes = {}}};
    }
    auto back = DecodeChatResponse(EncodeChatResponse(response, {}));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, response);
  }
}

TEST(AnthropicResponse, AKnowledgeBasesPagesAreCitedAndTheirRegionsListed) {
  domain::ChatResponse response;
  domain::Citation citation;
  citation.source_uri = "file:///a.pdf";
  citation.title = "A";
  citation.chunk_id = "c";
  citation.document_index = 2;
  citation.pages = {{.page = 3, .boxes = {{72.125F, 10, 200, 20}}}, {.page = 4, .boxes = {}}};
  citation.answer_end = 3;
  response.content = {TextBlock{.text = "Ja.", .citations = {citation}}};
  const auto text = EncodeChatResponse(response, {});
  EXPECT_THAT(text, HasSubstr(R"("citations":[{"document_index":2,"source":"file:///a.pdf",)"
                              R"("title":"A","pages":[{"page":3,"boxes":[[72.13,10,200,20]]},)"
                              R"({"page":4,"boxes":[]}]}])"));
  auto back = DecodeChatResponse(text);
  ASSERT_TRUE(back) << back.error().message();
  const auto& cited = std::get<TextBlock>(back->content.at(0)).citations.at(0);
  EXPECT_EQ(cited.place, domain::CitationPlace::kPages);
  ASSERT_EQ(cited.pages.size(), 2U);
  EXPECT_EQ(cited.pages[1].page, 4);
}

TEST(AnthropicResponse, TextIsCutWhereCitationsEnd) {
  domain::ChatResponse response;
  domain::Citation citation;
  citation.source_uri = "file:///a";
  citation.chunk_id = "c";
  citation.answer_start = 4;
  citation.answer_end = 8;
  response.content = {TextBlock{.text = "Ja. Es ü. Gut.", .citations = {citation}}};
  auto back = DecodeChatResponse(EncodeChatResponse(response, {}));
  ASSERT_TRUE(back);
  ASSERT_EQ(back->content.size(), 3u);
  const auto& cited = std::get<TextBlock>(back->content[1]);
  EXPECT_EQ(cited.text, "Es ü");
  ASSERT_EQ(cited.citations.size(), 1u);
  EXPECT_EQ(cited.citations[0].place, domain::CitationPlace::kSearchResult);
  EXPECT_EQ(domain::TextOf(back->content), "Ja. Es ü. Gut.");
}

TEST(AnthropicResponse, HalfACallIsStillValidJson) {
  domain::ChatResponse response;
  response.content = {domain::ToolUseBlock{.id = "a", .name = "f", .input = {R"({"x":)"}}};
  auto back = DecodeChatResponse(EncodeChatResponse(response, {}));
  ASSERT_TRUE(back);
  EXPECT_EQ(std::get<domain::ToolUseBlock>(back->content[0]).input.text,
            R"({"INVALID_JSON":"{\"x\":"})");
}

TEST(AnthropicStream, AddsUpToTheSameAnswerUnderEveryChunking) {
  auto response = ToolAnswer();
  response.content.insert(
      response.content.begin() + 1,
      domain::ReasoningBlock{
          .text = {}, .signature = {}, .redacted = "opaque", .signer = "anthropic"});
  response.stop_reason = StopReason::kStopSequence;
  response.stop_sequence = "END";
  auto encoder = MakeStreamEncoder({});
  ExpectStreamRoundTrip(*encoder, [] { return MakeStreamDecoder(); }, response);
}

TEST(AnthropicStream, CitationsSurvive) {
  auto response = CitedAnswer();
  std::get<TextBlock>(response.content[0]).citations[0].source_uri.clear();
  auto encoder = MakeStreamEncoder({});
  ExpectStreamRoundTrip(*encoder, [] { return MakeStreamDecoder(); }, response);
}

TEST(AnthropicStream, TextAfterACitationBeginsAnotherBlock) {
  auto encoder = MakeStreamEncoder({});
  std::vector<domain::StreamEvent> events = {
      domain::StreamStart{},
      domain::BlockStart{.index = 0, .tool_use_id = {}, .tool_name = {}},
      domain::TextDelta{.index = 0, .text = "One."},
      domain::CitationDelta{},
      domain::TextDelta{.index = 0, .text = "Two."},
      domain::BlockStop{.index = 0},
      domain::StreamEnd{}};
  auto decoder = MakeStreamDecoder();
  auto decoded = decoder->Feed(EncodeAll(*encoder, events));
  ASSERT_TRUE(decoded);
  domain::StreamAccumulator sum;
  for (const auto& event : *decoded) sum.Add(event);
  ASSERT_EQ(sum.response().content.size(), 2u);
  EXPECT_EQ(std::get<TextBlock>(sum.response().content[0]).citations.size(), 1u);
  EXPECT_EQ(std::get<TextBlock>(sum.response().content[1]).text, "Two.");
}

TEST(AnthropicStream, ErrorEventIsReadBack) {
  auto encoder = MakeStreamEncoder({});
  auto text = encoder->Encode(domain::StreamStart{});
  text += encoder->Ping();
  text += encoder->EncodeError(Error(Code::kUnavailable, "overloaded"));
  auto events = MakeStreamDecoder()->Feed(text);
  ASSERT_FALSE(events);
  EXPECT_EQ(events.error().code(), Code::kUnavailable);
}

TEST(AnthropicStream, AnAnswerBeginsOnceAndBeforeAnythingElse) {
  const std::string start =
      "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"x\"}}\n\n";
  const std::string stop = "data: {\"type\":\"message_stop\"}\n\n";
  EXPECT_TRUE(MakeStreamDecoder()->Feed(start + stop).has_value());
  for (const auto& bytes : {stop, start + start, stop + start}) {
    auto events = MakeStreamDecoder()->Feed(bytes);
    ASSERT_FALSE(events.has_value()) << bytes;
    EXPECT_EQ(events.error().code(), Code::kUnavailable);
  }
}

TEST(AnthropicModels, ListIsReadBack) {
  ListedModel model;
  model.info.id = "claude-x";
  model.created_s = 1767225600;
  auto text = EncodeModelList({model}, false);
  EXPECT_NE(text.find("\"created_at\":\"2026-01-01T00:00:00Z\""), std::string::npos);
  EXPECT_EQ(*DecodeModelList(text), std::vector<std::string>{"claude-x"});
}

}  // namespace
}  // namespace strata::dialect::anthropic
