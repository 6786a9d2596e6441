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

constexpr std::string_view kSearchTool =
    R"({"type":"file_search","vector_store_ids":["vs_1"],"max_num_results":5,
        "filters":{"type":"eq","key":"k","value":1},
        "ranking_options":{"ranker":"auto","score_threshold":0.25,
                           "hybrid_search":{"embedding_weight":0,"text_weight":1}}})";

TEST(ResponsesRequest, AFileSearchIsTheServers) {
  auto request = Decoded(R"({"model":"m","input":"x","tools":[)" + std::string(kSearchTool) +
                         R"(],"tool_choice":"required","parallel_tool_calls":false,
                          "include":["file_search_call.results"]})");
  ASSERT_TRUE(request.file_search.has_value());
  const auto& tool = *request.file_search;
  EXPECT_EQ(tool.field, "tools[0]");
  EXPECT_EQ(tool.vector_store_ids, std::vector<std::string>{"vs_1"});
  EXPECT_EQ(tool.results, 5);
  EXPECT_EQ(tool.score_threshold, 0.25);
  EXPECT_EQ(tool.mode, "lexical");
  EXPECT_EQ(tool.filters.text, R"({"type":"eq","key":"k","value":1})");
  EXPECT_TRUE(request.settings.search_results);
  // The model is asked without tools, so without a choice among them.
  EXPECT_TRUE(request.chat.tools.empty());
  EXPECT_FALSE(request.chat.tool_choice.has_value());
}

TEST(ResponsesRequest, TheChoiceOfToolsDecidesWhetherToSearch) {
  auto chosen = [](std::string_view choice) {
    return Decoded(R"({"model":"m","input":"x","tools":[{"type":"function","name":"f"},)" +
                   std::string(kSearchTool) + R"(],"tool_choice":)" + std::string(choice) + "}");
  };
  using Kind = domain::ToolChoice::Kind;
  EXPECT_TRUE(chosen(R"("auto")").file_search.has_value());
  EXPECT_FALSE(chosen(R"("none")").file_search.has_value());
  EXPECT_FALSE(chosen(R"({"type":"function","name":"f"})").file_search.has_value());
  auto request = chosen(R"({"type":"file_search"})");
  EXPECT_TRUE(request.file_search.has_value());
  EXPECT_EQ(request.chat.tool_choice->kind, Kind::kAuto);
  request =
      chosen(R"({"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]})");
  EXPECT_FALSE(request.file_search.has_value());
  request = chosen(R"({"type":"allowed_tools","mode":"auto","tools":[{"type":"file_search"}]})");
  EXPECT_TRUE(request.file_search.has_value());
  EXPECT_TRUE(request.chat.tools.empty());
}

TEST(ResponsesRequest, NamesWhatAFileSearchCannotDo) {
  auto with = [](std::string_view members) {
    return Fault(R"({"model":"m","input":"x","tools":[{"type":"file_search",)" +
                 std::string(members) + "}]}");
  };
  EXPECT_EQ(with(R"("vector_store_ids":[])"),
            "tools[0].vector_store_ids: expected 1 to 16 ids of vector stores");
  EXPECT_NE(with(R"("vector_store_ids":["a"],"max_num_results":51)").find("max_num_results"),
            std::string::npos);
  EXPECT_NE(with(R"("vector_store_ids":["a"],"ranking_options":{"hybrid_search":
                 {"embedding_weight":1,"text_weight":1}})")
                .find("tools[0].ranking_options.hybrid_search: both weights above 0"),
            std::string::npos);
  EXPECT_NE(Fault(R"({"model":"m","input":"x","tool_choice":{"type":"file_search"}})")
                .find("names none of the tools"),
            std::string::npos);
  EXPECT_EQ(Fault(R"({"model":"m","input":[{"role":"user","content":"x"},
                   {"type":"file_search_call","id":"fs_1","status":"completed","queries":["q"],
                    "results":null}]})"),
            "accepted");
}

Settings Searched(bool shown) {
  Settings settings;
  settings.search_results = shown;
  settings.searches.push_back({.queries = {"tide"},
                               .results = {{.file_id = "file-1",
                                            .filename = "a.txt",
                                            .score = 0.5,
                                            .text = "The tide turns.",
                                            .attributes = {R"({"year":2024})"}}}});
  return settings;
}

