// generateContent that is forwarded: what a request is scanned for, and both forms of a stream.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialect/gemini.h"
#include "dialect/json_value.h"
#include "dialect/test_support.h"
#include "dialect/wire.h"

namespace strata::dialect::gemini {
namespace {

constexpr std::string_view kText =
    "[{\n  \"candidates\": [{\"content\": {\"parts\": [{\"text\": \"a ]},{ \\\" \"}]}}],\n"
    "  \"modelVersion\": \"gemini-x\"\n}\n,\r\n"
    "{\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"b\"}]}}], \"new\": [1.50]}";
constexpr std::string_view kEnd =
    ",\n{\"candidates\": [{\"content\": {\"parts\": []}, \"finishReason\": \"MAX_TOKENS\"}]}\n,"
    "{\"usageMetadata\": {\"promptTokenCount\": 9, \"candidatesTokenCount\": 2}}\n]\r\n";

struct Passed {
  std::string bytes;
  std::string end;
  WireFacts facts;
  std::optional<Error> failure;
  bool whole = false;
};

Passed Pass(std::string_view stream, std::size_t size) {
  auto tap = GenerateWire(kArrayWireFormat)->make_tap({});
  Passed out;
  while (!stream.empty() && !tap->ended() && !tap->failure()) {
    std::string piece(stream.substr(0, size));
    stream.remove_prefix(piece.size());
    out.bytes += tap->Feed(piece);
  }
  out.facts = tap->facts();
  out.failure = tap->failure();
  out.whole = tap->Finish().has_value();
  if (out.whole) out.end = tap->TakeEnd();
  return out;
}

class GeminiArray : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, GeminiArray, testing::Values(1, 2, 3, 7, 50, 100000));

TEST_P(GeminiArray, ElementsPassUnchangedAndTheEndIsHeldBack) {
  auto passed = Pass(std::string(kText).append(kEnd), GetParam());
  EXPECT_EQ(passed.bytes, kText);
  EXPECT_EQ(passed.end, kEnd);
  EXPECT_EQ(passed.facts.model, "gemini-x");
  EXPECT_EQ(passed.facts.usage.input_tokens, 9);
  EXPECT_EQ(passed.facts.usage.output_tokens, 2);
  EXPECT_EQ(passed.facts.stop_reason, domain::StopReason::kMaxTokens);
}

TEST_P(GeminiArray, WithoutItsBracketIsNotWhole) {
  auto whole = std::string(kText).append(kEnd);
  EXPECT_FALSE(Pass(whole.substr(0, whole.rfind(']')), GetParam()).whole);
  EXPECT_FALSE(Pass(kText, GetParam()).whole);
}

TEST_P(GeminiArray, ThatEndsBeforeItsAnswerIsAFailure) {
  auto passed = Pass(std::string(kText) + "]", GetParam());
  ASSERT_TRUE(passed.failure.has_value());
  EXPECT_EQ(passed.failure->code(), Code::kUnavailable);
  EXPECT_EQ(passed.bytes, kText);
}

TEST_P(GeminiArray, ProvidersErrorIsNotPassedOn) {
  auto passed = Pass(std::string(kText) + R"(,{"error":{"code":429,"message":"slow down",)" +
                         R"("status":"RESOURCE_EXHAUSTED"}}])",
                     GetParam());
  ASSERT_TRUE(passed.failure.has_value());
  EXPECT_EQ(passed.failure->code(), Code::kRateLimited);
  EXPECT_EQ(passed.bytes, kText);
}

TEST_P(GeminiArray, WhatIsNoArrayOfObjectsIsAFailure) {
  for (std::string_view stream :
       {"<html>", "{\"a\":1}", "[{} {}]", "[,{}]", "[{},]", "[1]", "[{}]]"}) {
    auto passed = Pass(stream, GetParam());
    ASSERT_TRUE(passed.failure.has_value()) << stream;
    EXPECT_EQ(passed.failure->code(), Code::kUnavailable);
  }
}

TEST_P(GeminiArray, DecoderReadsWhatItsEventsSay) {
  auto decoder = MakeArrayStreamDecoder();
  std::string stream = std::string(kText).append(kEnd);
  domain::StreamAccumulator answer;
  for (std::size_t at = 0; at < stream.size(); at += GetParam()) {
    auto events = decoder->Feed(stream.substr(at, GetParam()));
    ASSERT_TRUE(events.has_value()) << events.error().message();
    for (const auto& event : *events) answer.Add(event);
  }
  auto rest = decoder->Finish();
  ASSERT_TRUE(rest.has_value()) << rest.error().message();
  for (const auto& event : *rest) answer.Add(event);
  ASSERT_TRUE(answer.ended());
  const auto& block = std::get<domain::TextBlock>(answer.response().content.at(0));
  EXPECT_EQ(block.text, "a ]},{ \" b");
  EXPECT_EQ(answer.response().usage.input_tokens, 9);
  EXPECT_EQ(answer.response().stop_reason, domain::StopReason::kMaxTokens);
}

TEST(GeminiArrayDecoder, CutBeforeTheBracketIsAnError) {
  auto decoder = MakeArrayStreamDecoder();
  std::string stream = std::string(kText).append(kEnd);
  ASSERT_TRUE(decoder->Feed(stream.substr(0, stream.rfind(']'))).has_value());
  auto rest = decoder->Finish();
  ASSERT_FALSE(rest.has_value());
  EXPECT_EQ(rest.error().code(), Code::kUnavailable);
}

TEST(GeminiArrayDecoder, ReadsWhatTheEncoderWrites) {
  AnswerMeta meta;
  meta.model = "m";
  auto encoder = MakeStreamEncoder(meta, {.include_thoughts = true, .sse = false});
  auto bytes = test::EncodeAll(*encoder, domain::EventsOf(test::ToolAnswer()));
  auto decoder = MakeArrayStreamDecoder();
  auto events = decoder->Feed(bytes);
  ASSERT_TRUE(events.has_value()) << events.error().message();
  EXPECT_TRUE(decoder->Finish().has_value());
}

// A provider's array that this server has to end itself.
TEST(GeminiArrayEncoder, GoesOnBehindForwardedBytes) {
  AnswerMeta meta;
  auto encoder = MakeStreamEncoder(meta, {.include_thoughts = false, .sse = false});
  encoder->GoOnBehindBytes();
  auto bytes = std::string(kText) + encoder->EncodeError(Error(Code::kUnavailable, "cut"));
  auto array = ParseJson(bytes);
  ASSERT_TRUE(array.has_value()) << bytes;
  ASSERT_EQ(array->array()->size(), 3u);
  EXPECT_NE(array->array()->back().Find("error"), nullptr);
}

TEST(GeminiScan, NamesTheFormOfTheStream) {
  const std::string body = R"({"contents":[{"parts":[{"text":"hi"}]}],"new":1.50})";
  for (auto format : {kWireFormat, kArrayWireFormat}) {
    auto request = ScanGenerate(body, {}, format);
    ASSERT_TRUE(request.has_value());
    ASSERT_NE(request->chat.wire, nullptr);
    EXPECT_EQ(request->chat.wire->format, format);
    EXPECT_EQ(domain::WireBodyFor(*request->chat.wire, "m"), body);
    EXPECT_NE(GenerateWire(format), nullptr);
  }
  EXPECT_EQ(GenerateWire("openai.chat"), nullptr);
}

// Contents with `step` behind a user's question, and what answers it.
std::string Step(std::string_view step) {
  return R"({"contents":[{"role":"user","parts":[{"text":"q"}]},{"role":"model","parts":[)" +
         std::string(step) +
         R"(]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}]}]})";
}

TEST(GeminiScan, UnsignedCallsAndGooglesToolsAreForwardedAsTheyCame) {
  constexpr std::string_view kCall = R"({"functionCall":{"name":"f","args":{}}})";
  constexpr std::string_view kCode =
      R"({"executableCode":{"language":"PYTHON","code":"1"}},{"functionCall":{"name":"f"}})";
  for (auto step : {kCall, kCode}) {
    const auto body = Step(step);
    auto request = ScanGenerate(body, {}, kWireFormat);
    ASSERT_TRUE(request.has_value()) << request.error().message();
    ASSERT_NE(request->chat.wire, nullptr) << step;
    EXPECT_EQ(domain::WireBodyFor(*request->chat.wire, "m"), body);
  }
  auto foreign = ScanGenerate(
      Step(R"({"functionCall":{"name":"f"},"thoughtSignature":"c3RyYXRhLmFudGhyb3BpYy5zaWc="})"),
      {}, kWireFormat);
  ASSERT_TRUE(foreign.has_value());
  EXPECT_EQ(foreign->chat.wire, nullptr) << "another family's signature is left out";
}

// The rule of Gemini 3: the first call of each step of the current turn.
TEST(GeminiScan, FindsTheStepThatLacksItsSignature) {
  EXPECT_TRUE(LacksSignature(Step(R"({"functionCall":{"name":"f"}})")));
  EXPECT_TRUE(LacksSignature(Step(R"({"text":"a"},{"function_call":{"name":"f"}})")));
  EXPECT_TRUE(LacksSignature(Step(
      R"({"functionCall":{"name":"f"}},{"functionCall":{"name":"f"},"thoughtSignature":"x"})")))
      << "not the first one's";
  EXPECT_FALSE(LacksSignature(Step(
      R"({"functionCall":{"name":"f"},"thoughtSignature":"x"},{"functionCall":{"name":"f"}})")))
      << "of parallel calls the first is signed";
  EXPECT_FALSE(LacksSignature(Step(
      R"({"function_call":{"name":"f"},"thought_signature":"x"},{"functionCall":{"name":"g"}})")));
  auto earlier = Step(R"({"functionCall":{"name":"f"}})");
  earlier.insert(earlier.size() - 2, R"(,{"parts":[{"text":"and now?"}]})");
  EXPECT_FALSE(LacksSignature(earlier)) << "turns that are over are not looked at";
  EXPECT_FALSE(LacksSignature(R"({"contents":[{"parts":[{"text":"\"functionCall\""}]}]})"));
  EXPECT_FALSE(LacksSignature("{"));
}

