#include "knowledge/answer/loose_words.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

TEST(LooseWords, AdjectivesAreToldByFormOrAreCommon) {
  for (const auto* word : {"usual", "guided", "yearly", "spacious"}) {
    EXPECT_TRUE(IsLooseAdjective(word)) << word;
  }
  for (const auto* word : {"small", "old", "red", "shed", "fee"}) {
    EXPECT_FALSE(IsLooseAdjective(word)) << word;
  }
}

TEST(LooseWords, PeriodsExcludeEachOther) {
  EXPECT_TRUE(HasPeriod("annual", Tokens("It costs 40 euros a year.")));
  EXPECT_FALSE(HasOtherPeriod("annual", Tokens("It costs 40 euros a year.")));
  EXPECT_TRUE(HasOtherPeriod("daily", Tokens("It costs 40 euros per year.")));
  EXPECT_TRUE(HasOtherPeriod("yearly", Tokens("The monthly fee is 4 euros.")));
  EXPECT_FALSE(HasOtherPeriod("usual", Tokens("The monthly fee is 4 euros.")));
}

TEST(LooseWords, AWordInFrontOfTheNounSaysWhich) {
  const std::vector<std::string> said = {"what", "does", "the", "yearly", "pass", "cost"};
  EXPECT_TRUE(IsModifiedOtherwise("pass", Tokens("The day pass costs 8 euros."), said));
  EXPECT_FALSE(IsModifiedOtherwise("pass", Tokens("The pass costs 8 euros."), said));
  EXPECT_FALSE(IsModifiedOtherwise("pass", Tokens("Passes cost 8 euros."), said));
}

}  // namespace
}  // namespace strata::knowledge
