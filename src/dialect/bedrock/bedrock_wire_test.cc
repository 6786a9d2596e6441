// Converse and InvokeModel that are forwarded.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "dialect/bedrock.h"
#include "dialect/event_stream.h"

namespace strata::dialect::bedrock {
namespace {

using testing::HasSubstr;

TEST(ConverseScan, TakesWhatRoutingAndLedgerNeedAndKeepsTheBytes) {
  const std::string body =
      R"({"messages":[{"role":"user","content":[{"text":"hi"}]}],"inferenceConfig":{"maxTokens":7,)"
      R"("new":1},"requestMetadata":{"team":"a"},"serviceTier":{"type":"flex"},"new":1.50})";
  auto request = ScanConverse(body, {{"x-a", "1"}});
  ASSERT_TRUE(request.has_value());
  ASSERT_NE(request->chat.wire, nullptr);
  EXPECT_EQ(request->chat.max_tokens, 7);
  EXPECT_EQ(request->chat.metadata.at("team"), "a");
  EXPECT_EQ(request->chat.service_tier, "flex");
  EXPECT_EQ(domain::WireBodyFor(*request->chat.wire, "any"), body);
}

TEST(ConverseScan, DecodesWhatThisServerActsOn) {
  const std::string messages = R"("messages":[{"role":"user","content":[{"text":"hi"}]}])";
  auto guarded = ScanConverse(
      "{" + messages + R"(,"guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1"}})",
      {});
  ASSERT_TRUE(guarded.has_value());
  EXPECT_TRUE(guarded->guardrail.has_value());
  EXPECT_EQ(guarded->chat.wire, nullptr);
  auto foreign = ScanConverse(
      R"({"messages":[{"role":"assistant","content":[{"reasoningContent":{"reasoningText":)"
      R"({"text":"t"}}}]},{"role":"user","content":[{"text":"hi"}]}]})",
      {});
  ASSERT_TRUE(foreign.has_value());
  EXPECT_EQ(foreign->chat.wire, nullptr) << "unsigned reasoning is left out, not forwarded";
  EXPECT_EQ(
      ScanConverse("{" + messages + R"(,"inferenceConfig":{"maxTokens":0}})", {}).error().field(),
      "inferenceConfig.maxTokens");
}

TEST(InvokeScan, KnowsTheVendorsAndForwardsOthers) {
  struct Case {
    std::string model, body, format;
    std::optional<std::int64_t> limit;
  };
  for (
      const auto& c : std::vector<Case>{
          {"anthropic.x",
           R"({"anthropic_version":"v","max_tokens":5,"messages":[{"role":"user","content":"a"}],"new":1})",
           "bedrock.invoke.anthropic", 5},
          {"openai.x", R"({"messages":[{"role":"user","content":"a"}],"max_completion_tokens":6})",
           "bedrock.invoke.openai", 6},
          {"us.meta.x", R"({"prompt":"a","max_gen_len":7,"images":[]})", "bedrock.invoke.meta", 7},
          {"mine", R"({"prompt":"a","max_tokens":8})", "bedrock.invoke.mistral", 8},
          {"stability.x", R"({"text_prompts":[{"text":"a"}]})", "bedrock.invoke", std::nullopt}}) {
    auto request = ScanInvoke(c.model, c.body, {});
    ASSERT_TRUE(request.has_value()) << c.model;
    auto& chat = std::get<domain::ChatRequest>(request->call);
    ASSERT_NE(chat.wire, nullptr) << c.model;
    EXPECT_EQ(chat.wire->format, c.format);
    EXPECT_EQ(chat.max_tokens, c.limit);
    EXPECT_EQ(domain::WireBodyFor(*chat.wire, "any"), c.body);
    EXPECT_NE(InvokeWire(c.format), nullptr);
  }
  auto other = ScanInvoke("stability.x", R"({"text_prompts":[]})", {});
  auto& chat = std::get<domain::ChatRequest>(other->call);
  EXPECT_THAT(domain::DecodeWhole(chat).error().message(), HasSubstr("its vendor only"));
  auto titan = ScanInvoke("amazon.titan-embed-text-v2:0", R"({"inputText":"a"})", {});
  EXPECT_TRUE(std::holds_alternative<EmbedRequest>(titan->call));
  EXPECT_EQ(ScanInvoke("anthropic.x", R"({"messages":[{"role":"user","content":"a"}]})", {})
                .error()
                .field(),
            "anthropic_version");
}

// The vendor is told by the id, wherever it stands there, before the members are looked at.
TEST(InvokeScan, TheIdTellsWhoseBodyItIs) {
  struct Case {
    std::string model, body, format;
  };
  const std::string messages = R"({"messages":[{"role":"user","content":[{"text":"x"}]}]})";
  const std::string prompt = R"({"prompt":"x","max_tokens":5})";
  const std::string input = R"({"inputText":"x"})";
  for (const auto& c : std::vector<Case>{
           {"amazon.nova-lite-v1:0", messages, "bedrock.invoke"},
           {"us.amazon.nova-pro-v1:0", messages, "bedrock.invoke"},
           {"br/amazon.nova-lite-v1:0", messages, "bedrock.invoke"},
           {"arn:aws:bedrock:us-east-1:1:inference-profile/eu.amazon.nova-lite-v1:0", messages,
            "bedrock.invoke"},
           {"br/arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-express-v1", input,
            "bedrock.invoke"},
           {"amazon.titan-embed-image-v1", R"({"inputText":"x","inputImage":"AAAA"})",
            "bedrock.invoke"},
           {"deepseek.r1-v1:0", prompt, "bedrock.invoke"},
           {"cohere.command-text-v14", prompt, "bedrock.invoke"},
           {"stability.sd3-5-large-v1:0", prompt, "bedrock.invoke"},
           {"writer.palmyra-vision", prompt, "bedrock.invoke"},
           {"qwen.qwen3-32b-v1:0", messages, "bedrock.invoke.openai"},
           {"br/us.meta.llama3-8b-instruct-v1:0", prompt, "bedrock.invoke.meta"},
           {"br/mistral.mistral-7b-instruct-v0:2", prompt, "bedrock.invoke.mistral"},
           {"arn:aws:bedrock:us-east-1:1:imported-model/abcd", prompt, "bedrock.invoke.mistral"},
       }) {
    auto request = ScanInvoke(c.model, c.body, {});
    ASSERT_TRUE(request.has_value()) << c.model << ": " << request.error().message();
    auto* chat = std::get_if<domain::ChatRequest>(&request->call);
    ASSERT_NE(chat, nullptr) << c.model;
    ASSERT_NE(chat->wire, nullptr) << c.model;
    EXPECT_EQ(chat->wire->format, c.format) << c.model;
    EXPECT_EQ(chat->wire->body, c.body);
  }
  for (auto model : {"br/amazon.titan-embed-text-v2:0", "amazon.titan-embed-image-v1"}) {
    auto titan = ScanInvoke(model, input, {});
    ASSERT_TRUE(titan.has_value());
    EXPECT_TRUE(std::holds_alternative<EmbedRequest>(titan->call)) << model;
  }
  EXPECT_THAT(DecodeInvoke("amazon.nova-lite-v1:0", messages).error().message(),
              HasSubstr("Use Converse"));
}

TEST(InvokeWire, AnAnswerOfAnotherFormIsForwardedWithTheCountsOfItsHeaders) {
  const auto* codec = InvokeWire("bedrock.invoke.mistral");
  ASSERT_NE(codec, nullptr);
  auto facts = codec->read(R"({"images":["AA"]})", {{"X-Amzn-Bedrock-Input-Token-Count", "7"}});
  ASSERT_TRUE(facts.has_value()) << facts.error().message();
  EXPECT_EQ(facts->usage.input_tokens, 7);
  EXPECT_FALSE(codec->read("<html>", {}).has_value());
}

// What leaves when `stream` comes in pieces, and how it ended.
struct Passed {
  std::string bytes, end;
  WireFacts facts;
  std::optional<Error> failure;
  bool whole = false;
};

Passed Pass(const WireCodec& codec, std::string_view stream, std::size_t size) {
  auto tap = codec.make_tap({});
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

class BedrockInPieces : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, BedrockInPieces, testing::Values(1, 2, 3, 7, 50, 100000));

const std::string& Text() {
  static const std::string text =
      EncodeEvent("messageStart", R"({"role":"assistant"})") +
      EncodeEvent("contentBlockDelta", R"({"contentBlockIndex":0,"delta":{"text":"hi"},"p":"a"})") +
      EncodeEvent("new", "{}") + EncodeEvent("contentBlockStop", R"({"contentBlockIndex":0})");
  return text;
}
const std::string& Stop() {
  static const std::string stop = EncodeEvent("messageStop", R"({"stopReason":"max_tokens"})");
  return stop;
}

TEST_P(BedrockInPieces, ConverseEventsPassUnchangedAndTheEndIsHeldBack) {
  auto metadata = EncodeEvent("metadata", R"({"usage":{"inputTokens":9,"outputTokens":2}})");
  auto passed = Pass(ConverseWire(), Text() + Stop() + metadata, GetParam());
  EXPECT_EQ(passed.bytes, Text());
  EXPECT_EQ(passed.end, Stop() + metadata);
  EXPECT_EQ(passed.facts.usage.input_tokens, 9);
  EXPECT_EQ(passed.facts.usage.output_tokens, 2);
  EXPECT_EQ(passed.facts.stop_reason, domain::StopReason::kMaxTokens);
  EXPECT_TRUE(Pass(ConverseWire(), Text() + Stop(), GetParam()).whole) << "without metadata too";
}

TEST_P(BedrockInPieces, BrokenConverseStreamsAreNotWhole) {
  auto cut = Pass(ConverseWire(), Text(), GetParam());
  EXPECT_FALSE(cut.whole);
  EXPECT_EQ(cut.bytes, Text());
  auto failed = Pass(ConverseWire(), Text() + EncodeException("throttlingException", "slow down"),
                     GetParam());
  ASSERT_TRUE(failed.failure.has_value());
  EXPECT_EQ(failed.failure->code(), Code::kRateLimited);
  EXPECT_EQ(failed.bytes, Text());
  auto damaged = Text() + Stop();
  damaged[damaged.size() - 6] ^= 1;
  auto bad = Pass(ConverseWire(), damaged, GetParam());
  ASSERT_TRUE(bad.failure.has_value());
  EXPECT_EQ(bad.failure->code(), Code::kUnavailable);
}

std::string Chunk(std::string_view json) {
  return EncodeEvent("chunk", R"({"bytes":")" + Base64Encode(json) + R"("})");
}

TEST_P(BedrockInPieces, InvokeChunksPassUnchangedAndMetricsAreRead) {
  auto text = Chunk(R"({"generation":"hi","stop_reason":null})");
  auto end = Chunk(R"({"generation":"","stop_reason":"length","amazon-bedrock-invocationMetrics":)"
                   R"({"inputTokenCount":9,"outputTokenCount":2}})");
  const auto& codec = *InvokeWire("bedrock.invoke.meta");
  auto passed = Pass(codec, text + end, GetParam());
  EXPECT_EQ(passed.bytes, text);
  EXPECT_EQ(passed.end, end);
  EXPECT_EQ(passed.facts.usage.input_tokens, 9);
  EXPECT_EQ(passed.facts.stop_reason, domain::StopReason::kMaxTokens);
  EXPECT_FALSE(Pass(codec, text, GetParam()).whole);
  EXPECT_TRUE(Pass(codec, text + EncodeException("modelTimeoutException", "late"), GetParam())
                  .failure.has_value());
}

TEST(InvokeWire, ReadsAnswersOfEveryVendor) {
  auto meta = InvokeWire("bedrock.invoke.meta")
                  ->read(R"({"generation":"a","prompt_token_count":3,"generation_token_count":4,)"
                         R"("stop_reason":"stop"})",
                         {});
  ASSERT_TRUE(meta.has_value());
  EXPECT_EQ(meta->usage.output_tokens, 4);
  auto other = InvokeWire("bedrock.invoke")
                   ->read("{}", {{"X-Amzn-Bedrock-Input-Token-Count", "3"},
                                 {"X-Amzn-Bedrock-Output-Token-Count", "4"}});
  EXPECT_EQ(other->usage.input_tokens, 3);
  EXPECT_EQ(other->usage.output_tokens, 4);
  auto mistral = InvokeWire("bedrock.invoke.mistral")
                     ->decode(R"({"outputs":[{"text":"hi","stop_reason":"length"}]})");
  ASSERT_TRUE(mistral.has_value());
  EXPECT_EQ(domain::TextOf(mistral->content), "hi");
  EXPECT_EQ(mistral->stop_reason, domain::StopReason::kMaxTokens);
  EXPECT_FALSE(InvokeWire("bedrock.invoke.meta")->read("<html>", {}).has_value());
}

TEST(InvokeWire, ShadowOfAStream) {
  for (
      auto [format, pieces] : std::vector<std::pair<std::string, std::vector<std::string>>>{
          {"bedrock.invoke.anthropic",
           {R"({"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":1}}})",
            R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})",
            R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}})"}},
          {"bedrock.invoke.openai",
           {R"({"id":"1","choices":[{"index":0,"delta":{"content":"hi"}}]})"}},
          {"bedrock.invoke.meta", {R"({"generation":"h"})", R"({"generation":"i"})"}},
          {"bedrock.invoke.mistral", {R"({"outputs":[{"text":"hi"}]})"}}}) {
    auto decoder = InvokeWire(format)->make_decoder();
    std::string text;
    for (const auto& piece : pieces) {
      auto events = decoder->Feed(Chunk(piece));
      ASSERT_TRUE(events.has_value()) << format;
      for (const auto& event : *events) {
        if (auto* delta = std::get_if<domain::TextDelta>(&event)) text += delta->text;
      }
    }
    EXPECT_EQ(text, "hi") << format;
  }
}

}  // namespace
}  // namespace strata::dialect::bedrock
