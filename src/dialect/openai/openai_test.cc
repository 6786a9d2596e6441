#include "dialect/openai.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "dialect/extra.h"
#include "dialect/test_support.h"

namespace strata::dialect::openai {
namespace {

using domain::StopReason;
using domain::TextBlock;
using namespace test;  // NOLINT

std::string Fault(std::string_view body) {
  auto request = DecodeChatRequest(body);
  return request ? "accepted" : request.error().message();
}

TEST(OpenAiRequest, ImagesOfToolResultsStandInTheNextMessage) {
  auto request = ToolConversation();
  auto& result = std::get<domain::ToolResultBlock>(request.messages[2].content[0]);
  result.content.emplace_back(domain::ImageBlock{.format = "png", .bytes = "PNG", .url = {}});
  auto text = EncodeChatRequest(request, {});
  ASSERT_TRUE(text) << text.error().message();
  EXPECT_NE(text->find(R"("content":"3 C\n[image: see the next message]"})"), std::string::npos)
      << *text;
  EXPECT_NE(text->find(R"({"role":"user","content":[{"type":"image_url")"), std::string::npos);
}

TEST(OpenAiRequest, WhatItsOwnModelsRefuseIsLeftOutOrNamed) {
  auto request = ToolConversation();
  auto& assistant = request.messages[1].content;
  assistant.insert(assistant.begin(),
                   domain::ReasoningBlock{.text = "hm", .signature = {}, .redacted = {}});
  request.json_output = domain::JsonOutput{
      .name = "n", .schema = {R"({"type":"object","properties":{"a":{}}})"}, .strict = true};
  DropNotes notes;
  auto text = EncodeChatRequest(request, {.own_models = true, .notes = &notes});
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find("hm"), std::string::npos);
  EXPECT_NE(text->find(R"("strict":false)"), std::string::npos);
  EXPECT_EQ(notes.dropped(),
            (std::vector<std::string>{"reasoning", "strict, as the schema leaves something open"}));
  request.stop = {"1", "2", "3", "4", "5"};
  EXPECT_EQ(EncodeChatRequest(request, {.own_models = true}).error().field(), "stop");
}

TEST(OpenAiRequest, TheEndUserHasAnOlderAndANewerName) {
  auto user = [](const std::string& members) {
    const auto body =
        R"({"model":"m",)" + members + R"("messages":[{"role":"user","content":"x"}]})";
    return DecodeChatRequest(body)->chat.user;
  };
  EXPECT_EQ(user(R"("safety_identifier":"s1",)"), "s1");
  EXPECT_EQ(user(R"("safety_identifier":"s1","user":"u1",)"), "u1");
}

TEST(OpenAiRequest, RoundTripsAConversationWithImagesToolsAndSettings) {
  auto request = ToolConversation();
  request.messages.front().content.push_back(
      domain::ImageBlock{.format = "png", .bytes = "\x89PNG", .url = {}, .detail = "low"});
  request.messages.front().content.push_back(
      domain::ImageBlock{.format = {}, .bytes = {}, .url = "https://x.example/a.png"});
  request.messages.front().content.push_back(PdfDocument());
  request.seed = -7;
  request.user = "subject-1";
  request.metadata = {{"team", "blue"}};
  request.service_tier = "flex";
  request.stop = {"END"};
  request.logprobs = true;
  request.top_logprobs = 2;
  request.json_output =
      domain::JsonOutput{.name = "n",
                         .schema = {R"({"type":"object","additionalProperties":false})"},
                         .strict = true,
                         .description = "d"};
  request.reasoning = domain::ReasoningConfig{.enabled = true, .budget_tokens = 0, .effort = "low"};
  request.extra = {R"({"logit_bias":{"50256":-100.0},"presence_penalty":1.10})"};
  request.extra_dialect = "openai";
  auto text = EncodeChatRequest(request, {});
  ASSERT_TRUE(text) << text.error().message();
  auto back = DecodeChatRequest(*text);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->chat, request);
}

