#include "dialect/bedrock.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "dialect/event_stream.h"
#include "dialect/json_value.h"
#include "dialect/test_support.h"

namespace strata::dialect::bedrock {
namespace {

using domain::StopReason;
using domain::TextBlock;
using namespace test;  // NOLINT

std::string Fault(std::string_view body) {
  auto request = DecodeConverse(body);
  return request ? "accepted" : request.error().message();
}

std::string WithBlock(std::string_view block) {
  return R"({"messages":[{"role":"user","content":[)" + std::string(block) + "]}]}";
}

// Converse names no model and no id in its bodies.
domain::ChatResponse Anonymous(domain::ChatResponse response) {
  response.id.clear();
  response.model.clear();
  return response;
}

ConverseRequest EverythingRequest() {
  ConverseRequest out;
  out.chat = ToolConversation();
  auto& request = out.chat;
  request.model.clear();
  request.system.emplace_back(domain::CachePoint{.ttl = "5m"});
  auto& first = request.messages.front().content;
  first.emplace_back(domain::ImageBlock{.format = "jpeg", .bytes = "\xFF\xD8", .url = {}});
  auto pdf = PdfDocument();
  pdf.cite = true;
  first.emplace_back(pdf);
  domain::DocumentBlock found;
  found.format = "txt";
  found.name = "Found";
  found.source_uri = "https://x.example/f";
  found.chunks = {"a", "b"};
  first.emplace_back(found);
  TextBlock guarded{.text = "check me", .citations = {}, .guard_only = true};
  guarded.guard_qualifiers = {"query"};
  first.emplace_back(guarded);
  first.emplace_back(domain::CachePoint{});
  auto& assistant = request.messages[1].content;
  assistant.insert(
      assistant.begin(),
      {domain::ReasoningBlock{
           .text = "hm", .signature = "sig", .redacted = {}, .signer = "anthropic"},
       domain::ReasoningBlock{
           .text = {}, .signature = {}, .redacted = "\x01\x02", .signer = "anthropic"}});
  auto& result = std::get<domain::ToolResultBlock>(request.messages[2].content[0]);
  result.content.emplace_back(JsonText{R"({"t":3.10})"});
  result.is_error = true;
  request.tools[0].cache_point = domain::CachePoint{};
  request.metadata = {{"team", "blue"}};
  request.service_tier = "priority";
  request.stop = {"END"};
  request.top_k = 7;
  request.reasoning =
      domain::ReasoningConfig{.enabled = true, .budget_tokens = 2000, .effort = "high"};
  request.json_output = domain::JsonOutput{
      .name = "n", .schema = {R"({"type":"object"})"}, .strict = true, .description = "d"};
  request.extra = {R"({"anthropic_beta":["x"]})"};
  request.extra_dialect = "bedrock";
  out.guardrail = GuardrailConfig{
      .identifier = "g1", .version = "2", .trace = "enabled", .processing_mode = "sync"};
  out.prompt_variables = {{"who", "you"}};
  out.response_field_paths = {"/stop_sequence"};
  out.performance_latency = "optimized";
  return out;
}

TEST(Converse, RoundTripsEveryKindOfBlockAndSetting) {
  const auto request = EverythingRequest();
  auto text = EncodeConverse(request);
  ASSERT_TRUE(text) << text.error().message();
  auto back = DecodeConverse(*text);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->chat, request.chat);
  EXPECT_EQ(back->guardrail->identifier, "g1");
  EXPECT_EQ(back->guardrail->processing_mode, "sync");
  EXPECT_EQ(back->prompt_variables, request.prompt_variables);
  EXPECT_EQ(back->response_field_paths, request.response_field_paths);
  EXPECT_EQ(back->performance_latency, "optimized");
}

TEST(Converse, NamesTheMemberThatIsWrong) {
  EXPECT_EQ(Fault("{}"), "messages: expected a list");
  EXPECT_EQ(Fault(WithBlock(R"({"text":"a","image":{}})")),
            "messages[0].content[0]: expected exactly one member, it has 2");
  EXPECT_EQ(Fault(WithBlock("{}")),
            "messages[0].content[0]: expected exactly one member, it has 0");
  EXPECT_EQ(Fault(WithBlock(R"({"video":{}})")),
            "messages[0].content[0].video: content blocks of this kind are not supported");
  EXPECT_EQ(Fault(WithBlock(R"({"image":{"format":"tiff"}})")),
            "messages[0].content[0].image.format: expected one of png, jpeg, gif, webp");
  EXPECT_EQ(
      Fault(
          R"({"messages":[{"role":"user","content":[{"text":"x"}]}],"inferenceConfig":{"maxTokens":"9"}})"),
      "inferenceConfig.maxTokens: expected an integer from 1 to 2147483648");
  EXPECT_EQ(Fault(R"({"messages":[{"role":"user","content":[{"text":"x"}]}],"surprise":1})"),
            "surprise: this member is not supported here");
  EXPECT_EQ(
      Fault(
          R"({"messages":[{"role":"user","content":[{"text":"x"}]}],"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"["}}}}})"),
      "outputConfig.textFormat.structure.jsonSchema.schema: expected a string that holds a JSON "
      "Schema object");
}

