#include "knowledge/answer/contrasts.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

TEST(Contrasts, WordsThatExcludeEachOtherInAnyForm) {
  EXPECT_TRUE(AreContrary("open", "close"));
  EXPECT_TRUE(AreContrary("opened", "closes"));
  EXPECT_TRUE(AreContrary("rose", "fell"));
  EXPECT_TRUE(AreContrary("oldest", "newest"));
  EXPECT_TRUE(AreContrary("monday", "thursday"));
  EXPECT_TRUE(AreContrary("inlet", "outlet"));
  EXPECT_TRUE(AreContrary("bought", "sold"));
  EXPECT_TRUE(AreContrary("öffnet", "schließt"));
}

TEST(Contrasts, WordsOfOneMeaningAndStrangersDoNot) {
  EXPECT_FALSE(AreContrary("open", "opened"));
  EXPECT_FALSE(AreContrary("begin", "start"));
  EXPECT_FALSE(AreContrary("fall", "drops"));
  EXPECT_FALSE(AreContrary("open", "rise"));
  EXPECT_FALSE(AreContrary("valve", "damper"));
  EXPECT_FALSE(AreContrary("", "close"));
  EXPECT_FALSE(AreContrary("first", "seconds"));
}

TEST(Contrasts, AWordOfTwoScalesIsContraryOnlyWhereNoneJoinsThem) {
  EXPECT_TRUE(AreContrary("light", "heavy"));
  EXPECT_TRUE(AreContrary("lower", "upper"));
  EXPECT_FALSE(AreContrary("lower", "drop"));
  EXPECT_TRUE(HasContrary("winter"));
  EXPECT_FALSE(HasContrary("valve"));
}

}  // namespace
}  // namespace strata::knowledge