TEST(ResponsesEncoder, ASearchStandsInFrontOfTheAnswer) {
  auto encoder = MakeStreamEncoder(Searched(true), Meta());
  const auto stream = encoder->Encode(domain::StreamStart{});
  EXPECT_EQ(TypesOf(stream),
            "created in_progress output_item.added file_search_call.in_progress "
            "file_search_call.searching file_search_call.completed output_item.done");
  encoder->Encode(domain::BlockStart{
      .index = 0, .kind = domain::BlockKind::kText, .tool_use_id = {}, .tool_name = {}});
  encoder->Encode(domain::TextDelta{.index = 0, .text = "At noon."});
  domain::CitationDelta citation;
  citation.citation.source_uri = "file-1";
  citation.citation.title = "a.txt";
  citation.citation.answer_end = 8;
  encoder->Encode(citation);
  encoder->Encode(domain::BlockStop{});
  encoder->Encode(domain::StreamEnd{});
  EXPECT_NE(
      encoder->response().find(
          R"({"id":"fs_abc_0","type":"file_search_call","status":"completed","queries":["tide"],)"
          R"("results":[{"file_id":"file-1","filename":"a.txt","score":0.5,)"
          R"("text":"The tide turns.","attributes":{"year":2024}}]})"),
      std::string::npos)
      << encoder->response();
  EXPECT_NE(encoder->response().find(
                R"({"type":"file_citation","file_id":"file-1","filename":"a.txt","index":8)"),
            std::string::npos)
      << encoder->response();
}

TEST(ResponsesEncoder, ResultsAreShownOnlyWhenAskedFor) {
  domain::ChatResponse answer;
  answer.content.emplace_back(TextBlock{.text = "At noon.", .citations = {}});
  const auto whole = EncodeResponse(answer, Searched(false), Meta());
  EXPECT_NE(whole.response.find(R"("queries":["tide"],"results":null})"), std::string::npos);
  // A chain plays it back.
  Request request;
  request.input = JsonValue(JsonValue::Data(JsonValue::Array()));
  EXPECT_TRUE(AddHistory(request, {R"([{"role":"user","content":"x"}])", whole.items}));
  EXPECT_EQ(request.chat.messages.size(), 2u);
}

TEST(ResponsesRequest, UploadedFilesAreNamedAndPutInLater) {
  auto request = Decoded(R"({"model":"m","input":[
      {"role":"user","content":[{"type":"input_file","file_id":"file-1"},
                                {"type":"input_file","file_id":"file-2","filename":"own.txt"}]},
      {"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
      {"type":"function_call_output","call_id":"c","output":[
        {"type":"input_file","file_id":"file-3"}]}]})");
  auto named = NamedFiles(request.chat);
  ASSERT_EQ(named.size(), 3u);
  EXPECT_EQ(named[2]->source_uri, "file-3");
  EXPECT_TRUE(PutFile(*named[0], "a.txt", "text/plain", "hello"));
  EXPECT_EQ(named[0]->text, "hello");
  EXPECT_EQ(named[0]->name, "a.txt");
  EXPECT_TRUE(PutFile(*named[1], "b.pdf", "application/pdf", "%PDF"));
  EXPECT_EQ(named[1]->bytes, "%PDF");
  EXPECT_EQ(named[1]->name, "own.txt");
  EXPECT_EQ(NamedFiles(request.chat).size(), 1u);
  EXPECT_EQ(PutFile(*named[2], "c.zip", "application/zip", "PK").error().code(),
            Code::kUnsupported);
  EXPECT_EQ(PutFile(*named[2], "c.txt", "text/plain", "\xff").error().field(), "file_id");
  EXPECT_NE(Fault(R"({"model":"m","input":[{"role":"user","content":[
                   {"type":"input_file","file_id":"f","file_url":"https://x.example/"}]}]})")
                .find("expected one of file_id, file_data and file_url"),
            std::string::npos);
}

TEST(ResponsesRequest, NamesWhatIsNotServed) {
  auto with = [](std::string members) {
    return Fault(R"({"model":"m","input":"x",)" + members + "}");
  };
  EXPECT_EQ(with(R"("tools":[{"type":"web_search"}])"),
            "tools[0].type: tools of type web_search are not run by this server, only tools of "
            "type function and file_search are; leave it out, or name a model of a provider that "
            "speaks OpenAI's Responses API (kind openai or azure, see docs/providers.md)");
  EXPECT_TRUE(with(R"("background":true)")
                  .starts_with("background: background responses are not made here; leave it out, "
                               "or name a model of a provider that speaks"));
  EXPECT_TRUE(with(R"("conversation":"conv_1")")
                  .starts_with("conversation: conversations are not kept here; use "
                               "previous_response_id, or name a model of a provider"));
  EXPECT_EQ(with(R"("truncation":"middle")"), "truncation: expected one of auto, disabled");
  EXPECT_EQ(Fault(R"({"model":"m"})"), "input: expected a string or a list of items");
  EXPECT_EQ(Fault(R"({"model":"m","input":""})"), "input: expected text that is not empty");
  EXPECT_EQ(Fault(R"({"model":"m","input":[]})"), "input: expected at least one message");
  EXPECT_EQ(Fault(R"({"model":"m","input":[{"type":"computer_call"}]})"),
            "input[0].type: items of type computer_call are not served; expected one of message, "
            "function_call, function_call_output, file_search_call, reasoning");
  EXPECT_EQ(
      Fault(
          R"({"model":"m","input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]})"),
      "input[0].content[0].file_id: uploaded images cannot be used here; send the data or an "
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