TEST(Converse, BlankTurnsAreRefusedInBedrocksWords) {
  auto fault = [](std::string_view content) {
    auto request =
        DecodeConverse(fmt::format(R"({{"messages":[{{"role":"user","content":[{{"text":"x"}}]}},
                                     {{"role":"assistant","content":{}}}]}})",
                                   content));
    return request ? "accepted" : request.error().message();
  };
  EXPECT_EQ(fault("[]"),
            "messages[1].content: The content field in the Message object at messages.1 is empty. "
            "Add a ContentBlock object to the content field and try again.");
  for (const char* blank : {"", " ", "\\n\\t"}) {
    EXPECT_EQ(fault(fmt::format(R"([{{"text":"a"}},{{"text":"{}"}}])", blank)),
              "messages[1].content[1].text: The text field in the ContentBlock object at "
              "messages.1.content.1 is blank. Add text to the text field, and try again.");
  }
  auto system = DecodeConverse(
      R"({"system":[{"text":""}],"messages":[{"role":"user","content":[{"text":"x"}]}]})");
  ASSERT_FALSE(system.has_value());
  EXPECT_EQ(system.error().field(), "system[0]");
}

TEST(Converse, NeighboursOfOneRoleBecomeOneMessage) {
  ConverseRequest request;
  for (auto text : {"a", "b"}) {
    request.chat.messages.push_back(
        {.role = domain::Role::kUser, .content = {TextBlock{.text = text, .citations = {}}}});
  }
  auto text = EncodeConverse(request);
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, R"({"messages":[{"role":"user","content":[{"text":"a"},{"text":"b"}]}]})");
}

TEST(Converse, AMessageWithNothingToSayIsLeftOut) {
  ConverseRequest request;
  for (auto text : {"a", "", "b"}) {
    request.chat.messages.push_back(
        {.role = *text == '\0' ? domain::Role::kAssistant : domain::Role::kUser,
         .content = {TextBlock{.text = text, .citations = {}}}});
  }
  auto text = EncodeConverse(request);
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, R"({"messages":[{"role":"user","content":[{"text":"a"},{"text":"b"}]}]})");
}

TEST(Converse, AnswerRoundTrips) {
  auto response = Anonymous(ToolAnswer());
  auto back = DecodeConverseResponse(EncodeConverseResponse(response, {}));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, response);
}

TEST(Converse, AnswerCarriesTraceRouterAndTier) {
  AnswerMeta meta;
  meta.trace_id = "t1";
  meta.invoked_model_id = "small";
  meta.service_tier = "flex";
  meta.latency = std::chrono::milliseconds(42);
  auto text = EncodeConverseResponse(ToolAnswer(), meta);
  EXPECT_NE(text.find(R"("metrics":{"latencyMs":42})"), std::string::npos);
  EXPECT_NE(text.find(R"("promptRouter":{"invokedModelId":"small"})"), std::string::npos);
  EXPECT_NE(text.find(R"("serviceTier":{"type":"flex"})"), std::string::npos);
  EXPECT_NE(text.find(R"("additionalModelResponseFields":{"strata":{"trace_id":"t1"}})"),
            std::string::npos);
}

GuardrailNote Intervened() { return {.trace = R"({"t":1})", .action = "INTERVENED"}; }

