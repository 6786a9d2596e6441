#include "dialect/gemini.h"

#include <gtest/gtest.h>

#include "dialect/error_table.h"
#include "dialect/test_support.h"

namespace strata::dialect::gemini {
namespace {

using domain::StopReason;
using domain::TextBlock;
using namespace test;  // NOLINT

std::string Fault(std::string_view body) {
  auto request = DecodeGenerate(body);
  return request ? "accepted" : request.error().message();
}

domain::ChatRequest Conversation() {
  auto request = ToolConversation();
  request.model.clear();           // it is in the path
  request.tools[1].strict = true;  // strictness is of all tools here
  request.tool_choice = domain::ToolChoice{.kind = domain::ToolChoice::Kind::kAuto, .name = {}};
  return request;
}

TEST(GeminiRequest, RoundTripsEveryKindOfBlockAndSetting) {
  auto request = Conversation();
  auto& first = request.messages.front().content;
  first.emplace_back(domain::ImageBlock{.format = "png", .bytes = "\x89PNG", .url = {}});
  first.emplace_back(
      domain::ImageBlock{.format = "jpeg", .bytes = {}, .url = "https://x.example/i.jpg"});
  auto pdf = PdfDocument();
  pdf.name.clear();
  first.emplace_back(pdf);
  auto& assistant = request.messages[1].content;
  assistant.insert(assistant.begin() + 1,
                   domain::ReasoningBlock{
                       .text = "hm", .signature = "c2ln", .redacted = {}, .signer = "gemini"});
  auto& result = std::get<domain::ToolResultBlock>(request.messages[2].content[0]);
  result.content.emplace_back(domain::ImageBlock{.format = "webp", .bytes = "RIFF", .url = {}});
  auto& second = std::get<domain::ToolResultBlock>(request.messages[2].content[1]);
  second.content = {JsonText{R"({"t":3.10})"}};
  request.top_k = 5;
  request.logprobs = true;
  request.top_logprobs = 3;
  request.seed = 7;
  request.stop = {"END"};
  request.reasoning = domain::ReasoningConfig{.budget_tokens = 512, .effort = {}};
  request.json_output = domain::JsonOutput{.name = {}, .schema = {R"({"type":"object"})"}};
  request.metadata = {{"team", "a-1"}};
  request.service_tier = "flex";
  request.extra = {R"({"tools":[{"googleSearch":{}}],"generationConfig":{"presencePenalty":0.5},)"
                   R"("safetySettings":[{"category":"X","threshold":"Y"}]})"};
  request.extra_dialect = "gemini";
  auto encoded = EncodeGenerate(request, {});
  ASSERT_TRUE(encoded) << encoded.error().message();
  auto back = DecodeGenerate(*encoded);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_TRUE(back->include_thoughts);
  EXPECT_EQ(back->chat, request) << *encoded << "\n" << *EncodeGenerate(back->chat, {});
}

TEST(GeminiRequest, ReadsSnakeCaseButNotInsideTheCallersOwnJson) {
  auto request = DecodeGenerate(
      R"({"system_instruction":{"parts":[{"text":"Be brief."}]},
          "contents":[{"parts":[{"text":"hi"},{"inline_data":{"mime_type":"image/png","data":"iVBO"}}]},
            {"role":"model","parts":[{"function_call":{"name":"f","args":{"a_b":1}}}]},
            {"role":"user","parts":[{"function_response":{"name":"f","response":{"c_d":2}}}]}],
          "tools":[{"function_declarations":[{"name":"f","parameters":
            {"type":"OBJECT","properties":{"a_b":{"type":"STRING","nullable":true,"minLength":"2"}}}}]}],
          "generation_config":{"max_output_tokens":5,"response_mime_type":"application/json"}})");
  ASSERT_TRUE(request) << request.error().message();
  const auto& chat = request->chat;
  EXPECT_EQ(chat.max_tokens, 5);
  EXPECT_TRUE(chat.json_output);
  EXPECT_EQ(std::get<domain::ImageBlock>(chat.messages[0].content[1]).format, "png");
  const auto& call = std::get<domain::ToolUseBlock>(chat.messages[1].content[0]);
  EXPECT_EQ(call.input.text, R"({"a_b":1})");
  const auto& result = std::get<domain::ToolResultBlock>(chat.messages[2].content[0]);
  EXPECT_EQ(result.tool_use_id, call.id) << "told by name where no id is sent";
  EXPECT_EQ(std::get<JsonText>(result.content[0]).text, R"({"c_d":2})");
  EXPECT_EQ(chat.tools[0].input_schema.text,
            R"({"type":"object","properties":{"a_b":{"type":["string","null"],"minLength":2}}})");
}

TEST(GeminiRequest, ParallelCallsWithoutIdsAreAnsweredInOrder) {
  auto request = DecodeGenerate(
      R"({"contents":[{"role":"user","parts":[{"text":"?"}]},
        {"role":"model","parts":[{"functionCall":{"name":"f","args":{"n":1}}},
                                 {"functionCall":{"name":"f","args":{"n":2}}}]},
        {"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"one"}}},
                                {"functionResponse":{"name":"f","response":{"error":"two"}}}]}]})");
  ASSERT_TRUE(request) << request.error().message();
  const auto& calls = request->chat.messages[1].content;
  const auto& results = request->chat.messages[2].content;
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(std::get<domain::ToolUseBlock>(calls[i]).id,
              std::get<domain::ToolResultBlock>(results[i]).tool_use_id);
  }
  EXPECT_NE(std::get<domain::ToolUseBlock>(calls[0]).id,
            std::get<domain::ToolUseBlock>(calls[1]).id);
  EXPECT_TRUE(std::get<domain::ToolResultBlock>(results[1]).is_error);
}

