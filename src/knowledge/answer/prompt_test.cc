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
  EXPECT_GT(packed->passages, 5U);
  EXPECT_LT(packed->passages, 40U);
  EXPECT_LE(PromptOf(*packed).size(), static_cast<std::size_t>(kTokens * 3));
}

TEST(PackPrompt, ATemplateWithoutThePassagesIsRefused) {
  const auto packed = PackPrompt(Input("$query$", "$search_results$"), 4000, {});
  ASSERT_FALSE(packed.has_value());
  EXPECT_EQ(packed.error().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace strata::knowledge