TEST(OpenAiRequest, KeepsUnknownTopLevelMembersAsTheyWereWritten) {
  auto request = DecodeChatRequest(
      R"({"model":"m","messages":[{"role":"user","content":"x"}],"min_p":0.050,"big":12345678901234567890123})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->chat.extra.text, R"({"min_p":0.050,"big":12345678901234567890123})");
  EXPECT_EQ(request->chat.extra_dialect, "openai");
}

TEST(OpenAiRequest, BiasesAndPenaltiesHaveOpenAisForm) {
  auto with = [](std::string_view member) {
    return DecodeChatRequest(R"({"model":"m","messages":[{"role":"user","content":"x"}],)" +
                             std::string(member) + "}");
  };
  const std::pair<std::string_view, std::string_view> kWrong[] = {
      {R"("logit_bias":[1])", "logit_bias"},
      {R"("logit_bias":{"hello":1})", "logit_bias.hello"},
      {R"("logit_bias":{"50256":-101})", "logit_bias.50256"},
      {R"("logit_bias":{"50256":"high"})", "logit_bias.50256"},
      {R"("presence_penalty":2.5)", "presence_penalty"},
      {R"("frequency_penalty":"a lot")", "frequency_penalty"}};
  for (const auto& [member, field] : kWrong) {
    auto request = with(member);
    ASSERT_FALSE(request.has_value()) << member;
    EXPECT_EQ(request.error().field(), field);
  }
  auto good = with(R"("logit_bias":{"50256":-100,"7":1.5},"presence_penalty":-2)");
  ASSERT_TRUE(good.has_value()) << good.error().message();
  EXPECT_EQ(good->chat.extra.text,
            R"({"logit_bias":{"50256":-100,"7":1.5},"presence_penalty":-2})");
}

TEST(OpenAiRequest, HintsHaveOpenAisTypes) {
  auto with = [](std::string_view member) {
    return DecodeChatRequest(R"({"model":"m","messages":[{"role":"user","content":""}],)" +
                             std::string(member) + "}");
  };
  const std::pair<std::string_view, std::string_view> kWrong[] = {
      {R"("store":"x")", "store"},
      {R"("prompt_cache_key":7)", "prompt_cache_key"},
      {R"("safety_identifier":{})", "safety_identifier"},
      {R"("verbosity":"loud")", "verbosity"}};
  for (const auto& [member, field] : kWrong) {
    auto request = with(member);
    ASSERT_FALSE(request.has_value()) << member;
    EXPECT_EQ(request.error().field(), field);
  }
  EXPECT_TRUE(with(R"("store":true,"verbosity":"low","prompt_cache_key":"k")").has_value());
}

TEST(RefuseExtra, DropsHintsAndWhatAsksForNothingAndNamesTheRest) {
  domain::ChatRequest request;
  DropNotes notes;
  EXPECT_TRUE(RefuseExtra(request, notes).has_value());
  request.extra = {R"({"store":true,"presence_penalty":0.0,"logit_bias":{},"mcp_servers":[]})"};
  request.extra_dialect = "openai";
  EXPECT_TRUE(RefuseExtra(request, notes).has_value());
  EXPECT_EQ(notes.dropped(), std::vector<std::string>{"store"});
  request.extra.text = R"({"web_search_options":{}})";  // {} turns it on
  EXPECT_EQ(RefuseExtra(request, notes).error().field(), "web_search_options");
  for (const char* member : {"min_p", "presence_penalty", "logit_bias"}) {
    request.extra.text = fmt::format(
        R"({{"{}":{}}})", member, std::string_view(member) == "logit_bias" ? R"({"1":2})" : "0.1");
    EXPECT_EQ(RefuseExtra(request, notes).error().field(), member);
  }
  request.extra_dialect = "anthropic";
  EXPECT_NE(RefuseExtra(request, notes).error().message().find("Extra inputs are not permitted"),
            std::string::npos);
}

TEST(OpenAiRequest, SystemAndDeveloperMessagesBecomeInstructions) {
  auto request = DecodeChatRequest(
      R"({"model":"m","messages":[{"role":"system","content":"a"},{"role":"developer","content":[{"type":"text","text":"b"}]},{"role":"user","content":"x"}]})");
  ASSERT_TRUE(request);
  EXPECT_EQ(domain::TextOf(request->chat.system), "ab");
}

TEST(OpenAiRequest, NamesTheMemberThatIsWrong) {
  EXPECT_EQ(Fault("[]"), "the body must be a JSON object");
  EXPECT_EQ(Fault(R"({"messages":[]})"), "model: expected a string that is not empty");
  EXPECT_EQ(Fault(R"({"model":"m","messages":[{"role":"user","content":7}]})"),
            "messages[0].content: expected a string or a list of content parts");
  EXPECT_EQ(Fault(R"({"model":"m","messages":[{"role":"user","content":[{"type":"text"}]}]})"),
            "messages[0].content[0].text: expected a string");
  EXPECT_EQ(Fault(R"({"model":"m","messages":[{"role":"user","content":"x","weight":1}]})"),
            "messages[0].weight: this member is not supported here");
  EXPECT_EQ(Fault(R"({"model":"m","n":2,"messages":[{"role":"user","content":"x"}]})"),
            "n: expected 1: one choice an answer is supported");
  EXPECT_EQ(Fault(R"({"model":"m","top_logprobs":2,"messages":[{"role":"user","content":"x"}]})"),
            "top_logprobs: needs \"logprobs\": true");
  EXPECT_EQ(
      Fault(
          R"({"model":"m","logprobs":true,"top_logprobs":21,"messages":[{"role":"user","content":"x"}]})"),
      "top_logprobs: expected an integer from 0 to 20");
  EXPECT_EQ(Fault(R"({"model":"m","messages":[{"role":"robot"}]})"),
            "messages[0].role: expected one of system, developer, user, assistant, tool");
  EXPECT_EQ(Fault(R"({"model":"m","temperature":3,"messages":[{"role":"user","content":"x"}]})"),
            "temperature: expected a number from 0 to 2");
  EXPECT_EQ(
      Fault(
          R"({"model":"m","messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]})"),
      "messages[0].content[0].type: audio input is not supported");
}