TEST(GeminiRequest, NamesTheMemberThatIsWrong) {
  auto content = [](std::string_view part) {
    return R"({"contents":[{"role":"user","parts":[)" + std::string(part) + "]}]}";
  };
  EXPECT_EQ(Fault("{}"), "contents: expected a list");
  EXPECT_EQ(Fault(R"({"contents":[{"role":"system","parts":[]}]})"),
            "contents[0].role: expected one of user, model, function");
  EXPECT_EQ(Fault(R"({"contents":[{"parts":[]}]})"),
            "contents[0].parts: expected at least one part");
  EXPECT_EQ(Fault(content(R"({"text":7})")), "contents[0].parts[0].text: expected a string");
  EXPECT_EQ(Fault(content(R"({"executableCode":{"code":"1"}})")),
            "contents[0].parts[0].executableCode: tools that run at Google are not supported");
  EXPECT_EQ(Fault(content(R"({"inlineData":{"mimeType":"audio/wav","data":""}})")),
            "contents[0].parts[0].inlineData.mimeType: only images (png, jpeg, gif, webp) and "
            "documents are supported");
  EXPECT_EQ(Fault(content(R"({"functionResponse":{"name":"f","response":{}}})")),
            "contents[0].parts[0].functionResponse.name: no functionCall of this name is without a "
            "response");
  EXPECT_EQ(
      Fault(R"({"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"candidateCount":2}})"),
      "generationConfig.candidateCount: only one candidate is supported");
  EXPECT_EQ(
      Fault(R"({"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"responseSchema":{}}})"),
      "generationConfig.responseSchema: needs responseMimeType application/json");
}

TEST(GeminiRequest, SaysWhatItLeavesOut) {
  auto request = Conversation();
  request.tool_choice->parallel = false;
  request.user = "subject";
  auto& assistant = request.messages[1].content;
  assistant.insert(assistant.begin(),
                   domain::ReasoningBlock{
                       .text = "hm", .signature = "sig", .redacted = {}, .signer = "anthropic"});
  DropNotes notes;
  auto text = EncodeGenerate(request, {.notes = &notes, .mark_unsigned_calls = true});
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find("hm"), std::string::npos);
  EXPECT_NE(text->find("skip_thought_signature_validator"), std::string::npos);
  EXPECT_EQ(notes.dropped(),
            (std::vector<std::string>{"reasoning signed by anthropic",
                                      "no signature of gemini for a tool call of another model",
                                      "one tool call at a time", "user"}));
  request.stop = {"1", "2", "3", "4", "5", "6"};
  EXPECT_EQ(EncodeGenerate(request, {}).error().field(), "stop");
}

domain::ChatResponse Answer() {
  auto response = ToolAnswer();
  std::get<domain::ReasoningBlock>(response.content[0]).signer = "gemini";
  // The signature belongs to the part after the thought, which is a text or a call.
  response.usage = {.input_tokens = 11,
                    .output_tokens = 9,
                    .cache_read_tokens = 5,
                    .cache_write_tokens = 0,
                    .reasoning_tokens = 2};
  return response;
}

TEST(GeminiResponse, RoundTripsReasoningTextCallsAndUsage) {
  const AnswerOptions options{.include_thoughts = true};
  auto response = Answer();
  auto back = DecodeGenerateResponse(EncodeGenerateResponse(response, {}, options));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, response);
}

