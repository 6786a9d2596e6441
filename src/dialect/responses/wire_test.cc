// Responses that are forwarded.

#include "dialect/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialect/extra.h"
#include "dialect/responses_wire.h"
#include "dialect/test_support.h"

namespace strata::dialect::responses {
namespace {

using domain::StopReason;
using testing::HasSubstr;
using testing::Not;

// One event as OpenAI writes it.
std::string Event(std::string_view type, std::string_view members) {
  return "event: " + std::string(type) + "\ndata: {\"type\":\"" + std::string(type) + "\"," +
         std::string(members) + "}\n\n";
}

std::string Response(std::string_view status, std::string_view more) {
  return R"("response":{"id":"resp_up1","object":"response","status":")" + std::string(status) +
         R"(","model":"gpt-x-0815",)" + std::string(more) + "}";
}

constexpr std::string_view kUsage =
    R"("usage":{"input_tokens":12,"input_tokens_details":{"cached_tokens":4},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":19})";

// A search of OpenAI's own, then a message of one part.
std::vector<std::string> Events() {
  std::vector<std::string> out;
  auto add = [&](std::string_view type, const std::string& members) {
    out.push_back(Event(type, members + R"(,"sequence_number":)" + std::to_string(out.size())));
  };
  add("response.created", Response("in_progress", R"("output":[],"usage":null)"));
  add("response.output_item.added",
      R"("output_index":0,"item":{"id":"ws_1","type":"web_search_call","status":"in_progress"})");
  add("response.output_item.done",
      R"("output_index":0,"item":{"id":"ws_1","type":"web_search_call","status":"completed","new":1.50})");
  add("response.output_item.added",
      R"("output_index":1,"item":{"id":"msg_1","type":"message","role":"assistant","content":[]})");
  add("response.content_part.added",
      R"("output_index":1,"item_id":"msg_1","content_index":0,"part":{"type":"output_text","text":"","annotations":[]})");
  add("response.output_text.delta",
      R"("output_index":1,"item_id":"msg_1","content_index":0,"delta":"Sun","obfuscation":"x")");
  add("response.output_text.delta",
      R"("output_index":1,"item_id":"msg_1","content_index":0,"delta":"ny.")");
  add("response.output_text.annotation.added",
      R"("output_index":1,"item_id":"msg_1","content_index":0,"annotation_index":0,"annotation":{"type":"url_citation","url":"https://w.example/","title":"W","start_index":0,"end_index":5})");
  add("response.output_text.done",
      R"("output_index":1,"item_id":"msg_1","content_index":0,"text":"Sunny.")");
  add("response.output_item.done",
      R"("output_index":1,"item":{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Sunny.","annotations":[]}]})");
  add("response.completed", Response("completed", R"("output":[],)" + std::string(kUsage)));
  return out;
}

std::string Joined(const std::vector<std::string>& events) {
  std::string out;
  for (const auto& event : events) out += event;
  return out;
}

// ---- requests ----

TEST(ResponsesScan, FindsWhatIsNeededAndNoMore) {
  constexpr std::string_view kBody =
      R"({"input":"hi","new":{"a":1.50},"model" : "o/gpt-x","stream":true,"store":false,
          "max_output_tokens":99,"metadata":{"team":"blue"},"safety_identifier":"s1",
          "tools":[{"type":"web_search"}],"conversation":{"id":"conv_1"},"background":true})";
  auto scanned = ScanRequest(kBody);
  ASSERT_TRUE(scanned);
  const auto& chat = scanned->chat;
  EXPECT_EQ(chat.model, "o/gpt-x");
  EXPECT_TRUE(chat.stream);
  EXPECT_EQ(chat.max_tokens, 99);
  EXPECT_EQ(chat.user, "s1");
  EXPECT_EQ(chat.metadata.at("team"), "blue");
  EXPECT_FALSE(scanned->store);
  EXPECT_TRUE(scanned->background);
  EXPECT_EQ(scanned->conversation, "conv_1");
  EXPECT_FALSE(scanned->names_ours);
  auto wire = MakeWireRequest(std::string(kBody), {}, scanned->model);
  auto sent = domain::WireBodyFor(*wire, "gpt-x");
  std::string expected(kBody);
  expected.replace(expected.find("o/gpt-x"), 7, "gpt-x");
  EXPECT_EQ(sent, expected);
}