TEST(OpenAiRequest, AMemberInAnotherCaseIsRefused) {
  auto body = [](std::string_view more) {
    return fmt::format(R"({{"model":"m",{},"messages":[{{"role":"user","content":"hi"}}]}})", more);
  };
  for (const auto& [more, name, known] : {
           std::tuple{R"("Model":"x")", "Model", "model"},
           std::tuple{R"("MESSAGES":[])", "MESSAGES", "messages"},
           std::tuple{R"("me\u017F\u017Fages":[])", "meſſages", "messages"},
           std::tuple{R"("max_toKens":5)", "max_toKens", "max_tokens"},
           std::tuple{R"("Safety_Identifier":"u")", "Safety_Identifier", "safety_identifier"},
       }) {
    const auto want = fmt::format("{}: this member is spelled '{}'", name, known);
    EXPECT_EQ(Fault(body(more)), want);
    auto scanned = ScanChatRequest(body(more), {});
    ASSERT_FALSE(scanned) << more;
    EXPECT_EQ(scanned.error().field(), name);
  }
  auto other = ScanChatRequest(body(R"("vendorOption":{"Model":"x"},"X-Team":1)"), {});
  ASSERT_TRUE(other);
  EXPECT_NE(other->chat.wire, nullptr) << "other names in capitals are the provider's";
}

TEST(OpenAiRequest, RefusesArgumentsThatAreNoJsonObject) {
  EXPECT_EQ(
      Fault(
          R"({"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"[1"}}]}]})"),
      "messages[1].tool_calls[0].function.arguments: expected a string that holds a JSON object");
}

TEST(OpenAiRequest, MembersOfAnotherDialectAreRefusedByName) {
  auto request = ToolConversation();
  request.extra = {R"({"top_a":1})"};
  request.extra_dialect = "anthropic";
  auto text = EncodeChatRequest(request, {});
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().field(), "top_a");
}

TEST(OpenAiRequest, AzureFormLeavesTheModelOut) {
  auto text = EncodeChatRequest(ToolConversation(),
                                {.stream = true, .name_model = false, .own_models = true});
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find("\"model\""), std::string::npos);
  EXPECT_NE(text->find("\"max_completion_tokens\":256"), std::string::npos);
  EXPECT_NE(text->find("\"include_usage\":true"), std::string::npos);
}