TEST(GeminiResponse, ThoughtsAreHiddenUnlessAskedForButTheirSignatureStays) {
  auto text = EncodeGenerateResponse(Answer(), {}, {});
  EXPECT_EQ(text.find("two calls"), std::string::npos);
  EXPECT_NE(text.find("c2ln"), std::string::npos);
}

TEST(GeminiResponse, SignaturesOfOthersAreBase64AndComeBack) {
  domain::ChatResponse response;
  response.content = {
      domain::ReasoningBlock{
          .text = "hm", .signature = "s.i/g", .redacted = {}, .signer = "anthropic"},
      TextBlock{.text = "x", .citations = {}},
      domain::ReasoningBlock{
          .text = {}, .signature = {}, .redacted = "opaque", .signer = "anthropic"},
      TextBlock{.text = "y", .citations = {}}};
  auto back =
      DecodeGenerateResponse(EncodeGenerateResponse(response, {}, {.include_thoughts = true}));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->content, response.content);
}

TEST(GeminiResponse, CitationsCountBytesOnTheWireAndCodePointsHere) {
  auto response = CitedAnswer();
  auto& citation = std::get<TextBlock>(response.content[0]).citations[0];
  citation.answer_start = 6;  // behind "Blau: "
  citation.answer_end = 8;
  auto wire = EncodeGenerateResponse(response, {}, {});
  EXPECT_NE(wire.find(R"("startIndex":6,"endIndex":9,"text":"ü.")"), std::string::npos) << wire;
  auto back = DecodeGenerateResponse(wire);
  ASSERT_TRUE(back);
  const auto& read = std::get<TextBlock>(back->content[0]).citations.at(0);
  EXPECT_EQ(read.answer_start, 6);
  EXPECT_EQ(read.answer_end, 8);
  EXPECT_EQ(read.source_uri, citation.source_uri);
  EXPECT_EQ(read.title, citation.title);
  EXPECT_EQ(read.quoted, citation.quoted);
}

TEST(GeminiResponse, EveryFinishReasonMeansSomething) {
  auto stop = [](std::string_view reason) {
    return DecodeGenerateResponse(R"({"candidates":[{"finishReason":")" + std::string(reason) +
                                  "\"}]}");
  };
  EXPECT_EQ(stop("STOP")->stop_reason, StopReason::kEndTurn);
  EXPECT_EQ(stop("MAX_TOKENS")->stop_reason, StopReason::kMaxTokens);
  for (auto reason : {"SAFETY", "RECITATION", "PROHIBITED_CONTENT", "SPII", "OTHER", "NEWER"}) {
    EXPECT_EQ(stop(reason)->stop_reason, StopReason::kContentFiltered) << reason;
  }
  EXPECT_EQ(stop("MALFORMED_FUNCTION_CALL").error().code(), Code::kUnavailable);
  auto blocked = DecodeGenerateResponse(R"({"promptFeedback":{"blockReason":"SAFETY"}})");
  EXPECT_EQ(blocked->stop_reason, StopReason::kContentFiltered);
  EXPECT_EQ(DecodeGenerateResponse("{}").error().code(), Code::kUnavailable);
}

TEST(GeminiStream, AddsUpToTheSameAnswerUnderEveryChunking) {
  auto response = Answer();
  auto encoder = MakeStreamEncoder({}, {.include_thoughts = true});
  ExpectStreamRoundTrip(*encoder, [] { return MakeStreamDecoder(); }, response);
}

TEST(GeminiResponse, LogprobsSurviveBothForms) {
  domain::ChatResponse response;
  response.id = "a";
  TextBlock text{.text = "Hi", .citations = {}};
  text.logprobs = {{.token = "Hi",
                    .bytes = "Hi",
                    .logprob = -0.25,
                    .top = {{.token = "Hi", .bytes = "Hi", .logprob = -0.25},
                            {.token = "Ho", .bytes = "Ho", .logprob = -2}}}};
  response.content = {std::move(text)};
  auto back = DecodeGenerateResponse(EncodeGenerateResponse(response, {}, {}));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, response);
  auto encoder = MakeStreamEncoder({}, {});
  ExpectStreamRoundTrip(*encoder, [] { return MakeStreamDecoder(); }, response);
}

