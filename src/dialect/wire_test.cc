// Requests that are scanned instead of decoded, and answers that are read along with.

#include "dialect/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialect/anthropic.h"
#include "dialect/anthropic_vertex.h"
#include "dialect/openai.h"

namespace strata::dialect {
namespace {

using testing::HasSubstr;

TEST(AnthropicScan, VertexAiIsSentTheBodyWithTheVersionInTheModelsPlace) {
  const std::string body = R"({ "messages":[{"role":"user","content":"the \"model\":\"m\""}],)"
                           R"("max_tokens":1, "model" : "m\u00e9" ,"container":{"model":1.50}})";
  auto wire = anthropic::ScanChatRequest(body, {})->wire;
  ASSERT_NE(wire, nullptr);
  EXPECT_TRUE(anthropic::VertexTakes(*wire));
  const std::string sent = anthropic::VertexWireBody(*wire);
  const std::string expected =
      R"({ "messages":[{"role":"user","content":"the \"model\":\"m\""}],)"
      R"("max_tokens":1, "anthropic_version":"vertex-2023-10-16" ,"container":{"model":1.50}})";
  EXPECT_EQ(sent, expected);
  for (const char* more : {R"("anthropic_version":"x")", R"("service_tier":"auto")"}) {
    const auto other = std::string("{") + more + R"(,"model":"m","max_tokens":1,)" +
                       R"("messages":[{"role":"user","content":"hi"}]})";
    wire = anthropic::ScanChatRequest(other, {})->wire;
    ASSERT_NE(wire, nullptr) << more;
    EXPECT_FALSE(anthropic::VertexTakes(*wire)) << more;
  }
}

openai::ChatCompletionRequest Scan(std::string body) {
  auto request = openai::ScanChatRequest(std::move(body), {{"x-a", "1"}});
  EXPECT_TRUE(request.has_value()) << request.error().message();
  return std::move(*request);
}

TEST(OpenAiScan, TakesWhatRoutingAndLedgerNeedAndKeepsTheBytes) {
  const std::string body =
      R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":7,"user":"u\u00e9",)"
      R"("metadata":{"team":"a"},"service_tier":"flex","n":3,"vendor":{"x":[1.50,"model"]}})";
  auto request = Scan(body).chat;
  ASSERT_NE(request.wire, nullptr);
  EXPECT_TRUE(request.wire_only);
  EXPECT_EQ(request.model, "m");
  EXPECT_EQ(request.max_tokens, 7);
  EXPECT_EQ(request.user, "ué");
  EXPECT_EQ(request.metadata.at("team"), "a");
  EXPECT_EQ(request.service_tier, "flex");
  EXPECT_FALSE(request.stream);
  EXPECT_EQ(request.wire->headers.at(0).second, "1");
  auto sent = domain::WireBodyFor(*request.wire, "gpt-x");
  EXPECT_EQ(sent, std::string(body).replace(9, 3, "\"gpt-x\""));
}

// What a provider is sent for a streamed body; and that a second scan sees usage asked for.
std::string SentFor(const std::string& body, bool hidden) {
  auto request = Scan(body);
  EXPECT_TRUE(request.chat.stream);
  EXPECT_EQ(request.chat.wire->hides_usage(), hidden);
  auto sent = domain::WireBodyFor(*request.chat.wire, "m");
  EXPECT_TRUE(Scan(sent).include_usage) << sent;
  return sent;
}

TEST(OpenAiScan, AsksForUsageWhereTheClientDidNot) {
  const std::string messages = R"("messages":[{"role":"user","content":"hi"}])";
  EXPECT_EQ(SentFor("{\"model\":\"m\"," + messages + ",\"stream\":true}", true),
            "{\"model\":\"m\",\"stream_options\":{\"include_usage\":true}," + messages +
                ",\"stream\":true}");
  for (std::string options : {"null", "{}", "{ \"include_obfuscation\":false}",
                              "{\"include_usage\":false}", "{\"include_usage\" : null }"}) {
    auto body =
        "{" + messages + ",\"stream\":true,\"stream_options\":" + options + ",\"model\":\"m\"}";
    SentFor(body, true);
  }
  auto asked = "{\"model\":\"m\"," + messages +
               ",\"stream\":true,\"stream_options\":{\"include_usage\":true,\"x\":1}}";
  EXPECT_EQ(SentFor(asked, false), asked);
}

