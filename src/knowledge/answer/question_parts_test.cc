#include "knowledge/answer/question_parts.h"
#include "knowledge/answer/last_question.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

std::vector<std::string> PartsOf(std::string_view text) {
  std::vector<std::string> parts;
  for (const auto& part : QuestionParts(text)) parts.emplace_back(part.as);
  return parts;
}

using Parts = std::vector<std::string>;

TEST(QuestionParts, EachWordForAskingBehindAJointBeginsOne) {
  EXPECT_EQ(PartsOf("When was it built, who designed it and how tall is it?"),
            (Parts{"When was it built", "who designed it", "how tall is it?"}));
  EXPECT_EQ(PartsOf("Where is it, and what does it cost?"),
            (Parts{"Where is it", "what does it cost?"}));
  EXPECT_EQ(PartsOf("Who leads it? When did she come?"),
            (Parts{"Who leads it?", "When did she come?"}));
}

TEST(QuestionParts, RelativeClausesAndListsOfNounsAreNone) {
  for (const std::string text :
       {"Which formats and which ports are there?", "What did Lydia, who paid for the dome, own?",
        "How many cats and dogs are there?", "Explain how it works and why it fails.",
        "Is it open when it rains?", ""}) {
    EXPECT_EQ(PartsOf(text), Parts{text}) << text;
  }
}

TEST(QuestionParts, APartThatLeansOnTheFirstIsAskedWithIt) {
  const auto parts = QuestionParts("When was the Nave bridge built and who designed it?");
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].text, "When was the Nave bridge built?");
  EXPECT_TRUE(parts[1].text.starts_with("When was the Nave bridge built?"));
  EXPECT_TRUE(parts[1].text.ends_with("who designed it?"));
}

TEST(QuestionParts, ALoneWordForAskingIsFilledIn) {
  const auto parts = QuestionParts("Who cast the bell, when, and where does it hang?");
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[1].text, "when cast the bell?");
}

TEST(QuestionParts, EarlierTurnsAreNotAskedAgain) {
  const std::string text = "Who is the miller?" + std::string(kTurnBreak) + "When did she buy it?";
  const auto parts = QuestionParts(text);
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].text, text);
  EXPECT_EQ(parts[0].as, "When did she buy it?");
}

TEST(QuestionParts, WhatIsSaidBeforeHoldsForEachOfThem) {
  const auto said = "I am 63." + std::string(kTurnBreak);
  const auto parts = QuestionParts(said + "What does the bath cost and what does the tour cost?");
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].text, said + "What does the bath cost?");
  EXPECT_EQ(parts[1].text, said + "what does the tour cost?");
}

TEST(QuestionParts, ThereAreNotMoreThanFew) {
  std::string text = "Who is it";
  for (int i = 0; i < 50; ++i) text += " and where is it";
  text += "?";
  const auto parts = QuestionParts(text);
  EXPECT_EQ(parts.size(), kQuestionPartsMax);
  EXPECT_TRUE(parts.back().as.ends_with("where is it?"));
}

}  // namespace
}  // namespace strata::knowledge