TEST(ResponsesScan, SeesWhatMayBeThisServersOwn) {
  auto scan = [](std::string_view members) {
    return *ScanRequest(R"({"model":"m",)" + std::string(members) + "}");
  };
  EXPECT_TRUE(scan(R"("input":[{"role":"user","content":[{"type":"input_file","file_id":"f"}]}])")
                  .names_ours);
  EXPECT_TRUE(scan(R"("input":"x","tools":[{"type":"file_search","vector_store_ids":["vs_1"]}])")
                  .names_ours);
  EXPECT_TRUE(
      scan(R"("input":[{"type":"reasoning","summary":[],"encrypted_content":"strata1.e30"}])")
          .sealed);
  EXPECT_FALSE(scan(R"("input":"strata1. is written \"strata1.\" in text")").sealed);
  EXPECT_EQ(scan(R"("input":"x","previous_response_id":"resp_1")").previous_response_id, "resp_1");
}

TEST(ResponsesScan, LeavesWhatItIsNotSureOfToTheDecoder) {
  for (const char* body :
       {R"({"input":"x"})", R"({"model":"","input":"x"})", R"({"model":1})",
        R"({"model":"m","stream":"yes"})", R"({"model":"m","model":"n"})",
        R"({"model":"m","max_output_tokens":0})", R"([])", R"({"model":"m","conversation":7})"}) {
    EXPECT_FALSE(ScanRequest(body)) << body;
  }
}

TEST(ResponsesForwarding, WhatIsServedHereIsDecodedAndNothingElseIsLost) {
  auto request = DecodeForForwarding(
      R"({"model":"m","instructions":"be brief","previous_response_id":"resp_1","vendor":7,
          "tools":[{"type":"function","name":"f"},{"type":"web_search","x":1.50},
                   {"type":"mcp","server_label":"l"}],
          "input":[{"role":"user","content":"weather?"},{"type":"mcp_call","output":"secret"},
                   {"role":"user","content":[{"type":"input_text","text":"now","new":1},
                                             {"type":"input_audio","data":"aa"}]}]})");
  ASSERT_TRUE(request) << request.error().message();
  const auto& chat = request->chat;
  EXPECT_EQ(domain::LastUserText(chat), "now") << "the text of what it does not know is read";
  EXPECT_EQ(domain::TextOf(chat.system), "be brief");
  ASSERT_EQ(chat.tools.size(), 1u);
  EXPECT_EQ(chat.extra_dialect, kWireFormat);
  EXPECT_TRUE(chat.extra.text.starts_with(
      R"({"tools":[{"type":"web_search","x":1.50},{"type":"mcp","server_label":"l"}],)"))
      << chat.extra.text;
  for (const char* part :
       {R"("previous_response_id":"resp_1")", R"("vendor":7)", "input_audio", "secret"}) {
    EXPECT_THAT(chat.extra.text, HasSubstr(part));
  }
}

TEST(ResponsesForwarding, WhatAnybodyCanServeIsMarkedForNobody) {
  auto request = DecodeForForwarding(R"({"model":"m","input":"hi","store":false,"background":false,
      "tools":[{"type":"function","name":"f"}],"include":["reasoning.encrypted_content"]})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->chat.extra_dialect, "");
}

TEST(ResponsesForwarding, AModelThatCannotNamesTheToolAndWhoCan) {
  auto refused = [](std::string_view members) {
    auto request =
        DecodeForForwarding(R"({"model":"m","input":"hi",)" + std::string(members) + "}");
    DropNotes notes;
    auto fine = RefuseExtra(request->chat, notes);
    return fine.has_value() ? "taken" : fine.error().message();
  };
  const auto tool = refused(R"("background":true,"tools":[{"type":"web_search"}])");
  EXPECT_THAT(tool, HasSubstr("tools: tools of type web_search are taken only by a provider"));
  EXPECT_THAT(tool, HasSubstr("kind openai or azure"));
  EXPECT_THAT(refused(R"("background":true)"), HasSubstr("background is taken only by"));
  EXPECT_THAT(refused(R"("conversation":"conv_1")"), HasSubstr("conversation is taken only by"));
  EXPECT_THAT(refused(R"("tools":[{"type":"file_search","vector_store_ids":["vs_up"]}])"),
              HasSubstr("tools of type file_search"));
  EXPECT_EQ(refused(R"("store":false)"), "taken");
}

