#include "knowledge/answer/prompt.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

AnswerInput Input(std::string prompt_template, std::string question) {
  AnswerInput input;
  input.generation.prompt_template = std::move(prompt_template);
  input.question = std::move(question);
  RetrievedChunk chunk;
  chunk.text = "The fee is 25 euros. $query$ $current_time$";
  input.passages = {chunk};
  return input;
}

std::string PromptOf(const PackedPrompt& packed) {
  return std::get<domain::TextBlock>(packed.request.messages.at(0).content.at(0)).text;
}

TEST(PackPrompt, NothingThatIsPutIntoATemplateIsExpanded) {
  auto input = Input("A $search_results$ B $query$ C $conversation_history$ D $$query$",
                     "what is $search_results$ and $conversation_history$?");
  input.history = {{.question = "before $search_results$", .answer = "said $query$"}};
  const auto packed = PackPrompt(input, 4000, {});
  ASSERT_TRUE(packed.has_value());
  EXPECT_EQ(PromptOf(*packed),
            "A [1]\nThe fee is 25 euros. $query$ $current_time$\n\n"
            " B what is $search_results$ and $conversation_history$?"
            " C Question: before $search_results$\nAnswer: said $query$\n"
            " D $what is $search_results$ and $conversation_history$?");
}

TEST(PackPrompt, EveryPlaceOfAVariableCountsAgainstTheBudget) {
  auto input = Input("$query$ $query$ $query$ $search_results$ $search_results$",
                     std::string(600, 'q') + " $search_results$");
  input.passages.assign(40, input.passages[0]);
  constexpr std::int64_t kTokens = 1000;
  const auto packed = PackPrompt(input, kTokens, {});
  ASSERT_TRUE(packed.has_value());
  EXPECT_GT(packed->passages.size(), 5U);
  EXPECT_LT(packed->passages.size(), 40U);
  EXPECT_LE(PromptOf(*packed).size(), static_cast<std::size_t>(kTokens * 3));
}

std::size_t SizeOf(const PackedPrompt& packed) {
  return PromptOf(packed).size() + domain::TextOf(packed.request.system).size();
}

TEST(PackPrompt, EarlierTurnsGetAQuarterTheNewestFirst) {
  auto input = Input("", "What does the crane lift?");
  for (int i = 0; i < 4; ++i) {
    input.history.push_back({.question = "question " + std::to_string(i),
                             .answer = "answer " + std::to_string(i) + std::string(500, '.')});
  }
  const auto packed = PackPrompt(input, 1000, {});
  ASSERT_TRUE(packed.has_value());
  const auto prompt = PromptOf(*packed);
  EXPECT_EQ(prompt.find("question 2"), std::string::npos);
  EXPECT_NE(prompt.find("question 3"), std::string::npos);
  EXPECT_NE(prompt.find("The fee is 25 euros."), std::string::npos);
  input.history.back().question += std::string(8000, 'q');
  input.history.back().answer += std::string(8000, 'a');
  const auto cut = PackPrompt(input, 1000, {});
  ASSERT_TRUE(cut.has_value());
  EXPECT_NE(PromptOf(*cut).find("question 3"), std::string::npos);
  EXPECT_NE(PromptOf(*cut).find("answer 3"), std::string::npos);
  EXPECT_LE(SizeOf(*cut), 3000U);
}

TEST(PackPrompt, AnyInputKeepsToTheBudgetAndSaysWhatOfThePassagesIsIn) {
  auto input = Input("", "What does the crane lift?");
  input.passages[0].text.clear();
  for (int i = 0; i < 90; ++i)
    input.passages[0].text += "The crane lifts " + std::to_string(i) + " tons. ";
  input.passages[0].start = 7;
  input.passages[0].end = 7 + static_cast<std::int64_t>(input.passages[0].text.size());
  for (const std::size_t title : {0U, 20U, 5000U}) {
    input.passages[0].title = std::string(title, 't');
    for (const int tokens : {200, 300, 500}) {
      const auto packed = PackPrompt(input, tokens, {});
      ASSERT_TRUE(packed.has_value());
      EXPECT_LE(SizeOf(*packed), static_cast<std::size_t>(tokens) * 3);
      ASSERT_EQ(packed->passages.size(), 1U);
      const auto& text = packed->passages[0].text;
      EXPECT_TRUE(text.ends_with("tons.")) << text;
      EXPECT_NE(PromptOf(*packed).find("\n" + text + "\n\n"), std::string::npos);
      EXPECT_EQ(packed->passages[0].end, 7 + static_cast<std::int64_t>(text.size()));
    }
  }
}

TEST(PackPrompt, AQuestionThatLeavesNoRoomIsTooLarge) {
  const auto packed = PackPrompt(Input("", std::string(5990, 'q')), 2000, {});
  ASSERT_FALSE(packed.has_value());
  EXPECT_EQ(packed.error().code(), Code::kTooLarge);
  EXPECT_TRUE(PackPrompt(Input("", std::string(5000, 'q')), 2000, {}).has_value());
}

TEST(PackPrompt, ATemplateWithoutThePassagesIsRefused) {
  const auto packed = PackPrompt(Input("$query$", "$search_results$"), 4000, {});
  ASSERT_FALSE(packed.has_value());
  EXPECT_EQ(packed.error().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace strata::knowledge