TEST(OpenAiResponse, RoundTripsTextReasoningParallelCallsAndUsage) {
  auto response = ToolAnswer();
  auto& reasoning = std::get<domain::ReasoningBlock>(response.content[0]);
  reasoning.signature.clear();
  reasoning.signer.clear();
  auto back = DecodeChatResponse(EncodeChatResponse(response, {}));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, response);
}

TEST(OpenAiResponse, CitationsPointIntoTheContentByCodePoint) {
  domain::ChatResponse response;
  domain::Citation citation;
  citation.title = "Guide";
  citation.source_uri = "file:///guide.md";
  citation.quoted = "naïve";
  citation.answer_start = 2;
  citation.answer_end = 7;
  response.content = {TextBlock{.text = "über ", .citations = {}},
                      TextBlock{.text = "A naïve.", .citations = {citation}}};
  auto text = EncodeChatResponse(response, {});
  EXPECT_NE(text.find(R"("start_index":7,"end_index":12,"url":"file:///guide.md","title":"Guide")"),
            std::string::npos)
      << text;
}

TEST(OpenAiResponse, CarriesTraceAndDemoNote) {
  AnswerMeta meta;
  meta.request_id = "r1";
  meta.trace_id = "abc";
  meta.trace_url = "http://h/console/trace/abc";
  meta.demo_note = "a small demo model answered";
  auto text = EncodeChatResponse(ToolAnswer(), meta);
  EXPECT_NE(text.find("\"id\":\"chatcmpl-r1\""), std::string::npos);
  EXPECT_NE(
      text.find(
          R"("strata":{"trace_id":"abc","trace_url":"http://h/console/trace/abc","demo_note":"a small demo model answered"})"),
      std::string::npos);
}

TEST(OpenAiResponse, RefusalIsNotContent) {
  domain::ChatResponse response;
  response.content = {TextBlock{.text = "No.", .citations = {}}};
  response.stop_reason = StopReason::kRefusal;
  auto text = EncodeChatResponse(response, {});
  EXPECT_NE(text.find(R"("content":null,"refusal":"No.")"), std::string::npos);
  auto back = DecodeChatResponse(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, response);
}

domain::ChatResponse ScoredAnswer() {
  domain::ChatResponse response;
  TextBlock text{.text = "Hi \xE2\x82\xAC", .citations = {}};
  text.logprobs = {{.token = "Hi",
                    .bytes = "Hi",
                    .logprob = -0.25,
                    .top = {{.token = "Hi", .bytes = "Hi", .logprob = -0.25},
                            {.token = "Ho", .bytes = "Ho", .logprob = -9999}}},
                   {.token = "\xEF\xBF\xBD", .bytes = " \xE2\x82", .logprob = -1.5},
                   {.token = "\xEF\xBF\xBD", .bytes = "\xAC", .logprob = 0}};
  response.content = {std::move(text)};
  return response;
}

TEST(OpenAiLogprobs, SurviveBothForms) {
  auto response = ScoredAnswer();
  auto text = EncodeChatResponse(response, {});
  EXPECT_NE(text.find(R"("logprobs":{"content":[{"token":"Hi","logprob":-0.25,"bytes":[72,105],)"),
            std::string::npos)
      << text;
  auto back = DecodeChatResponse(text);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, response);
  auto encoder = MakeStreamEncoder({}, true);
  ExpectStreamRoundTrip(*encoder, [] { return MakeStreamDecoder(); }, response);
}

TEST(OpenAiLogprobs, OfARefusalStandInItsList) {
  auto response = ScoredAnswer();
  response.stop_reason = StopReason::kRefusal;
  auto text = EncodeChatResponse(response, {});
  EXPECT_NE(text.find(R"("logprobs":{"refusal":[)"), std::string::npos) << text;
  auto back = DecodeChatResponse(text);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, response);
}

TEST(OpenAiStream, RefusalStreamsAsRefusal) {
  domain::ChatResponse response;
  response.content = {TextBlock{.text = "No.", .citations = {}}};
  response.stop_reason = StopReason::kRefusal;
  auto encoder = MakeStreamEncoder({}, false);
  auto text = EncodeAll(*encoder, domain::EventsOf(response));
  EXPECT_NE(text.find(R"("delta":{"refusal":"No."})"), std::string::npos) << text;
  EXPECT_EQ(text.find("refused to go on"), std::string::npos);
  auto again = MakeStreamEncoder({}, false);
  ExpectStreamRoundTrip(*again, [] { return MakeStreamDecoder(); }, response);
}