// ---- answers ----

TEST(ResponsesTap, BytesPassUnchangedInAnyChunking) {
  const auto whole = Joined(Events()) + "data: [DONE]\n\n";
  for (std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{100}, whole.size()}) {
    auto tap = MakeWireTap();
    std::string passed;
    for (std::size_t at = 0; at < whole.size(); at += size) {
      passed += tap->Feed(std::string_view(whole).substr(at, size));
      ASSERT_FALSE(tap->failure()) << tap->failure()->message();
    }
    ASSERT_TRUE(tap->Finish().has_value());
    EXPECT_EQ(passed + tap->TakeEnd(), whole);
    const auto& facts = tap->facts();
    EXPECT_EQ(facts.model, "gpt-x-0815");
    EXPECT_EQ(facts.usage.input_tokens, 8);
    EXPECT_EQ(facts.usage.cache_read_tokens, 4);
    EXPECT_EQ(facts.usage.output_tokens, 7);
    EXPECT_EQ(facts.usage.reasoning_tokens, 3);
  }
}

TEST(ResponsesTap, TheFirstEventNamesTheAnswer) {
  EXPECT_EQ(IdOfAnswer(Events().front()), "resp_up1");
  EXPECT_EQ(IdOfAnswer(Joined(Events())), "resp_up1");
  EXPECT_EQ(IdOfAnswer(R"({ "id":"resp_2","output":[]})"), "resp_2");
  for (const char* bytes : {"", "<html>", "data: [DONE]\n\n", "data: {}\n\n"}) {
    EXPECT_EQ(IdOfAnswer(bytes), "") << bytes;
  }
}

TEST(ResponsesTap, AStreamWithoutItsEndIsNoAnswer) {
  auto events = Events();
  events.pop_back();
  auto tap = MakeWireTap();
  tap->Feed(Joined(events));
  EXPECT_EQ(tap->Finish().error().code(), Code::kUnavailable);
}

TEST(ResponsesTap, AFailedResponseHasItsUsageAndItsCode) {
  auto tap = MakeWireTap();
  auto failed =
      Event("response.failed", Response(
                                   "failed", R"("output":[],"error":{"code":"rate_limit_exceeded",
                      "message":"slow down"},)" + std::string(kUsage)));
  std::erase(failed, '\n');
  failed = "data: " + failed.substr(failed.find('{')) + "\n\n";  // its type is in the data too
  EXPECT_EQ(tap->Feed(Events().front() + failed), Events().front());
  ASSERT_TRUE(tap->failure());
  EXPECT_EQ(tap->failure()->code(), Code::kRateLimited);
  EXPECT_THAT(tap->failure()->message(), HasSubstr("slow down"));
  EXPECT_EQ(tap->facts().usage.output_tokens, 7);
}

TEST(ResponsesTap, ErrorEventsHaveTwoForms) {
  for (const char* members : {R"("code":"server_error","message":"broken","param":null)",
                              R"("error":{"type":"server_error","message":"broken"})"}) {
    auto tap = MakeWireTap();
    tap->Feed(Event("error", members));
    ASSERT_TRUE(tap->failure());
    EXPECT_EQ(tap->failure()->code(), Code::kUnavailable);
    EXPECT_THAT(tap->failure()->message(), HasSubstr("broken"));
  }
}

TEST(ResponsesWhole, ReadsFactsAndRefusesWhatIsNone) {
  auto body = [](std::string_view status, std::string_view output, std::string_view more) {
    return R"({"id":"resp_1","model":"x","status":")" + std::string(status) + R"(","output":)" +
           std::string(output) + "," + std::string(more) + "}";
  };
  auto facts =
      ReadWireAnswer(body("completed", R"([{"type":"function_call","name":"f"}])", kUsage));
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->stop_reason, StopReason::kToolUse);
  EXPECT_EQ(facts->usage.TotalTokens(), 19);
  auto cut = ReadWireAnswer(
      body("incomplete", "[]", R"("incomplete_details":{"reason":"max_output_tokens"})"));
  EXPECT_EQ(cut->stop_reason, StopReason::kMaxTokens);
  auto queued = ReadWireAnswer(body("queued", "[]", R"("usage":null)"));
  ASSERT_TRUE(queued);
  EXPECT_EQ(queued->usage.TotalTokens(), 0);
  EXPECT_TRUE(IsPending(body("queued", "[]", R"("usage":null)")));
  EXPECT_FALSE(UsageOfEnded(body("queued", "[]", R"("usage":null)")));
  EXPECT_FALSE(IsPending(body("completed", "[]", kUsage)));
  EXPECT_EQ(UsageOfEnded(body("cancelled", "[]", kUsage))->output_tokens, 7);
  auto failed =
      ReadWireAnswer(body("failed", "[]", R"("error":{"code":"invalid_prompt","message":"no"})"));
  EXPECT_EQ(failed.error().code(), Code::kInvalidArgument);
  EXPECT_EQ(ReadWireAnswer("<html>").error().code(), Code::kUnavailable);
  EXPECT_EQ(ReadWireAnswer(R"({"id":"x"})").error().code(), Code::kUnavailable);
}

