#include "dialect/responses.h"

#include <gtest/gtest.h>

#include "dialect/test_support.h"

namespace strata::dialect::responses {
namespace {

using domain::Role;
using domain::StopReason;
using domain::TextBlock;

std::string Fault(std::string_view body) {
  auto request = DecodeRequest(body);
  return request ? "accepted" : request.error().message();
}

Request Decoded(std::string_view body) {
  auto request = DecodeRequest(body);
  EXPECT_TRUE(request) << request.error().message();
  return request ? std::move(*request) : Request();
}

AnswerMeta Meta() {
  AnswerMeta meta;
  meta.request_id = "abc";
  meta.model = "m";
  meta.created_s = 1700000000;
  return meta;
}

// "type type …" of an event stream; checks that sequence numbers count up from 0.
std::string TypesOf(std::string_view stream) {
  std::string types;
  std::size_t number = 0;
  for (std::size_t at = 0; (at = stream.find("event: ", at)) != std::string_view::npos;) {
    at += 7;
    auto type = stream.substr(at, stream.find('\n', at) - at);
    auto data = stream.substr(at, stream.find("\n\n", at) - at);
    auto expected = R"("type":")" + std::string(type) + R"(","sequence_number":)" +
                    std::to_string(number++) + (data.find(',') == data.npos ? "" : ",");
    EXPECT_NE(data.find(expected), std::string_view::npos) << data;
    if (!types.empty()) types += ' ';
    types += type.starts_with("response.") ? type.substr(9) : type;
  }
  return types;
}

TEST(ResponsesRequest, StringInputIsOneUserMessage) {
  auto request = Decoded(R"({"model":"m","input":"hi","instructions":"be brief"})");
  ASSERT_EQ(request.chat.messages.size(), 1u);
  EXPECT_EQ(domain::LastUserText(request.chat), "hi");
  EXPECT_EQ(domain::TextOf(request.chat.system), "be brief");
  EXPECT_TRUE(request.settings.store);
  EXPECT_EQ(
      InputItems(request, "resp_1"),
      R"([{"type":"message","id":"msg_1_in0","role":"user","content":[{"type":"input_text","text":"hi"}]}])");
}

constexpr std::string_view kToolTurn = R"({"model":"m","input":[
  {"role":"user","content":[{"type":"input_text","text":"weather?"},
     {"type":"input_image","image_url":"https://x.example/a.png","detail":"low"}]},
  {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"think"}]},
  {"type":"message","role":"assistant","id":"msg_1","status":"completed",
     "content":[{"type":"output_text","text":"One moment.","annotations":[]}]},
  {"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{\"a\":1}"},
  {"type":"function_call","id":"fc_2","call_id":"c2","name":"f","arguments":""},
  {"type":"function_call_output","call_id":"c1","output":"rain"},
  {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"sun"}]},
  {"role":"user","content":"so?"}]})";

TEST(ResponsesRequest, ItemsBecomeTurns) {
  auto request = Decoded(kToolTurn);
  const auto& messages = request.chat.messages;
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0].content.size(), 2u);
  ASSERT_EQ(messages[1].role, Role::kAssistant);
  ASSERT_EQ(messages[1].content.size(), 4u);
  EXPECT_EQ(std::get<domain::ReasoningBlock>(messages[1].content[0]).text, "think");
  EXPECT_EQ(std::get<domain::ToolUseBlock>(messages[1].content[3]).input.text, "{}");
  ASSERT_EQ(messages[2].content.size(), 3u);
  EXPECT_EQ(std::get<domain::ToolResultBlock>(messages[2].content[1]).tool_use_id, "c2");
  EXPECT_EQ(std::get<TextBlock>(messages[2].content[2]).text, "so?");
}

TEST(ResponsesRequest, SettingsReachTheConversation) {
  auto request = Decoded(
      R"({"model":"m","input":"x","max_output_tokens":9,"temperature":0.5,"top_p":0.25,
      "tools":[{"type":"function","name":"f","parameters":{"type":"object"},"strict":true},
               {"type":"function","name":"g"}],
      "tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"g"}]},
      "parallel_tool_calls":false,"reasoning":{"effort":"low","summary":"auto"},"store":false,
      "text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"}},"verbosity":"low"},
      "include":["message.output_text.logprobs"],"top_logprobs":2,"metadata":{"team":"blue"},
      "safety_identifier":"s1","truncation":"auto","stream":true})");
  const auto& chat = request.chat;
  ASSERT_EQ(chat.tools.size(), 1u);
  EXPECT_EQ(chat.tools[0].name, "g");
  EXPECT_EQ(chat.tool_choice->kind, domain::ToolChoice::Kind::kAny);
  EXPECT_FALSE(chat.tool_choice->parallel);
  EXPECT_EQ(chat.max_tokens, 9);
  EXPECT_EQ(chat.reasoning->effort, "low");
  EXPECT_EQ(chat.json_output->name, "n");
  EXPECT_TRUE(chat.logprobs);
  EXPECT_EQ(chat.top_logprobs, 2);
  EXPECT_EQ(chat.user, "s1");
  EXPECT_EQ(chat.metadata.at("team"), "blue");
  EXPECT_NE(chat.extra.text.find(R"("verbosity":"low")"), std::string::npos);
  EXPECT_TRUE(chat.stream);
  EXPECT_FALSE(request.settings.store);
  EXPECT_TRUE(request.settings.summaries);
  EXPECT_EQ(request.settings.truncation, "auto");
}