TEST(OpenAiScan, GivesTheDecodersErrorForWhatItCannotRead) {
  for (std::string body :
       {"{\"model\":", R"({"messages":[{"role":"user","content":"hi"}]})", R"({"model":"m"})",
        R"({"model":"m","messages":[]})",
        R"({"model":7,"messages":[{"role":"user","content":"hi"}]})",
        R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":"yes"})",
        R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":0})"}) {
    auto scanned = openai::ScanChatRequest(body, {});
    auto decoded = openai::DecodeChatRequest(body);
    ASSERT_FALSE(scanned.has_value()) << body;
    EXPECT_EQ(scanned.error().message(), decoded.error().message());
    EXPECT_EQ(scanned.error().field(), decoded.error().field());
  }
}

TEST(OpenAiScan, DecodesWhatReadersCouldDisagreeOn) {
  auto request =
      Scan(R"({"model":"a","model":"b","messages":[{"role":"user","content":"hi"}]})").chat;
  EXPECT_EQ(request.wire, nullptr);
  EXPECT_EQ(request.model, "b");
  EXPECT_EQ(request.messages.size(), 1U);
}

TEST(AnthropicScan, AMemberInAnotherCaseIsRefused) {
  auto scanned = anthropic::ScanChatRequest(
      R"({"model":"m","Model":"x","max_tokens":5,"messages":[{"role":"user","content":"hi"}]})",
      {});
  ASSERT_FALSE(scanned.has_value());
  EXPECT_EQ(scanned.error().field(), "Model");
}

TEST(OpenAiScan, DecodesTheRestWhenItIsNeeded) {
  auto request =
      Scan(R"({"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":0.5})").chat;
  ASSERT_TRUE(domain::DecodeWhole(request).has_value());
  EXPECT_EQ(domain::LastUserText(request), "hi");
  EXPECT_EQ(request.temperature, 0.5);
  auto bad = Scan(R"({"model":"m","messages":[{"role":"nobody"}]})").chat;
  auto decoded = domain::DecodeWhole(bad);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().field(), "messages[0].role");
}

TEST(AnthropicScan, TakesWhatRoutingAndLedgerNeedAndKeepsTheBytes) {
  const std::string body =
      R"({"max_tokens":5,"model":"c","messages":[{"role":"user","content":"hi"}],"stream":true,)"
      R"("metadata":{"user_id":"u"},"container":{"skills":[]}})";
  auto request = anthropic::ScanChatRequest(body, {});
  ASSERT_TRUE(request.has_value());
  ASSERT_NE(request->wire, nullptr);
  EXPECT_EQ(request->user, "u");
  EXPECT_EQ(request->max_tokens, 5);
  EXPECT_TRUE(request->stream);
  EXPECT_EQ(domain::WireBodyFor(*request->wire, "claude"),
            std::string(body).replace(body.find("\"c\""), 3, "\"claude\""));
  auto bad = anthropic::ScanChatRequest(
      R"({"model":"c","messages":[{"role":"user","content":"hi"}]})", {});
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().field(), "max_tokens");
}

// What leaves when `stream` comes in pieces of `size` bytes, and then the end.
struct Passed {
  std::string bytes;
  std::string end;
  WireFacts facts;
  std::optional<Error> failure;
  bool whole = false;
};

Passed Pass(WireTap& tap, std::string_view stream, std::size_t size) {
  Passed out;
  while (!stream.empty() && !tap.ended() && !tap.failure()) {
    std::string piece(stream.substr(0, size));
    stream.remove_prefix(piece.size());
    out.bytes += tap.Feed(piece);
  }
  if (tap.ended()) out.end = tap.TakeEnd();
  out.facts = tap.facts();
  out.failure = tap.failure();
  out.whole = tap.Finish().has_value();
  return out;
}

constexpr std::string_view kChunks =
    ": hello\n\n"
    "data: {\"id\":\"1\",\"model\":\"gpt-x\",\"choices\":[{\"delta\":{\"role\":\"assistant\"},"
    "\"finish_reason\":null}],\"usage\":null}\n\n"
    "data: {\"id\":\"1\",\"model\":\"gpt-x\",\"choices\":[{\"delta\":{\"content\":\"say "
    "\\\"usage\\\": 1\"},\"finish_reason\":null}],\"usage\":null}\r\n\r\n"
    "data: {\"id\":\"1\",\"model\":\"gpt-x\",\"choices\":[{\"delta\":{},\"finish_reason\":"
    "\"length\"}],\"usage\":null}\n\n";
constexpr std::string_view kUsageChunk =
    "data: {\"id\":\"1\",\"model\":\"gpt-x\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,"
    "\"completion_tokens\":2,\"total_tokens\":11}}\n\n";
constexpr std::string_view kDone = "data: [DONE]\n\n";

class InPieces : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, InPieces, testing::Values(1, 2, 3, 7, 50, 200, 100000));