TEST(ResponsesWireAnswer, ACountOfTokensIsReadOrRefused) {
  EXPECT_EQ(DecodeInputTokens(R"({"object":"response.input_tokens","input_tokens":12})"), 12);
  for (const auto* body : {"", "<html>", "[]", R"({"count":1})", R"({"input_tokens":-1})"}) {
    EXPECT_EQ(DecodeInputTokens(body).error().code(), Code::kUnavailable) << body;
  }
}

// Whoever cannot forward it must not answer it as a question.
TEST(ResponsesWireRequest, ACompactionIsRefusedInEveryOtherForm) {
  auto wire = MakeWireRequest(R"({"model":"m","input":"hi"})", {}, {9, 12}, kCompactFormat);
  domain::ChatRequest request;
  request.wire = wire;
  request.wire_only = true;
  ASSERT_TRUE(domain::DecodeWhole(request));
  EXPECT_EQ(request.extra_dialect, kWireFormat);
  EXPECT_TRUE(OnlyAsWire(request));
  auto masked = WireWithBody(*wire, R"({"model":"m","input":"[x]"})");
  ASSERT_NE(masked, nullptr);
  EXPECT_EQ(masked->format, kCompactFormat);
}

TEST(ResponsesDecoder, StreamAndWholeAnswerSayTheSame) {
  domain::StreamAccumulator streamed;
  auto decoder = MakeStreamDecoder();
  const auto bytes = Joined(Events());
  for (std::size_t at = 0; at < bytes.size(); at += 13) {
    auto events = decoder->Feed(std::string_view(bytes).substr(at, 13));
    ASSERT_TRUE(events) << events.error().message();
    for (const auto& event : *events) streamed.Add(event);
  }
  ASSERT_TRUE(decoder->ended());
  EXPECT_EQ(decoder->usage().output_tokens, 7);
  auto whole = DecodeResponse(
      R"({"id":"resp_up1","model":"gpt-x-0815","status":"completed","output":[
          {"type":"web_search_call","id":"ws_1"},{"type":"message","content":[
          {"type":"output_text","text":"Sunny.","annotations":[{"type":"url_citation",
           "url":"https://w.example/","title":"W","start_index":0,"end_index":5}]}]}],)" +
      std::string(kUsage) + "}");
  ASSERT_TRUE(whole) << whole.error().message();
  EXPECT_EQ(streamed.response(), *whole);
  ASSERT_EQ(whole->content.size(), 1u);
}

TEST(ResponsesDecoder, CallsThinkingAndRefusals) {
  auto whole = DecodeResponse(
      R"({"id":"r","model":"m","output":[
          {"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"gA"},
          {"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1}"},
          {"type":"message","content":[{"type":"refusal","refusal":"No."}]}]})");
  ASSERT_TRUE(whole);
  ASSERT_EQ(whole->content.size(), 3u);
  EXPECT_EQ(std::get<domain::ReasoningBlock>(whole->content[0]).text, "hm");
  EXPECT_EQ(std::get<domain::ToolUseBlock>(whole->content[1]).input.text, R"({"a":1})");
  EXPECT_EQ(domain::TextOf(whole->content), "No.");
}

// ---- an encoder that goes on behind a provider's events ----

AnswerMeta Meta() {
  AnswerMeta meta;
  meta.request_id = "abc";
  meta.model = "m";
  return meta;
}

domain::BlockStart TextBegins(int index) {
  return {.index = index, .kind = domain::BlockKind::kText, .tool_use_id = {}, .tool_name = {}};
}

