#include "route/prompt_features.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "route/phrases.h"

namespace strata::route {
namespace {

TEST(FindQuestion, IsTheLastOneBehindWorkedExamples) {
  const std::string prompt =
      "What is hot?\nA) ice\nB) fire\nPrint a letter.\nAnswer:\nB\n\n"
      "What is wet?\nA) sand\nB) rain\nPrint a letter.\nAnswer:\nB\n\n"
      "What is dark?\nA) night\nB) noon\nPrint a letter.\nAnswer:";
  auto found = FindQuestion(prompt);
  EXPECT_EQ(found.examples, 2U);
  EXPECT_TRUE(found.text.starts_with("What is dark?")) << found.text;
}

TEST(FindQuestion, KnowsMarkersAtTheStartOfLines) {
  auto found = FindQuestion(
      "Q: One plus one?\nThat is 2.\nQ: Two plus two?\nThat is 4.\nQ: Three plus three?");
  EXPECT_EQ(found.examples, 2U);
  EXPECT_EQ(found.text, "Three plus three?");
}

TEST(FindQuestion, LeavesOtherPromptsWhole) {
  for (std::string_view prompt : {"", ":", "Answer:", "Why is the sky blue?",
                                  "A cat\nB. dog\nAnswer:", "Q: One thing only?"}) {
    EXPECT_EQ(FindQuestion(prompt).text, prompt);
    EXPECT_EQ(FindQuestion(prompt).examples, 0U);
  }
}

TEST(MeasurePrompt, SeesOptionsNegationAndFormulas) {
  constexpr std::size_t kOptions = 17, kNumberOptions = 18, kExcept = 20, kFormula = 32;
  auto measure = [](std::string_view prompt, std::size_t at) {
    auto values = MeasurePrompt({prompt, 0});
    EXPECT_EQ(values.size(), kMeasures);
    return values.at(at);
  };
  EXPECT_EQ(measure("Which?\nA. one\nB. two\nC. three", kOptions), 3);
  EXPECT_EQ(measure("Which?\n(A) 1\n(B) 2", kNumberOptions), 1);
  EXPECT_EQ(measure("All of these are true EXCEPT", kExcept), 1);
  EXPECT_EQ(measure("Compute $x^2$", kFormula), 1);
  EXPECT_EQ(measure("Hello there.", kFormula), 0);
}

TEST(Phrases, AreFoundWhereverTheyStandAndNowhereElse) {
  EXPECT_EQ(PhraseGroupsIn(""), 0U);
  EXPECT_EQ(PhraseGroupsIn("the cat sat"), 0U);
  EXPECT_TRUE(HasGroup(PhraseGroupsIn("a$"), PhraseGroup::kFormula)) << "at the very end";
  EXPECT_TRUE(HasGroup(PhraseGroupsIn("x = y"), PhraseGroup::kFormula));
  EXPECT_FALSE(HasGroup(PhraseGroupsIn("x=y"), PhraseGroup::kFormula));
  auto both = PhraseGroupsIn("all of these except one");
  EXPECT_TRUE(HasGroup(both, PhraseGroup::kExcept));
  EXPECT_TRUE(HasGroup(both, PhraseGroup::kNegation)) << "' except' and 'except' both count";
  EXPECT_TRUE(HasGroup(both, PhraseGroup::kAllOrNone)) << "'all of the' begins 'all of these'";
}

TEST(MeasurePrompt, IsFiniteForAnyBytes) {
  Rng rng(4);
  for (int trial = 0; trial < 300; ++trial) {
    std::string text(rng.Below(200), '\0');
    for (char& c : text) c = static_cast<char>(rng.Below(256));
    auto question = FindQuestion(text);
    for (float value : MeasurePrompt(question)) ASSERT_TRUE(std::isfinite(value));
  }
}

}  // namespace
}  // namespace strata::route