TEST_P(InPieces, OpenAiEventsPassUnchangedAndTheEndIsHeldBack) {
  auto tap = openai::MakeWireTap(false);
  auto passed =
      Pass(*tap, std::string(kChunks) + std::string(kUsageChunk) + std::string(kDone), GetParam());
  EXPECT_EQ(passed.bytes, std::string(kChunks) + std::string(kUsageChunk));
  EXPECT_EQ(passed.end, kDone);
  EXPECT_TRUE(passed.whole);
  EXPECT_EQ(passed.facts.model, "gpt-x");
  EXPECT_EQ(passed.facts.usage.input_tokens, 9);
  EXPECT_EQ(passed.facts.usage.output_tokens, 2);
  EXPECT_EQ(passed.facts.stop_reason, domain::StopReason::kMaxTokens);
}

TEST_P(InPieces, OpenAiUsageThatWeAskedForStaysHere) {
  auto tap = openai::MakeWireTap(true);
  auto passed =
      Pass(*tap, std::string(kChunks) + std::string(kUsageChunk) + std::string(kDone), GetParam());
  EXPECT_EQ(passed.bytes, kChunks);
  EXPECT_EQ(passed.end, kDone);
  EXPECT_EQ(passed.facts.usage.output_tokens, 2);
}

TEST_P(InPieces, OpenAiStreamThatIsCutIsNotWhole) {
  auto tap = openai::MakeWireTap(true);
  auto passed = Pass(*tap, kChunks.substr(0, kChunks.size() / 2), GetParam());
  EXPECT_FALSE(passed.whole);
  EXPECT_FALSE(passed.failure.has_value());
  auto finished = openai::MakeWireTap(true);
  EXPECT_TRUE(Pass(*finished, kChunks, GetParam()).whole) << "a finish reason makes it whole";
}

TEST_P(InPieces, EveryChoiceThatWasAskedForMustEnd) {
  constexpr std::string_view kFirst =
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"
      "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
  constexpr std::string_view kSecond =
      "data: {\"choices\":[{\"index\":0,\"finish_reason\":null},"
      "{\"index\":1,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n";
  auto request =
      Scan(R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true,"n":2})");
  auto make = [&] { return openai::ChatWire().make_tap(*request.chat.wire); };
  auto cut = make();
  EXPECT_FALSE(Pass(*cut, kFirst, GetParam()).whole);
  auto repeated = make();
  EXPECT_FALSE(Pass(*repeated, std::string(kFirst) + std::string(kFirst), GetParam()).whole);
  auto closed = make();
  EXPECT_TRUE(Pass(*closed, std::string(kFirst) + std::string(kSecond), GetParam()).whole);
  auto done = make();
  EXPECT_TRUE(Pass(*done, std::string(kFirst) + std::string(kDone), GetParam()).whole);
}

// Lines may end in any of three ways; the bytes pass as they are.
TEST_P(InPieces, LinesMayEndInCrAlone) {
  for (std::string_view line_end : {"\r", "\r\n"}) {
    std::string text;
    for (char c : std::string(kChunks) + std::string(kDone)) {
      c == '\n' ? text += line_end : text += c;
    }
    const auto done = text.rfind("data: [DONE]");
    auto tap = openai::MakeWireTap(false);
    auto passed = Pass(*tap, text, GetParam());
    EXPECT_EQ(passed.bytes, text.substr(0, done));
    EXPECT_EQ(passed.end, text.substr(done));
    EXPECT_TRUE(passed.whole);
    EXPECT_EQ(passed.facts.stop_reason, domain::StopReason::kMaxTokens);
  }
  auto named = anthropic::MakeWireTap();
  const std::string stop =
      "event: message_start\rdata: {\"type\":\"message_start\"}\r\r"
      "event: message_stop\rdata: {\"type\":\"message_stop\"}\r\r";
  EXPECT_TRUE(Pass(*named, stop, GetParam()).whole);
}

TEST_P(InPieces, OpenAiErrorEventEndsTheStreamAndDoesNotPass) {
  auto tap = openai::MakeWireTap(true);
  auto passed = Pass(
      *tap,
      std::string(kChunks.substr(
          0, kChunks.find("data: {\"id\":\"1\",\"model\":\"gpt-x\",\"choices\":[{\"delta\":{},"))) +
          "data: {\"error\":{\"message\":\"too busy\",\"type\":\"server_error\"}}\n\n" +
          std::string(kDone),
      GetParam());
  ASSERT_TRUE(passed.failure.has_value());
  EXPECT_THAT(passed.failure->message(), HasSubstr("too busy"));
  EXPECT_THAT(passed.bytes, testing::Not(HasSubstr("too busy")));
  EXPECT_THAT(passed.bytes, HasSubstr("say"));
}