TEST(Converse, AnswerTellsWhatANamedGuardrailDid) {
  AnswerMeta meta;
  auto text = EncodeConverseResponse(ToolAnswer(), meta, Intervened);
  EXPECT_NE(text.find(R"("trace":{"guardrail":{"t":1}})"), std::string::npos);
  meta.invoked_model_id = "small";
  auto stream = MakeConverseStreamEncoder(meta, Intervened);
  text = stream->Encode(domain::StreamEnd{});
  EXPECT_NE(text.find(R"("trace":{"guardrail":{"t":1},"promptRouter":{"invokedModelId":"small"}})"),
            std::string::npos);
}

TEST(Invoke, AnswerTellsWhatANamedGuardrailDid) {
  constexpr std::string_view kTold =
      R"("amazon-bedrock-guardrailAction":"INTERVENED","amazon-bedrock-trace":{"t":1}})";
  for (auto format : {InvokeFormat::kAnthropic, InvokeFormat::kOpenAi, InvokeFormat::kMeta,
                      InvokeFormat::kMistral}) {
    auto text = EncodeInvokeChatResponse(format, ToolAnswer(), {}, Intervened);
    EXPECT_TRUE(text.ends_with(kTold)) << text;
    EXPECT_TRUE(ParseJson(text).has_value()) << text;
    text = EncodeInvokeChatResponse(format, ToolAnswer(), {});
    EXPECT_EQ(text.find("amazon-bedrock-guardrailAction"), std::string::npos);
  }
}

TEST(Converse, EveryPlaceOfACitationRoundTrips) {
  using Place = domain::CitationPlace;
  for (auto place :
       {Place::kText, Place::kPages, Place::kChunks, Place::kSearchResult, Place::kWeb}) {
    auto response = Anonymous(CitedAnswer());
    auto& citation = std::get<TextBlock>(response.content[0]).citations[0];
    citation.place = place;
    if (place == Place::kPages || place == Place::kWeb) {
      citation.source_start = citation.source_end = 0;
    }
    if (place == Place::kPages) citation.pages = {{.page = 3, .boxes = {}}};
    if (place == Place::kWeb) citation.document_index = 0;
    auto back = DecodeConverseResponse(EncodeConverseResponse(response, {}));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, response);
  }
}

TEST(Converse, AKnowledgeBasesPagesAreCitedWithTheirSource) {
  domain::ChatResponse response;
  domain::Citation citation;
  citation.source_uri = "s3://docs/a.pdf";
  citation.chunk_id = "c";
  citation.document_index = 1;
  citation.pages = {{.page = 3, .boxes = {{1, 2, 3, 4}}}};
  citation.answer_end = 3;
  response.content = {TextBlock{.text = "Ja.", .citations = {citation}}};
  const auto text = EncodeConverseResponse(response, {});
  EXPECT_NE(text.find(R"("source":"s3://docs/a.pdf")"), text.npos) << text;
  EXPECT_NE(text.find(R"("documentPage":{"documentIndex":1,"start":3,"end":4})"), text.npos);
  EXPECT_NE(text.find(R"("strata":{"citations":[{"document_index":1,)"), text.npos);
  auto encoder = MakeConverseStreamEncoder({});
  encoder->Encode(domain::CitationDelta{.index = 0, .citation = citation});
  const auto end = encoder->Encode(domain::StreamEnd{});
  EXPECT_NE(end.find(R"("pages":[{"page":3,"boxes":[[1,2,3,4]]}])"), end.npos) << end;
}

TEST(ConverseStream, AddsUpToTheSameAnswerUnderEveryChunking) {
  auto response = Anonymous(ToolAnswer());
  response.content.insert(
      response.content.begin() + 1,
      domain::ReasoningBlock{
          .text = {}, .signature = {}, .redacted = "opaque\xff", .signer = "anthropic"});
  auto encoder = MakeConverseStreamEncoder({});
  ExpectStreamRoundTrip(*encoder, [] { return MakeConverseStreamDecoder(); }, response);
}

TEST(ConverseStream, CitationsSurvive) {
  auto encoder = MakeConverseStreamEncoder({});
  ExpectStreamRoundTrip(
      *encoder, [] { return MakeConverseStreamDecoder(); }, Anonymous(CitedAnswer()));
}

TEST(ConverseStream, AModelledExceptionIsReadBackWithItsCode) {
  auto encoder = MakeConverseStreamEncoder({});
  auto bytes = encoder->Encode(domain::StreamStart{});
  bytes += encoder->EncodeError(Error(Code::kRateLimited, "slow down"));
  auto events = MakeConverseStreamDecoder()->Feed(bytes);
  ASSERT_FALSE(events);
  EXPECT_EQ(events.error().code(), Code::kRateLimited);
}

TEST(ConverseStream, AStreamCutBeforeItsEndIsUnavailable) {
  auto encoder = MakeConverseStreamEncoder({});
  auto decoder = MakeConverseStreamDecoder();
  ASSERT_TRUE(decoder->Feed(encoder->Encode(domain::StreamStart{})));
  auto end = decoder->Finish();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), Code::kUnavailable);
}