TEST(GeminiStream, CitationsComeAtTheEnd) {
  auto encoder = MakeStreamEncoder({}, {});
  auto bytes = EncodeAll(*encoder, domain::EventsOf(CitedAnswer()));
  auto decoder = MakeStreamDecoder();
  domain::StreamAccumulator sum;
  auto events = decoder->Feed(bytes);
  ASSERT_TRUE(events);
  for (const auto& event : *events) sum.Add(event);
  EXPECT_FALSE(sum.ended()) << "only the end of the body ends it";
  for (const auto& event : *decoder->Finish()) sum.Add(event);
  EXPECT_TRUE(sum.ended());
  const auto& citation = std::get<TextBlock>(sum.response().content[0]).citations.at(0);
  EXPECT_EQ(citation.answer_end, 9);
  EXPECT_EQ(citation.quoted, "It is blue.");
}

TEST(GeminiStream, WithoutSseItIsOneJsonArray) {
  auto encoder = MakeStreamEncoder({}, {.include_thoughts = false, .sse = false});
  EXPECT_EQ(encoder->Ping(), "");
  auto bytes = EncodeAll(*encoder, domain::EventsOf(CitedAnswer()));
  EXPECT_EQ(encoder->content_type(), "application/json");
  EXPECT_TRUE(bytes.starts_with("[{")) << bytes;
  EXPECT_TRUE(bytes.ends_with("}]")) << bytes;
  auto broken = MakeStreamEncoder({}, {.include_thoughts = false, .sse = false});
  EXPECT_TRUE(broken->EncodeError(Error(Code::kUnavailable, "gone")).starts_with("[{\"error\""));
}

TEST(GeminiStream, ACutOneIsNeverWhole) {
  auto decoder = MakeStreamDecoder();
  ASSERT_TRUE(
      decoder->Feed("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n"));
  EXPECT_EQ(decoder->Finish().error().code(), Code::kUnavailable);
  auto refused = MakeStreamDecoder();
  auto error = refused->Feed(
      "data: "
      "{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\",\"message\":\"slow\"}}\n\n");
  EXPECT_EQ(error.error().code(), Code::kRateLimited);
}

TEST(GeminiEmbeddings, BatchesRoundTripAndMustAgree) {
  EmbedRequest request;
  request.model = "m";
  request.texts = {"a", "b"};
  request.input = EmbedInput::kQuery;
  request.dimensions = 3;
  auto back = DecodeBatchEmbed(EncodeBatchEmbed(request));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->texts, request.texts);
  EXPECT_EQ(back->input, EmbedInput::kQuery);
  EXPECT_EQ(back->dimensions, 3);
  EXPECT_EQ(DecodeBatchEmbed(R"({"requests":[{"content":{"parts":[{"text":"a"}]}},
                                             {"content":{"parts":[{"text":"b"}]},"taskType":"RETRIEVAL_QUERY"}]})")
                .error()
                .field(),
            "requests[1].taskType");
  EXPECT_EQ(back->long_text, LongText::kCutEnd) << "Google's default";
  auto strict = DecodeBatchEmbed(
      R"({"requests":[{"content":{"parts":[{"text":"a"}]},"autoTruncate":false}]})");
  ASSERT_TRUE(strict) << strict.error().message();
  EXPECT_EQ(strict->long_text, LongText::kRefuse);
  EXPECT_EQ(PathOfText(*strict, 0), "requests[0].content");
  const std::vector<float> values = {1, 2, 3, 4};
  auto rows = DecodeBatchEmbedResponse(
      EncodeBatchEmbedResponse({.dimensions = 2, .values = values, .input_tokens = 0}), 2);
  ASSERT_TRUE(rows) << rows.error().message();
  EXPECT_EQ(rows->values, values);
}

TEST(GeminiErrors, CarryStatusFieldAndTheTimeToWait) {
  auto error = Error(Code::kRateLimited, "slow").RetryAfter(std::chrono::milliseconds(1500));
  auto http = EncodeGeminiError(error, "r1");
  EXPECT_EQ(http.status, 429);
  EXPECT_NE(http.body.find(R"("status":"RESOURCE_EXHAUSTED")"), std::string::npos);
  auto back = DecodeUpstreamError(Dialect::kGemini, 429, {}, http.body);
  EXPECT_EQ(back.code(), Code::kRateLimited);
  EXPECT_EQ(back.retry_after(), std::chrono::milliseconds(1500));
  auto field = EncodeGeminiError(InvalidArgument("contents", "expected a list"), "r2");
  EXPECT_EQ(DecodeUpstreamError(Dialect::kGemini, 400, {}, field.body).field(), "contents");
  auto key = DecodeUpstreamError(
      Dialect::kGemini, 400, {},
      R"({"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT","details":[
          {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}})");
  EXPECT_EQ(key.code(), Code::kPermissionDenied);
}

}  // namespace
}  // namespace strata::dialect::gemini
