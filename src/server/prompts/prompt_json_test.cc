// Decoding, checking and filling stored prompts.

#include "server/prompts/prompt_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::server {
namespace {

using testing::HasSubstr;

constexpr std::string_view kText = R"({"name":"p","variants":[{"name":"one","templateType":"TEXT",
  "modelId":"m","templateConfiguration":{"text":{"text":"Say {{ a }} to {{b}}, not {{ to this }}.",
  "inputVariables":[{"name":"a"},{"name":"b"}]}},
  "inferenceConfiguration":{"text":{"maxTokens":7}}}]})";

Prompt PromptOf(std::string_view body) {
  Prompt prompt;
  prompt.id = "AAAAAAAAAA";
  auto content = DecodePromptContent(body);
  EXPECT_TRUE(content.has_value()) << content.error().message();
  if (content.has_value()) prompt.content = std::move(*content);
  return prompt;
}

TEST(PromptJsonTest, FillsVariablesOnceAndLeavesOtherBraces) {
  auto request = RenderPrompt(PromptOf(kText), {{"a", "{{b}}"}, {"b", "\"x\""}});
  ASSERT_TRUE(request.has_value()) << request.error().message();
  EXPECT_EQ(domain::LastUserText(*request), "Say {{b}} to \"x\", not {{ to this }}.");
  EXPECT_EQ(request->model, "m");
  EXPECT_EQ(request->max_tokens, 7);
}

TEST(PromptJsonTest, VariablesAndValuesMustMatch) {
  auto prompt = PromptOf(kText);
  auto missing = RenderPrompt(prompt, {{"a", "x"}});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().field(), "promptVariables");
  EXPECT_THAT(missing.error().message(), HasSubstr("'b'"));
  auto extra = RenderPrompt(prompt, {{"a", "x"}, {"b", "y"}, {"c", "z"}});
  ASSERT_FALSE(extra.has_value());
  EXPECT_THAT(extra.error().message(), HasSubstr("'c'"));
}

TEST(PromptJsonTest, NamesTheMemberThatIsWrong) {
  auto field = [](std::string_view body) {
    auto content = DecodePromptContent(body);
    return content.has_value() ? std::string("accepted") : content.error().field();
  };
  EXPECT_EQ(field(R"({"name":"a b"})"), "name");
  EXPECT_EQ(field(R"({"name":"a__b"})"), "name");
  EXPECT_EQ(field(R"({"name":"a","defaultVariant":"none","variants":[]})"), "defaultVariant");
  EXPECT_EQ(field(R"({"name":"a","variants":[{"name":"v","templateType":"VOICE",
                      "templateConfiguration":{"text":{"text":"x"}}}]})"),
            "variants[0].templateType");
  EXPECT_EQ(field(R"({"name":"a","variants":[{"name":"v","templateType":"CHAT",
                      "templateConfiguration":{"text":{"text":"x"}}}]})"),
            "variants[0].templateConfiguration");
  EXPECT_THAT(field(R"({"name":"a","variants":[{"name":"v","templateType":"CHAT",
                        "templateConfiguration":{"chat":{"messages":[{"role":"robot","content":[]}]}}}]})"),
              HasSubstr("variants[0].templateConfiguration.messages[0]"));
  for (auto model :
       {"prompt/AAAAAAAAAA", "arn:aws:bedrock:us-east-1:000000000000:prompt/AAAAAAAAAA:1"}) {
    EXPECT_EQ(field(std::string(R"({"name":"a","variants":[{"name":"v","templateType":"TEXT",
                        "templateConfiguration":{"text":{"text":"x"}},"modelId":")") +
                    model + R"("}]})"),
              "variants[0].modelId");
  }
}

TEST(PromptJsonTest, NamesAreReadWithAndWithoutArnAndVersion) {
  auto plain = ParsePromptName("AAAAAAAAAA");
  EXPECT_EQ(plain.id, "AAAAAAAAAA");
  EXPECT_EQ(plain.version, "");
  auto full = ParsePromptName("arn:aws:bedrock:us-east-1:000000000000:prompt/AAAAAAAAAA:12");
  EXPECT_EQ(full.id, "AAAAAAAAAA");
  EXPECT_EQ(full.version, "12");
}

}  // namespace
}  // namespace strata::server