TEST(OpenAiStream, ARefusalThatIsKnownOnlyAtTheEndIsSaid) {
  auto encoder = MakeStreamEncoder({}, false);
  domain::ChatResponse response;
  response.content = {TextBlock{.text = "I will", .citations = {}}};
  auto events = domain::EventsOf(response);
  std::get<domain::StreamEnd>(events.back()).stop_reason = StopReason::kRefusal;
  auto text = EncodeAll(*encoder, events);
  EXPECT_NE(text.find(R"("delta":{"content":"I will"})"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("delta":{"refusal":"The model refused to go on."})"), std::string::npos);
}

TEST(OpenAiStream, AddsUpToTheSameAnswerUnderEveryChunking) {
  auto response = ToolAnswer();
  auto& reasoning = std::get<domain::ReasoningBlock>(response.content[0]);
  reasoning.signature.clear();
  reasoning.signer.clear();
  auto encoder = MakeStreamEncoder({}, true);
  ExpectStreamRoundTrip(*encoder, [] { return MakeStreamDecoder(); }, response);
}

TEST(OpenAiStream, CitationsSurvive) {
  auto encoder = MakeStreamEncoder({}, false);
  auto response = CitedAnswer();
  auto& citation = std::get<TextBlock>(response.content[0]).citations[0];
  citation.place = domain::CitationPlace::kWeb;  // what an address is
  citation.document_index = 0;
  citation.source_start = citation.source_end = 0;
  response.usage = {};
  ExpectStreamRoundTrip(*encoder, [] { return MakeStreamDecoder(); }, response);
}

TEST(OpenAiStream, UsageComesOnlyWhenAskedFor) {
  auto encoder = MakeStreamEncoder({}, false);
  auto text = EncodeAll(*encoder, domain::EventsOf(ToolAnswer()));
  EXPECT_EQ(text.find("\"usage\""), std::string::npos);
  EXPECT_TRUE(text.ends_with("data: [DONE]\n\n"));
}

TEST(OpenAiStream, ErrorEventEndsTheStreamAndIsReadBack) {
  auto encoder = MakeStreamEncoder({}, false);
  auto text = encoder->Encode(domain::StreamStart{.id = "a", .model = "m", .usage = {}});
  text += encoder->EncodeError(Error(Code::kRateLimited, "slow down"));
  auto decoder = MakeStreamDecoder();
  auto events = decoder->Feed(text);
  ASSERT_FALSE(events);
  EXPECT_EQ(events.error().code(), Code::kRateLimited);
}

TEST(OpenAiStream, InterleavedCallsAreSortedOut) {
  auto decoder = MakeStreamDecoder();
  domain::StreamAccumulator sum;
  for (
      auto delta :
      {R"([{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}}])",
       R"([{"index":1,"id":"b","function":{"name":"g","arguments":"{"}}])",
       R"([{"index":0,"function":{"arguments":":1}"}},{"index":1,"function":{"arguments":"}"}}])"}) {
    auto events = decoder->Feed(std::string(R"(data: {"choices":[{"delta":{"tool_calls":)") +
                                delta + "}}]}\n\n");
    ASSERT_TRUE(events) << events.error().message();
    for (const auto& event : *events) sum.Add(event);
  }
  auto events =
      decoder->Feed("data: {\"choices\":[{\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n");
  ASSERT_TRUE(events);
  for (const auto& event : *events) sum.Add(event);
  ASSERT_EQ(sum.response().content.size(), 2u);
  EXPECT_EQ(std::get<domain::ToolUseBlock>(sum.response().content[0]).input.text, R"({"x":1})");
  EXPECT_EQ(std::get<domain::ToolUseBlock>(sum.response().content[1]).input.text, "{}");
  EXPECT_EQ(sum.response().stop_reason, StopReason::kToolUse);
}

TEST(OpenAiStream, ContentBetweenTheArgumentsOfACallCutsNeither) {
  auto decoder = MakeStreamDecoder();
  domain::StreamAccumulator sum;
  auto feed = [&](std::string_view delta) {
    auto events = decoder->Feed(fmt::format("data: {{\"choices\":[{{\"delta\":{}}}]}}\n\n", delta));
    ASSERT_TRUE(events) << events.error().message();
    for (const auto& event : *events) sum.Add(event);
  };
  feed(R"({"content":"Wait."})");
  feed(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"a\":"}}]})");
  feed(R"({"content":"\n"})");
  feed(R"({"reasoning_content":"hm"})");
  feed(R"({"tool_calls":[{"index":0,"function":{"arguments":"12345}"}}]})");
  auto events =
      decoder->Feed("data: {\"choices\":[{\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n");
  ASSERT_TRUE(events);
  for (const auto& event : *events) sum.Add(event);
  const auto& content = sum.response().content;
  ASSERT_EQ(content.size(), 4u);
  EXPECT_EQ(std::get<domain::TextBlock>(content[0]).text, "Wait.");
  EXPECT_EQ(std::get<domain::ToolUseBlock>(content[1]).input.text, R"({"a":12345})");
  EXPECT_EQ(std::get<domain::TextBlock>(content[2]).text, "\n");
  EXPECT_EQ(std::get<domain::ReasoningBlock>(content[3]).text, "hm");
}

