#include "knowledge/answer/question.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "knowledge/answer/kinds.h"

namespace strata::knowledge {
namespace {

std::vector<std::string> NamesOf(std::string_view text) {
  std::vector<std::string> names;
  for (const auto& word : ReadQuestion(text).words) {
    if (word.name) names.push_back(word.stem);
  }
  return names;
}

TEST(Kinds, AQuestionAsksForWhatItsCueSays) {
  EXPECT_EQ(KindsAsked("How long is the bridge?"), unsigned{kLength | kDuration});
  EXPECT_EQ(KindsAsked("Who built it, and when?"), unsigned{kPerson | kDate});
  EXPECT_EQ(KindsAsked("Where does it lie? And what was its area?"), unsigned{kNoKind});
  EXPECT_EQ(KindsAsked("Who built it? Answer briefly."), unsigned{kPerson});
  EXPECT_EQ(KindsAsked("What percentage was left?"), unsigned{kPercent});
  EXPECT_EQ(KindsAsked("Which colour has the bridge?"), unsigned{kNoKind});
  EXPECT_EQ(KindsAsked("Whoever showed this?"), unsigned{kNoKind});  // whole words only
}

TEST(Kinds, NumbersHaveTheKindOfTheirUnit) {
  EXPECT_TRUE(KindsIn("It is 23 kilometres long.") & kLength);
  EXPECT_TRUE(KindsIn("A run of 5km.") & kLength);
  EXPECT_TRUE(KindsIn("They waited for six years.") & kDuration);
  EXPECT_TRUE(KindsIn("It cost $5 then.") & kMoney);
  EXPECT_TRUE(KindsIn("It cost 40 euros then.") & kMoney);
  EXPECT_TRUE(KindsIn("About 12% agreed.") & kPercent);
  EXPECT_TRUE(KindsIn("About 12 per cent agreed.") & kPercent);
  const auto year = KindsIn("Its area was 81.7 in 2011.");
  EXPECT_TRUE(year & kNumber);
  EXPECT_TRUE(year & kDate);
  EXPECT_FALSE(year & (kLength | kDuration | kMoney | kPercent));
  EXPECT_FALSE(KindsIn("He travelled many miles for years.") & (kLength | kDuration));
}

TEST(ReadQuestion, NamesAreCapitalisedInsideTheQuestionOrHoldDigits) {
  EXPECT_THAT(NamesOf("How long is the Aletsch glacier?"), testing::ElementsAre("aletsch"));
  EXPECT_THAT(NamesOf("Glaciers of the Alps in 2011"), testing::ElementsAre("alp", "2011"));
  EXPECT_THAT(NamesOf("who made it?"), testing::IsEmpty());
}

TEST(ReadQuestion, InATitleCapitalsSayNothing) {
  EXPECT_THAT(NamesOf("What Is The Longest Glacier Of Europe In 2011?"),
              testing::ElementsAre("2011"));
}

TEST(ReadQuestion, FramingWordsWeighLess) {
  const auto question = ReadQuestion("Which rivers are mentioned in the text?");
  ASSERT_EQ(question.words.size(), 3U);
  EXPECT_EQ(question.words[0].weight, 1);
  EXPECT_LT(question.words[1].weight, 0.5);
  EXPECT_LT(question.words[2].weight, 0.5);
}

}  // namespace
}  // namespace strata::knowledge