// What a client sees of `seen` of the events and, from there on, of an encoder.
std::string GoneOn(std::size_t seen, const std::vector<domain::StreamEvent>& before,
                   const std::vector<domain::StreamEvent>& after) {
  WirePlace place;
  place.id = "resp_up1";
  auto encoder = MakeFollowingEncoder({}, Meta(), place);
  domain::StreamStart start;
  start.wire = true;
  start.may_stop = true;
  encoder->Encode(start);
  for (const auto& event : before) encoder->Encode(event);
  const auto events = Events();
  for (std::size_t i = 0; i < seen; ++i) encoder->Follow(events[i]);
  if (seen > 0) encoder->GoOnBehindBytes();
  std::string out;
  for (const auto& event : after) out += encoder->Encode(event);
  return out;
}

const std::vector<domain::StreamEvent> kRest = {
    domain::TextDelta{.index = 0, .text = "[masked]"}, domain::BlockStop{.index = 0},
    domain::StreamEnd{.stop_reason = StopReason::kEndTurn, .stop_sequence = {}, .usage = {}}};

TEST(ResponsesEncoderBehindBytes, OpenItemsGoOnUnderTheirNamesAndNumbers) {
  const std::vector<domain::StreamEvent> before = {TextBegins(0),
                                                   domain::TextDelta{.index = 0, .text = "Sun"}};
  auto out = GoneOn(6, before, kRest);
  EXPECT_TRUE(
      out.starts_with("event: response.output_text.delta\ndata: "
                      R"({"type":"response.output_text.delta","sequence_number":6,)"
                      R"("output_index":1,"item_id":"msg_1","content_index":0,)"))
      << out;
  EXPECT_THAT(out, HasSubstr(R"("text":"Sun[masked]")"));
  EXPECT_THAT(
      out, HasSubstr(R"({"id":"ws_1","type":"web_search_call","status":"completed","new":1.50})"))
      << "items that have left stand in the whole response as they were";
  EXPECT_THAT(out, HasSubstr(R"("response":{"id":"resp_up1")"));
  EXPECT_THAT(out, Not(HasSubstr("response.created")));
}

TEST(ResponsesEncoderBehindBytes, ItemsThatAreDoneAreNotOpenedAgain) {
  const std::vector<domain::StreamEvent> before = {TextBegins(0),
                                                   domain::TextDelta{.index = 0, .text = "Sunny."},
                                                   domain::BlockStop{.index = 0}};
  const std::vector<domain::StreamEvent> after = {
      TextBegins(1), domain::TextDelta{.index = 1, .text = "[masked]"},
      domain::BlockStop{.index = 1},
      domain::StreamEnd{.stop_reason = StopReason::kEndTurn, .stop_sequence = {}, .usage = {}}};
  auto out = GoneOn(10, before, after);
  EXPECT_TRUE(out.starts_with(
      "event: response.output_item.added\ndata: "
      R"({"type":"response.output_item.added","sequence_number":10,"output_index":2,)"))
      << out;
  EXPECT_THAT(out, HasSubstr(R"("text":"Sunny.")"));
}

TEST(ResponsesEncoderBehindBytes, BeginsForItselfWhereNothingHasLeft) {
  std::vector<domain::StreamEvent> after = {TextBegins(0)};
  after.insert(after.end(), kRest.begin(), kRest.end());
  auto out = GoneOn(0, {}, after);
  EXPECT_TRUE(out.starts_with("event: response.created\n")) << out;
  EXPECT_THAT(out, HasSubstr(R"("sequence_number":0,"response":{"id":"resp_up1")"));
}

TEST(ResponsesEncoderBehindBytes, AnErrorFailsTheProvidersResponse) {
  WirePlace place;
  place.id = "resp_up1";
  place.Note(Events()[0] + Events()[1]);
  EXPECT_EQ(place.next_event, 2);
  auto encoder = MakeFollowingEncoder({}, Meta(), place);
  encoder->GoOnBehindBytes();
  auto out = encoder->EncodeError(Error(Code::kUnavailable, "cut"));
  EXPECT_THAT(out, HasSubstr(R"({"type":"error","sequence_number":2,)"));
  EXPECT_THAT(
      out,
      HasSubstr(R"({"type":"response.failed","sequence_number":3,"response":{"id":"resp_up1")"));
}

}  // namespace
}  // namespace strata::dialect::responses
