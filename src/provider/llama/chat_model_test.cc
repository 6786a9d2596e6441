#include "provider/llama/chat_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cmath>

#include "provider/llama/chat_testing.h"

namespace strata::provider::llama {
namespace {

using testing::Answer;
using testing::Ask;
using ::testing::HasSubstr;
using testing::LoadTestModel;
using testing::Says;
using testing::TestSpec;

// One model for the tests that need nothing special of it: loading takes most of their time.
LlamaChatModel& Shared() {
  static auto model = LoadTestModel(TestSpec());
  return *model;
}

Result<domain::ChatResponse> Run(ChatModel& model, domain::ChatRequest request) {
  RequestContext ctx;
  return testing::RunTask(Answer(model, std::move(request), ctx));
}

domain::ChatResponse Good(ChatModel& model, domain::ChatRequest request) {
  auto response = Run(model, std::move(request));
  EXPECT_TRUE(response.has_value()) << response.error().message();
  return response.has_value() ? std::move(*response) : domain::ChatResponse();
}

Error Refused(ChatModel& model, domain::ChatRequest request) {
  auto response = Run(model, std::move(request));
  EXPECT_FALSE(response.has_value());
  return response.has_value() ? Error(Code::kInternal, "not refused") : response.error();
}

TEST(LlamaChat, AnswersAndCountsTokensExactly) {
  auto request = Ask("What is the capital of France? Answer in one word.");
  RequestContext ctx;
  auto counted = testing::RunTask(Shared().CountTokens(request, ctx));
  auto response = Good(Shared(), request);
  EXPECT_THAT(domain::TextOf(response.content), HasSubstr("Paris"));
  EXPECT_EQ(response.model, "SmolLM2");
  EXPECT_EQ(response.usage.PromptTokens(), *counted);
  EXPECT_GT(response.usage.output_tokens, 0);
  EXPECT_EQ(response.stop_reason, domain::StopReason::kEndTurn);
}

TEST(LlamaChat, TheSameSeedGivesTheSameAnswerAndAnotherSeedAnother) {
  auto request = Ask("Tell me a story about a fox.", 24);
  request.temperature = 1.5;
  request.seed = 7;
  auto first = domain::TextOf(Good(Shared(), request).content);
  EXPECT_EQ(domain::TextOf(Good(Shared(), request).content), first);
  request.seed = 8;
  EXPECT_NE(domain::TextOf(Good(Shared(), request).content), first);
}

TEST(LlamaChat, ACommonPrefixIsReadFromTheCacheAndChangesNothing) {
  auto model = LoadTestModel(TestSpec());
  std::string passage;
  for (int i = 0; i < 20; ++i) passage += "The mill on the river grinds wheat into flour. ";
  auto request = Ask(passage + "What does the mill grind?", 12);
  auto cold = Good(*model, request);
  EXPECT_EQ(cold.usage.cache_read_tokens, 0);
  auto warm = Good(*model, request);
  EXPECT_EQ(warm.usage.input_tokens, 1);
  EXPECT_EQ(warm.usage.PromptTokens(), cold.usage.PromptTokens());
  EXPECT_EQ(domain::TextOf(warm.content), domain::TextOf(cold.content));

  auto other = Good(*model, Ask(passage + "Where is it?", 12));
  EXPECT_GT(other.usage.cache_read_tokens, 200);
}

TEST(LlamaChat, WhatOthersAskedInBetweenCostsNothingOfThePrefixAndChangesNothing) {
  auto model = LoadTestModel(TestSpec());
  std::string passage;
  for (int i = 0; i < 14; ++i) passage += "The mill on the river grinds wheat into flour. ";
  std::string tail;
  for (int i = 0; i < 9; ++i) tail += "A heron stands in the reeds below the weir. ";
  auto request = Ask(passage + tail + "What does the mill grind?", 6);
  request.logprobs = true;
  auto cold = Good(*model, request);
  for (auto question : {"Name a colour.", "What is a comet?"}) Good(*model, Ask(question, 4));
  auto warm = Good(*model, request);  // from where it was parked, in place
  EXPECT_EQ(warm.usage.input_tokens, 1);
  EXPECT_EQ(warm.content, cold.content) << "to the last bit of its probabilities";

  Good(*model, Ask("Name a colour.", 4));
  auto longer = Ask(passage + "Where is it? Who owns it?", 6);
  longer.logprobs = true;
  auto other = Good(*model, longer);  // a copy of its beginning
  EXPECT_GT(other.usage.cache_read_tokens, 150);
  auto fresh = LoadTestModel(TestSpec());
  EXPECT_EQ(other.content, Good(*fresh, longer).content);
  Good(*model, Ask("Name a colour.", 4));
  EXPECT_EQ(Good(*model, request).usage.input_tokens, 1) << "it lost nothing by the copy";
}

TEST(LlamaChat, AnotherKeyDoesNotSeeWhatIsCached) {
  auto request = Ask("My secret is the number forty-two. Repeat nothing.", 4);
  RequestContext alice;
  alice.key = KeyId{"alice"};
  RequestContext bob;
  bob.key = KeyId{"bob"};
  testing::RunTask(Answer(Shared(), request, alice));
  auto again = testing::RunTask(Answer(Shared(), request, alice));
  EXPECT_GT(again->usage.cache_read_tokens, 0);
  auto theirs = testing::RunTask(Answer(Shared(), request, bob));
  EXPECT_EQ(theirs->usage.cache_read_tokens, 0);
}

TEST(LlamaChat, StopSequencesEndTheAnswerAndAreNotPartOfIt) {
  auto request = Ask("Count from one to nine in digits, separated by commas.", 40);
  auto whole = domain::TextOf(Good(Shared(), request).content);
  ASSERT_GT(whole.size(), 8U);
  auto stop = whole.substr(5, 3);
  request.stop = {"never seen", stop};
  auto response = Good(Shared(), request);
  EXPECT_EQ(response.stop_reason, domain::StopReason::kStopSequence);
  EXPECT_EQ(response.stop_sequence, stop);
  EXPECT_EQ(domain::TextOf(response.content), whole.substr(0, whole.find(stop)));
}

TEST(LlamaChat, LogProbabilitiesAreOfTheTokensThatAreShown) {
  auto request = Ask("Count from one to nine in digits, separated by commas.", 12);
  request.logprobs = true;
  request.top_logprobs = 3;
  auto response = Good(Shared(), request);
  ASSERT_EQ(response.content.size(), 1U);
  const auto& text = std::get<domain::TextBlock>(response.content[0]);
  std::string said;
  for (const auto& token : text.logprobs) {
    said += token.bytes;
    ASSERT_EQ(token.top.size(), 3U);
    // Greedy: each token is the likeliest one of its place.
    EXPECT_EQ(token.top[0].token, token.token);
    EXPECT_EQ(token.top[0].logprob, token.logprob);
    EXPECT_LE(token.logprob, 0);
    EXPECT_GE(token.top[0].logprob, token.top[1].logprob);
    EXPECT_GE(token.top[1].logprob, token.top[2].logprob);
    double sum = 0;
    for (const auto& other : token.top) sum += std::exp(other.logprob);
    EXPECT_LE(sum, 1.0 + 1e-6);
  }
  EXPECT_EQ(said, text.text);

  request.stop = {said.substr(5, 2)};
  auto stopped = Good(Shared(), request);
  const auto& shorter = std::get<domain::TextBlock>(stopped.content[0]);
  EXPECT_LT(shorter.logprobs.size(), text.logprobs.size());
  EXPECT_FALSE(shorter.logprobs.empty());

  request.logprobs = false;
  auto bare = Good(Shared(), request);
  EXPECT_TRUE(std::get<domain::TextBlock>(bare.content[0]).logprobs.empty());
}

TEST(LlamaChat, MaxTokensIsExact) {
  auto response = Good(Shared(), Ask("Write a long poem about the sea.", 5));
  EXPECT_EQ(response.usage.output_tokens, 5);
  EXPECT_EQ(response.stop_reason, domain::StopReason::kMaxTokens);
}

TEST(LlamaChat, AJsonSchemaIsFollowed) {
  auto request = Ask("Name a city and its number of inhabitants.", 80);
  request.json_output = domain::JsonOutput{
      .name = "city",
      .schema = {R"({"type":"object","properties":{"city":{"type":"string","maxLength":20},
                  "people":{"type":"integer"}},"required":["city","people"],
                  "additionalProperties":false})"}};
  auto text = domain::TextOf(Good(Shared(), request).content);
  boost::system::error_code error;
  auto value = boost::json::parse(text, error);
  ASSERT_FALSE(error) << text;
  EXPECT_TRUE(value.at("city").is_string()) << text;
  EXPECT_TRUE(value.at("people").is_number()) << text;
}

TEST(LlamaChat, ControlTokensInATextStayText) {
  RequestContext ctx;
  auto plain = Ask("a<|im_end|>b");
  auto count = testing::RunTask(Shared().CountTokens(plain, ctx));
  auto base = testing::RunTask(Shared().CountTokens(Ask("ab"), ctx));
  EXPECT_GT(*count, *base + 3) << "one control token would add one or two tokens";
}

TEST(LlamaChat, GoesOnFromTheAssistantsOwnWords) {
  auto request = Ask("What is the capital of Italy?", 6);
  request.messages.push_back(Says(domain::Role::kAssistant, "The capital of Italy is"));
  EXPECT_THAT(domain::TextOf(Good(Shared(), request).content), HasSubstr("Rome"));
}

TEST(LlamaChat, RefusesWhatItCannotDoByName) {
  auto long_prompt = Ask(std::string());
  for (int i = 0; i < 2100; ++i) {
    std::get<domain::TextBlock>(long_prompt.messages[0].content[0]).text += "word ";
  }
  auto error = Refused(Shared(), long_prompt);
  EXPECT_EQ(error.code(), Code::kInvalidArgument);
  EXPECT_THAT(error.message(), HasSubstr("2048"));

  auto image = Ask("Look");
  image.messages[0].content.emplace_back(
      domain::ImageBlock{.format = "png", .bytes = "x", .url = {}});
  EXPECT_EQ(Refused(Shared(), image).field(), "messages[0].content[1]");

  auto tools = Ask("Use it");
  tools.tools.push_back({.name = "f", .description = "", .input_schema = {R"({"type":"object"})"}});
  EXPECT_EQ(Refused(Shared(), tools).field(), "tools");

  auto past = Ask("How many boats?");
  past.messages.push_back(Says(domain::Role::kAssistant, ""));
  past.messages.back().content = {
      domain::ToolUseBlock{.id = "c", .name = "count", .input = {"{}"}}};
  past.messages.push_back(Says(domain::Role::kUser, "And now?"));
  past.messages.back().content.insert(
      past.messages.back().content.begin(),
      domain::ToolResultBlock{.tool_use_id = "c",
                              .content = {domain::TextBlock{.text = "3", .citations = {}}}});
  EXPECT_EQ(Refused(Shared(), past).field(), "messages") << "it names no tools";

  auto hot = Ask("Hi");
  hot.temperature = 3;
  EXPECT_EQ(Refused(Shared(), hot).field(), "temperature");

  auto none = Ask("Hi", 0);
  EXPECT_EQ(Refused(Shared(), none).field(), "max_tokens");

  auto stops = Ask("Hi");
  stops.stop = {""};
  EXPECT_EQ(Refused(Shared(), stops).field(), "stop[0]");

  EXPECT_EQ(Refused(Shared(), domain::ChatRequest()).field(), "messages");
}

// A template in the widespread Hermes form; the grammar makes even this model's call well-formed.
constexpr const char* kToolTemplate = R"(
{%- if tools %}{{- '<|im_start|>system\nTools:\n<tools>' }}{% for tool in tools %}{{- '\n' + tool|tojson }}{% endfor %}{{- '\n</tools>\nCall as <tool_call>\n{"name": <name>, "arguments": <args>}\n</tool_call><|im_end|>\n' }}{% endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}{{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response><|im_end|>\n' }}
{%- elif message.role == 'assistant' and message.tool_calls %}{{- '<|im_start|>assistant\n' + (message.content or '') }}{% for call in message.tool_calls %}{{- '<tool_call>\n{"name": "' + call.function.name + '", "arguments": ' + call.function.arguments|tojson + '}\n</tool_call>' }}{% endfor %}{{- '<|im_end|>\n' }}
{%- else %}{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{% endif %})";

TEST(LlamaChat, CallsAToolWhenItsTemplateKnowsTools) {
  auto spec = TestSpec();
  spec.chat_template = kToolTemplate;
  auto model = LoadTestModel(spec);
  EXPECT_TRUE(model->Info().can.tools);
  // Far more than the call needs: the grammar allows white space, and how much of it the model puts
  // differs between CPUs.
  auto request = Ask("What is the weather in Oslo?", 400);
  request.tools.push_back(
      {.name = "get_weather",
       .description = "Weather of a city",
       .input_schema = {R"({"type":"object","properties":{"city":{"type":"string","maxLength":12}},
                           "required":["city"],"additionalProperties":false})"}});
  request.tool_choice =
      domain::ToolChoice{.kind = domain::ToolChoice::Kind::kAny, .name = {}, .parallel = false};
  auto response = Good(*model, request);
  ASSERT_FALSE(response.content.empty());
  const auto* use = std::get_if<domain::ToolUseBlock>(&response.content.back());
  ASSERT_NE(use, nullptr) << domain::TextOf(response.content);
  EXPECT_EQ(use->name, "get_weather");
  EXPECT_FALSE(use->id.empty());
  EXPECT_TRUE(boost::json::parse(use->input.text).at("city").is_string()) << use->input.text;
  EXPECT_EQ(response.stop_reason, domain::StopReason::kToolUse);

  request.messages.push_back({.role = domain::Role::kAssistant, .content = {*use}});
  domain::ToolResultBlock result{.tool_use_id = use->id, .content = {}};
  result.content.emplace_back(domain::TextBlock{.text = "rain", .citations = {}});
  request.messages.push_back({.role = domain::Role::kUser, .content = {result}});
  request.tool_choice = domain::ToolChoice{.kind = domain::ToolChoice::Kind::kNone, .name = {}};
  request.max_tokens = 4;
  EXPECT_GT(Good(*model, request).usage.PromptTokens(), response.usage.PromptTokens() / 2);
}

}  // namespace
}  // namespace strata::provider::llama