TEST(CountTokens, TakesConverseAndInvokeModelBodies) {
  auto converse = DecodeCountTokens(
      "x", R"({"input":{"converse":{"messages":[{"role":"user","content":[{"text":"hi"}]}]}}})");
  ASSERT_TRUE(converse) << converse.error().message();
  EXPECT_EQ(domain::LastUserText(*converse), "hi");
  auto body = Base64Encode(
      R"({"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":[{"role":"user","content":"ho"}]})");
  auto invoke = DecodeCountTokens("anthropic.claude-x",
                                  R"({"input":{"invokeModel":{"body":")" + body + "\"}}}");
  ASSERT_TRUE(invoke) << invoke.error().message();
  EXPECT_EQ(domain::LastUserText(*invoke), "ho");
  EXPECT_EQ(*DecodeCountTokensResponse(EncodeCountTokensResponse(3)), 3);
}

TEST(Invoke, TheIdsVendorChoosesTheFormatElseTheShape) {
  auto format = [](std::string_view id, std::string_view body) {
    auto request = DecodeInvoke(id, body);
    EXPECT_TRUE(request) << request.error().message();
    return request ? request->format : InvokeFormat::kTitanEmbed;
  };
  EXPECT_EQ(format("us.meta.llama3-1-8b", R"({"prompt":"x"})"), InvokeFormat::kMeta);
  EXPECT_EQ(format("mistral.mistral-7b", R"({"prompt":"x"})"), InvokeFormat::kMistral);
  EXPECT_EQ(format("arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0",
                   R"({"inputText":"x"})"),
            InvokeFormat::kTitanEmbed);
  EXPECT_EQ(format("mine", R"({"messages":[{"role":"user","content":"x"}]})"),
            InvokeFormat::kOpenAi);
  EXPECT_EQ(format("mine", R"({"texts":["x"],"input_type":"search_query"})"),
            InvokeFormat::kCohereEmbed);
  auto unknown = DecodeInvoke("mine", "{}");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), Code::kInvalidArgument);
}

TEST(Invoke, BareAnswersAreInTheVendorsForm) {
  domain::ChatResponse response;
  response.content = {TextBlock{.text = "hi", .citations = {}}};
  response.stop_reason = StopReason::kMaxTokens;
  response.usage = {.input_tokens = 3, .output_tokens = 2};
  EXPECT_EQ(
      EncodeInvokeChatResponse(InvokeFormat::kMeta, response, {}),
      R"({"generation":"hi","prompt_token_count":3,"generation_token_count":2,"stop_reason":"length"})");
  EXPECT_EQ(EncodeInvokeChatResponse(InvokeFormat::kMistral, response, {}),
            R"({"outputs":[{"text":"hi","stop_reason":"length"}]})");
}

TEST(Invoke, TitanAndCohereEmbeddingsRoundTrip) {
  const std::vector<float> values = {0.5f, -0.25f};
  const EmbeddingView one{.dimensions = 2, .values = values, .input_tokens = 4};
  auto titan =
      DecodeInvoke("amazon.titan-embed-text-v2:0",
                   R"({"inputText":"x","dimensions":256,"embeddingTypes":["float","binary"]})");
  ASSERT_TRUE(titan);
  EXPECT_EQ(
      EncodeInvokeEmbedResponse(*titan, one, {}),
      R"({"embedding":[0.5,-0.25],"inputTextTokenCount":4,"embeddingsByType":{"float":[0.5,-0.25],"binary":[1,0]}})");
  for (auto format : {InvokeFormat::kTitanEmbed, InvokeFormat::kCohereEmbed}) {
    EmbedRequest request;
    request.texts = {"x"};
    auto text = EncodeInvokeEmbedRequest(format, request);
    ASSERT_TRUE(text);
    auto decoded = DecodeInvoke("any", *text);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->format, format);
    auto rows = DecodeInvokeEmbedResponse(format, EncodeInvokeEmbedResponse(*decoded, one, {}));
    ASSERT_TRUE(rows) << rows.error().message();
    EXPECT_EQ(rows->values, values);
  }
}