// With a walk over all others for each, this would not end before the test is given up.
TEST(GeminiRequest, ManyCallsAndNamesAreRead) {
  constexpr int kMany = 30'000;
  std::string calls, results, tools, names;
  for (int i = 0; i < kMany; ++i) {
    const auto comma = i == 0 ? "" : ",";
    calls +=
        fmt::format(R"({}{{"functionCall":{{"id":"call_of_a_tool_{:07}","name":"f"}}}})", comma, i);
    results += fmt::format(
        R"({}{{"functionResponse":{{"id":"call_of_a_tool_{:07}","name":"f","response":{{}}}}}})",
        comma, kMany - 1 - i);
    tools += fmt::format(R"({}{{"name":"name_of_a_tool_{:07}"}})", comma, i);
    names += fmt::format(R"({}"name_of_a_tool_{:07}")", comma, kMany + i);
  }
  auto request = DecodeGenerate(fmt::format(
      R"({{"contents":[{{"role":"model","parts":[{}]}},{{"role":"user","parts":[{}]}}],)"
      R"("tools":[{{"functionDeclarations":[{}]}}],)"
      R"("toolConfig":{{"functionCallingConfig":{{"mode":"ANY","allowedFunctionNames":[{}]}}}}}})",
      calls, results, tools, names));
  ASSERT_TRUE(request.has_value()) << request.error().message();
  EXPECT_TRUE(request->chat.tools.empty());
  const auto& answers = request->chat.messages.at(1).content;
  ASSERT_EQ(answers.size(), std::size_t{kMany});
  EXPECT_EQ(std::get<domain::ToolResultBlock>(answers[1]).tool_use_id,
            fmt::format("call_of_a_tool_{:07}", kMany - 2));
}

TEST(GeminiScan, SaysWhetherEveryRoleIsNamed) {
  EXPECT_TRUE(NamesRoles(R"({"systemInstruction":{"parts":[{"text":"s"}]},"contents":)"
                         R"([{"role":"user","parts":[]},{"parts":[],"role":"model"}]})"));
  EXPECT_FALSE(NamesRoles(R"({"contents":[{"role":"user","parts":[]},{"parts":[]}]})"));
}

}  // namespace
}  // namespace strata::dialect::gemini