constexpr std::string_view kMessage =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":"
    "\"claude-x\",\"usage\":{\"input_tokens\":9,\"cache_read_input_tokens\":4,\"output_tokens\":1}}"
    "}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
    "{\"type\":\"text_delta\",\"text\":\"hi\"},\"new\":1}\n\n"
    "event: ping\ndata: {}\n\n"
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
    "\"max_tokens\"},\"usage\":{\"output_tokens\":12}}\n\n";
constexpr std::string_view kStop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

TEST_P(InPieces, AnthropicEventsPassUnchangedAndTheEndIsHeldBack) {
  auto tap = anthropic::MakeWireTap();
  auto passed = Pass(*tap, std::string(kMessage) + std::string(kStop), GetParam());
  EXPECT_EQ(passed.bytes, kMessage);
  EXPECT_EQ(passed.end, kStop);
  EXPECT_EQ(passed.facts.model, "claude-x");
  EXPECT_EQ(passed.facts.usage.input_tokens, 9);
  EXPECT_EQ(passed.facts.usage.cache_read_tokens, 4);
  EXPECT_EQ(passed.facts.usage.output_tokens, 12);
  EXPECT_EQ(passed.facts.stop_reason, domain::StopReason::kMaxTokens);
  auto cut = anthropic::MakeWireTap();
  EXPECT_FALSE(Pass(*cut, kMessage, GetParam()).whole);
}

TEST_P(InPieces, AnthropicErrorEventEndsTheStream) {
  auto tap = anthropic::MakeWireTap();
  auto passed = Pass(*tap,
                     std::string(kMessage) +
                         "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
                         "\"overloaded_error\",\"message\":\"busy\"}}\n\n",
                     GetParam());
  ASSERT_TRUE(passed.failure.has_value());
  EXPECT_EQ(passed.bytes, kMessage);
}

// Counts are read from the text; what is not a plain count, by the parser: both as the decoder
// does.
TEST(ReadWireAnswer, CountsAsTheDecoderDoes) {
  for (std::string usage :
       {R"({"prompt_tokens":30,"completion_tokens":4,"prompt_tokens_details":)"
        R"({"cached_tokens":20,"audio_tokens":0},"completion_tokens_details":)"
        R"({"reasoning_tokens":3}})",
        R"({"prompt_tokens":30,"completion_tokens":4,"prompt_cache_hit_tokens":10})",
        R"({"prompt_tokens":3e1,"completion_tokens":-4})",
        R"({"prompt_tokens":30,"prompt_tokens_details":null,"completion_tokens":"4"})",
        R"({"prompt_tokens":99999999999999999999,"completion_tokens":4})",
        R"({"prompt_tokens":1,"prompt_tokens":30})", "[]", "null"}) {
    auto body = R"({"id":"1","model":"g","choices":[{"index":0,"message":{"role":"assistant",)"
                R"("content":"x"},"finish_reason":"stop"}],"usage":)" +
                usage + "}";
    auto read = openai::ReadWireAnswer(body);
    auto decoded = openai::DecodeChatResponse(body);
    ASSERT_EQ(read.has_value(), decoded.has_value()) << body;
    if (read.has_value()) EXPECT_EQ(read->usage, decoded->usage) << body;
  }
}

TEST(ReadWireAnswer, FindsUsageAndModelOrSaysWhatIsWrong) {
  auto chat = openai::ReadWireAnswer(
      R"({"model":"g","choices":[{"message":{"content":"\"finish_reason\":\"x\""},)"
      R"("finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":4}})");
  ASSERT_TRUE(chat.has_value());
  EXPECT_EQ(chat->model, "g");
  EXPECT_EQ(chat->usage.output_tokens, 4);
  EXPECT_EQ(chat->stop_reason, domain::StopReason::kToolUse);
  for (auto garbage : {"", "<html>", "{}", R"({"choices":[]})"}) {
    auto bad = openai::ReadWireAnswer(garbage);
    ASSERT_FALSE(bad.has_value()) << garbage;
    EXPECT_EQ(bad.error().code(), Code::kUnavailable);
    EXPECT_FALSE(anthropic::ReadWireAnswer(garbage).has_value()) << garbage;
  }
  auto message = anthropic::ReadWireAnswer(
      R"({"model":"c","content":[],"stop_reason":"refusal","usage":{"input_tokens":3,"output_tokens":4}})");
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->usage.input_tokens, 3);
  EXPECT_EQ(message->stop_reason, domain::StopReason::kRefusal);
}

}  // namespace
}  // namespace strata::dialect