TEST(ResponsesRequest, FilesBecomeDocuments) {
  auto request = Decoded(
      R"({"model":"m","input":[{"role":"user","content":[
      {"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERg=="},
      {"type":"input_file","file_url":"https://x.example/b.pdf"}]}]})");
  const auto& content = request.chat.messages[0].content;
  ASSERT_EQ(content.size(), 2u);
  EXPECT_EQ(std::get<domain::DocumentBlock>(content[0]).bytes, "%PDF");
  EXPECT_EQ(std::get<domain::DocumentBlock>(content[1]).url, "https://x.example/b.pdf");
}

TEST(ResponsesRequest, NamesWhatIsNotServed) {
  auto with = [](std::string members) {
    return Fault(R"({"model":"m","input":"x",)" + members + "}");
  };
  EXPECT_EQ(with(R"("tools":[{"type":"web_search"}])"),
            "tools[0].type: tools of type web_search are not run by this server; only tools of "
            "type function are");
  EXPECT_EQ(with(R"("background":true)"),
            "background: background responses are not supported; leave it out");
  EXPECT_EQ(with(R"("conversation":"conv_1")"),
            "conversation: conversations are not kept; use previous_response_id");
  EXPECT_EQ(with(R"("truncation":"middle")"), "truncation: expected one of auto, disabled");
  EXPECT_EQ(Fault(R"({"model":"m"})"), "input: expected a string or a list of items");
  EXPECT_EQ(Fault(R"({"model":"m","input":[]})"), "input: expected at least one message");
  EXPECT_EQ(Fault(R"({"model":"m","input":[{"type":"computer_call"}]})"),
            "input[0].type: items of type computer_call are not served; expected one of message, "
            "function_call, function_call_output, reasoning");
  EXPECT_EQ(
      Fault(
          R"({"model":"m","input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]})"),
      "input[0].content[0].file_id: uploaded files cannot be used here; send the data or an "
      "address");
  EXPECT_EQ(
      Fault(
          R"({"model":"m","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"[1"}]})"),
      "input[0].arguments: expected a string that holds a JSON object");
}

TEST(ResponsesAnswer, HasItemsInOrder) {
  auto settings = Decoded(R"({"model":"m","input":"x","reasoning":{"summary":"auto"}})").settings;
  auto whole = EncodeResponse(test::ToolAnswer(), settings, Meta());
  const auto& text = whole.response;
  EXPECT_NE(
      text.find(
          R"("id":"resp_abc","object":"response","created_at":1700000000,"status":"completed")"),
      std::string::npos)
      << text;
  auto reasoning = text.find(R"({"id":"rs_abc_0","type":"reasoning","summary":[{)");
  auto message =
      text.find(R"({"id":"msg_abc_1","type":"message","status":"completed","role":"assistant")");
  auto call = text.find(R"({"id":"fc_abc_2","type":"function_call","status":"completed")");
  EXPECT_LT(reasoning, message) << text;
  EXPECT_LT(message, call) << text;
  EXPECT_NE(call, std::string::npos) << text;
  EXPECT_EQ(text.find("encrypted_content"), std::string::npos);
  EXPECT_NE(whole.items.find("encrypted_content"), std::string::npos);
}

TEST(ResponsesAnswer, ItemsPlayBackAsTheAnswerWas) {
  auto answer = test::ToolAnswer();
  auto whole = EncodeResponse(answer, {}, Meta());
  auto next = Decoded(
      R"({"model":"m","previous_response_id":"resp_abc","instructions":"new",
          "input":[{"type":"function_call_output","call_id":"x","output":"1"}]})");
  auto first = Decoded(R"({"model":"m","input":"hi","instructions":"old"})");
  ASSERT_TRUE(AddHistory(next, {InputItems(first, "resp_abc"), whole.items}));
  ASSERT_EQ(next.chat.messages.size(), 3u);
  EXPECT_EQ(next.chat.messages[1].content, answer.content);  // signatures included
  EXPECT_EQ(domain::TextOf(next.chat.system), "new");
}

TEST(ResponsesAnswer, IncompleteSaysWhy) {
  domain::ChatResponse answer;
  answer.content = {TextBlock{.text = "Half", .citations = {}}};
  answer.stop_reason = StopReason::kMaxTokens;
  auto text = EncodeResponse(answer, {}, Meta()).response;
  EXPECT_NE(text.find(R"("status":"incomplete")"), std::string::npos);
  EXPECT_NE(text.find(R"("incomplete_details":{"reason":"max_output_tokens"})"), std::string::npos);
}