TEST(OpenAiStream, ArgumentsOfACallWithoutAnyAreAnObject) {
  domain::ChatResponse answer;
  answer.content.emplace_back(domain::ToolUseBlock{.id = "a", .name = "now", .input = {}});
  answer.content.emplace_back(
      domain::ToolUseBlock{.id = "b", .name = "f", .input = {R"({"x":1})"}});
  answer.stop_reason = StopReason::kToolUse;
  auto events = domain::EventsOf(answer);
  // As Anthropic and Bedrock have it: a piece of nothing, or none.
  for (bool piece : {true, false}) {
    auto encoder = MakeStreamEncoder({}, false);
    std::string bytes;
    for (const auto& event : events) {
      const auto* input = std::get_if<domain::ToolInputDelta>(&event);
      const bool bare = input != nullptr && input->index == 0;
      if (bare && !piece) continue;
      bytes += encoder->Encode(bare ? domain::ToolInputDelta{.index = 0, .json = {}} : event);
    }
    EXPECT_NE(bytes.find(R"([{"index":0,"function":{"arguments":"{}"}}])"), bytes.npos) << bytes;
    EXPECT_EQ(bytes.find(R"([{"index":1,"function":{"arguments":"{}"}}])"), bytes.npos) << bytes;
  }
}

// What is newer than this code, or another server's: who reads the answer sees the texts.
constexpr std::string_view kOddMessage =
    R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},)"
    R"({"type":"text","text":"hi"},{"type":"new","x":1}],"annotations":[{"type":"new","x":1}],)"
    R"("tool_calls":[{"index":0,"id":"c","type":"custom","custom":{"name":"n","input":"a \"b\""}}]})";

void ExpectOddMessage(const domain::ChatResponse& answer) {
  ASSERT_EQ(answer.content.size(), 3u);
  EXPECT_EQ(std::get<domain::ReasoningBlock>(answer.content[0]).text, "hm");
  EXPECT_EQ(std::get<TextBlock>(answer.content[1]).text, "hi");
  const auto& use = std::get<domain::ToolUseBlock>(answer.content[2]);
  EXPECT_EQ(use.name, "n");
  EXPECT_EQ(use.input.text, R"({"input":"a \"b\""})");
}

TEST(OpenAiResponse, WhatIsNewOrAnothersIsRead) {
  auto answer = DecodeChatResponse(
      fmt::format(R"({{"choices":[{{"message":{},"finish_reason":"tool_calls"}}]}})", kOddMessage));
  ASSERT_TRUE(answer) << answer.error().message();
  ExpectOddMessage(*answer);
}

TEST(OpenAiStream, WhatIsNewOrAnothersIsRead) {
  auto decoder = MakeStreamDecoder();
  domain::StreamAccumulator sum;
  auto add = [&](const std::string& bytes) {
    auto events = decoder->Feed(bytes);
    ASSERT_TRUE(events) << events.error().message();
    for (const auto& event : *events) sum.Add(event);
  };
  add(fmt::format("data: {{\"choices\":[{{\"delta\":{}}}]}}\n\n", kOddMessage));
  add("data: [DONE]\n\n");
  ExpectOddMessage(sum.response());
}