TEST(Invoke, ALongTextIsTreatedAsTheVendorDoesUnlessTheCallerSays) {
  auto read = [](std::string_view model, std::string_view body) {
    auto request = DecodeInvoke(model, body);
    EXPECT_TRUE(request) << request.error().message();
    return std::get<EmbedRequest>(request->call);
  };
  auto titan = read("amazon.titan-embed-text-v2:0", R"({"inputText":"x"})");
  EXPECT_EQ(titan.long_text, LongText::kRefuse);
  EXPECT_EQ(PathOfText(titan, 0), "inputText");
  auto cohere = [&](std::string_view more) {
    return read("cohere.embed-english-v3",
                fmt::format(R"({{"texts":["x","y"],"input_type":"search_query"{}}})", more));
  };
  EXPECT_EQ(cohere("").long_text, LongText::kRefuse);
  EXPECT_EQ(PathOfText(cohere(""), 1), "texts[1]");
  const std::pair<const char*, LongText> kWords[] = {{"NONE", LongText::kRefuse},
                                                     {"END", LongText::kCutEnd},
                                                     {"RIGHT", LongText::kCutEnd},
                                                     {"START", LongText::kCutStart},
                                                     {"LEFT", LongText::kCutStart}};
  for (const auto& [word, expected] : kWords) {
    auto request = cohere(fmt::format(R"(,"truncate":"{}")", word));
    EXPECT_EQ(request.long_text, expected) << word;
    auto again = EncodeInvokeEmbedRequest(InvokeFormat::kCohereEmbed, request);
    ASSERT_TRUE(again);
    EXPECT_EQ(read("cohere.embed-english-v3", *again).long_text, expected) << word;
  }
  EXPECT_FALSE(DecodeInvoke("cohere.embed-english-v3",
                            R"({"texts":["x"],"input_type":"search_query","truncate":"MIDDLE"})"));
}

TEST(Invoke, StreamChunksHoldTheVendorsEventsAndTheMetrics) {
  auto encoder = MakeInvokeStreamEncoder(InvokeFormat::kAnthropic, {});
  EventStreamReader reader;
  reader.Append(EncodeAll(*encoder, domain::EventsOf(ToolAnswer())));
  std::vector<std::string> types;
  std::string last;
  while (true) {
    auto message = reader.Next();
    ASSERT_TRUE(message);
    if (!*message) break;
    EXPECT_EQ((*message)->Header(":event-type"), "chunk");
    auto chunk = ParseJson((*message)->payload);
    ASSERT_TRUE(chunk);
    last = *Base64Decode(*chunk->Find("bytes")->string());
    auto event = ParseJson(last);
    ASSERT_TRUE(event);
    types.push_back(*event->Find("type")->string());
  }
  EXPECT_EQ(types.front(), "message_start");
  EXPECT_EQ(types.back(), "message_stop");
  EXPECT_NE(last.find(R"("amazon-bedrock-invocationMetrics":{"inputTokenCount":11)"),
            std::string::npos);
}

TEST(Models, AreFilteredByProviderAndModality) {
  domain::ModelInfo chat;
  chat.id = "a";
  chat.provider = "Anthropic";
  chat.can.chat = true;
  domain::ModelInfo embed;
  embed.id = "e";
  embed.provider = "builtin";
  embed.can.embed = true;
  auto ids = [&](std::string_view query) {
    return *DecodeModelList(EncodeModelList({chat, embed}, *DecodeModelFilter(query), "eu-west-1"));
  };
  EXPECT_EQ(ids(""), (std::vector<std::string>{"a", "e"}));
  EXPECT_EQ(ids("byProvider=anthropic"), std::vector<std::string>{"a"});
  EXPECT_EQ(ids("byOutputModality=EMBEDDING&byInferenceType=ON_DEMAND"),
            std::vector<std::string>{"e"});
  EXPECT_TRUE(ids("byCustomizationType=FINE_TUNING").empty());
  EXPECT_FALSE(DecodeModelFilter("byOutputModality=SMELL"));
}

}  // namespace
}  // namespace strata::dialect::bedrock