TEST(ResponsesAnswer, CitationsAreUrlOrFileAnnotations) {
  auto answer = test::CitedAnswer();
  auto& block = std::get<TextBlock>(answer.content[0]);
  auto file = block.citations[0];
  file.source_uri = "file:///a/guide.pdf";
  file.title = "Guide";
  auto web = file;
  web.source_uri = "https://x.example/";
  block.citations = {file, web};
  auto text = EncodeResponse(answer, {}, Meta()).response;
  EXPECT_NE(
      text.find(
          R"({"type":"file_citation","file_id":"file:///a/guide.pdf","filename":"Guide","index":)"),
      std::string::npos)
      << text;
  EXPECT_NE(
      text.find(
          R"({"type":"url_citation","url":"https://x.example/","title":"Guide","start_index":)"),
      std::string::npos);
}

TEST(ResponsesStream, EventsComeInOrder) {
  auto encoder = MakeStreamEncoder({}, Meta());
  domain::ChatResponse answer;
  answer.content = {TextBlock{.text = "Hi", .citations = {}},
                    domain::ToolUseBlock{.id = "c1", .name = "f", .input = {"{}"}}};
  answer.stop_reason = StopReason::kToolUse;
  auto bytes = test::EncodeAll(*encoder, domain::EventsOf(answer));
  EXPECT_EQ(
      TypesOf(bytes),
      "created in_progress output_item.added content_part.added output_text.delta "
      "output_text.done content_part.done output_item.done output_item.added "
      "function_call_arguments.delta function_call_arguments.done output_item.done completed");
  EXPECT_EQ(encoder->response(), EncodeResponse(answer, {}, Meta()).response);
}

TEST(ResponsesStream, ThinkingIsASummaryWhereItWasAskedFor) {
  domain::ChatResponse answer;
  answer.content = {domain::ReasoningBlock{.text = "hm", .signature = "sig", .redacted = {}},
                    TextBlock{.text = "42", .citations = {}}};
  Settings settings;
  settings.summaries = true;
  auto shown = MakeStreamEncoder(settings, Meta());
  EXPECT_EQ(TypesOf(test::EncodeAll(*shown, domain::EventsOf(answer))),
            "created in_progress output_item.added reasoning_summary_part.added "
            "reasoning_summary_text.delta reasoning_summary_text.done "
            "reasoning_summary_part.done output_item.done output_item.added content_part.added "
            "output_text.delta output_text.done content_part.done output_item.done completed");
  auto hidden = MakeStreamEncoder({}, Meta());
  auto bytes = test::EncodeAll(*hidden, domain::EventsOf(answer));
  EXPECT_EQ(bytes.find("hm"), std::string::npos);
}

TEST(ResponsesStream, RefusalsAreParts) {
  domain::ChatResponse answer;
  answer.content = {TextBlock{.text = "No.", .citations = {}}};
  answer.stop_reason = StopReason::kRefusal;
  auto encoder = MakeStreamEncoder({}, Meta());
  EXPECT_EQ(TypesOf(test::EncodeAll(*encoder, domain::EventsOf(answer))),
            "created in_progress output_item.added content_part.added refusal.delta refusal.done "
            "content_part.done output_item.done completed");
  // A provider that says so only at the end.
  answer.stop_reason = StopReason::kEndTurn;
  auto events = domain::EventsOf(answer);
  std::get<domain::StreamEnd>(events.back()).stop_reason = StopReason::kRefusal;
  auto late = MakeStreamEncoder({}, Meta());
  test::EncodeAll(*late, events);
  EXPECT_NE(late->response().find(R"({"type":"refusal","refusal":"The model refused to go on."})"),
            std::string::npos)
      << late->response();
}

TEST(ResponsesStream, AnErrorFailsTheResponse) {
  auto encoder = MakeStreamEncoder({}, Meta());
  auto bytes = encoder->Encode(domain::StreamStart{.id = "", .model = "m", .usage = {}});
  bytes += encoder->EncodeError(Error(Code::kRateLimited, "slow down"));
  EXPECT_EQ(TypesOf(bytes), "created in_progress error failed");
  EXPECT_NE(bytes.find(R"("error":{"code":"rate_limit_exceeded","message":"slow down"})"),
            std::string::npos);
}

TEST(ResponsesItems, PagesFollowEachOther) {
  auto request = Decoded(kToolTurn);
  auto items = InputItems(request, "resp_1");
  auto page = DecodeItemPage("limit=3&order=asc");
  ASSERT_TRUE(page);
  auto first = EncodeItemPage(items, *page);
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->ends_with(R"("first_id":"msg_1_in0","last_id":"msg_1","has_more":true})"))
      << *first;
  page->after = "msg_1";
  page->limit = 100;
  auto rest = EncodeItemPage(items, *page);
  ASSERT_TRUE(rest);
  EXPECT_TRUE(rest->ends_with(R"("first_id":"fc_1","last_id":"msg_1_in7","has_more":false})"))
      << *rest;
  EXPECT_FALSE(DecodeItemPage("limit=0"));
  EXPECT_FALSE(DecodeItemPage("limit=101"));
  EXPECT_FALSE(DecodeItemPage("order=up"));
  page->after = "msg_9";
  EXPECT_EQ(EncodeItemPage(items, *page).error().field(), "after");
}

}  // namespace
}  // namespace strata::dialect::responses