TEST(OpenAiStream, AStreamCutBeforeItsEndIsUnavailable) {
  auto decoder = MakeStreamDecoder();
  ASSERT_TRUE(decoder->Feed("data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n"));
  auto end = decoder->Finish();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), Code::kUnavailable);
}

TEST(OpenAiEmbeddings, RoundTripAsFloatsAndAsBase64) {
  const std::vector<float> values = {0.1f, -2.5f, 3e-8f, 1.0f};
  for (auto encoding : {VectorEncoding::kFloat, VectorEncoding::kBase64}) {
    auto text =
        EncodeEmbedResponse({.dimensions = 2, .values = values, .input_tokens = 9}, encoding, "m");
    auto rows = DecodeEmbedResponse(text, 2);
    ASSERT_TRUE(rows) << rows.error().message();
    EXPECT_EQ(rows->values, values);
    EXPECT_EQ(rows->input_tokens, 9);
  }
}

TEST(OpenAiEmbeddings, TokensAndUnknownMembersReachProvidersOfTheDialect) {
  auto one = DecodeEmbedRequest(R"({"model":"m","input":[9906, 1917]})");
  ASSERT_TRUE(one) << one.error().message();
  EXPECT_TRUE(one->tokens);
  EXPECT_EQ(one->texts, std::vector<std::string>{"[9906,1917]"});
  EXPECT_EQ(TokensListed(one->texts[0]), 2);
  EXPECT_EQ(PathOfText(*one, 0), "input");
  auto many =
      DecodeEmbedRequest(R"({"model":"m","input":[[1],[2,3]],"input_type":"query","x":null})");
  ASSERT_TRUE(many) << many.error().message();
  EXPECT_EQ(PathOfText(*many, 1), "input[1]");
  EXPECT_EQ(EncodeEmbedRequest(*many),
            R"({"model":"m","input":[[1],[2,3]],"encoding_format":"float","input_type":"query"})");
}

TEST(OpenAiEmbeddings, WhatIsWrongIsNamed) {
  auto fault = [](std::string_view input) {
    auto request = DecodeEmbedRequest(fmt::format(R"({{"model":"m","input":{}}})", input));
    return request ? "accepted" : request.error().message();
  };
  EXPECT_EQ(fault(R"(["a",[1]])"), "input[1]: expected texts only, or lists of token numbers only");
  EXPECT_EQ(fault("[[1],2]"), "input[1]: expected texts only, or lists of token numbers only");
  EXPECT_EQ(fault("[[1],[]]"), "input[1]: expected at least one token number");
  EXPECT_EQ(fault("[1,-2]"), "input[1]: expected an integer from 0 to 2147483647");
  EXPECT_EQ(fault(R"([""])"), "input[0]: expected a string that is not empty");
  EXPECT_EQ(fault("[]"),
            "input: expected a string, a list of token numbers, or a list of 1 to 2048 "
            "of either");
  EXPECT_EQ(DecodeEmbedRequest(R"({"model":"m","input":"a","Model":"x"})").error().field(),
            "Model");
}

TEST(OpenAiEmbeddings, RequestRoundTrips) {
  EmbedRequest request;
  request.model = "m";
  request.texts = {"a", "b"};
  request.dimensions = 64;
  request.encoding = VectorEncoding::kBase64;
  auto back = DecodeEmbedRequest(EncodeEmbedRequest(request));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->texts, request.texts);
  EXPECT_EQ(back->dimensions, request.dimensions);
  EXPECT_EQ(back->encoding, request.encoding);
  EXPECT_EQ(back->long_text, LongText::kRefuse);
  EXPECT_EQ(PathOfText(*back, 1), "input[1]");
  EXPECT_EQ(PathOfText(*DecodeEmbedRequest(R"({"model":"m","input":"a"})"), 0), "input");
}

TEST(OpenAiModels, ListIsReadBack) {
  ListedModel model;
  model.info.id = "kb/docs";
  auto ids = DecodeModelList(EncodeModelList({model}));
  ASSERT_TRUE(ids);
  EXPECT_EQ(*ids, std::vector<std::string>{"kb/docs"});
}

}  // namespace
}  // namespace strata::dialect::openai
