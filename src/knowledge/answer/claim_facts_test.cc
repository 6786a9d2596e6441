#include "knowledge/answer/claim_facts.h"

#include <gtest/gtest.h>

#include <string_view>

namespace strata::knowledge {
namespace {

// Whether every number of `claim` is among those of `source`.
bool Agrees(std::string_view source, std::string_view claim) {
  const auto held = NumbersOf(source);
  for (const auto& number : NumbersOf(claim)) {
    if (!HoldsNumber(held, number)) return false;
  }
  return true;
}

TEST(ClaimFacts, NumbersAgreeHoweverTheyAreWritten) {
  EXPECT_TRUE(Agrees("a height of seven metres", "7 metres"));
  EXPECT_TRUE(Agrees("1,100 W", "1100 watts"));
  EXPECT_TRUE(Agrees("14,6 Kilometer", "14.6 km"));
  EXPECT_TRUE(Agrees("auf 1.042 Metern", "1042 m"));
  EXPECT_TRUE(Agrees("0.9 million more", "£900,000 more"));
  EXPECT_TRUE(Agrees("opens at 11:00", "at 11 in the morning"));
  EXPECT_TRUE(Agrees("zwölf Betten", "12 Betten"));
  EXPECT_TRUE(Agrees("two per cent", "2 %"));
  EXPECT_TRUE(Agrees("30 minutes", "half an hour"));
  EXPECT_FALSE(Agrees("20 minutes", "half an hour"));
}

TEST(ClaimFacts, OtherNumbersDoNotAgree) {
  EXPECT_FALSE(Agrees("7 m", "8 m"));
  EXPECT_FALSE(Agrees("1,100 W", "1,000 W"));
  EXPECT_FALSE(Agrees("six months", "three months"));
  EXPECT_FALSE(Agrees("at 22:15", "at 22:45"));
  EXPECT_FALSE(Agrees("", "20"));
}

TEST(ClaimFacts, LargeNumbersMayBeSumOrDifferenceOfTwo) {
  EXPECT_TRUE(Agrees("income of 14,250 and expenses of 12,975", "a surplus of 1,275"));
  EXPECT_TRUE(Agrees("2,130 and 310", "2,440"));
  EXPECT_FALSE(Agrees("2,130 and 310", "2,540"));
  EXPECT_FALSE(Agrees("30 and 12", "18"));
  EXPECT_FALSE(Agrees("from 1898; nine minutes", "built in 1889"));
}

TEST(ClaimFacts, UnitsTellNumbersApart) {
  EXPECT_FALSE(Agrees("three metres", "three months"));
  const auto rents = NumbersOf("a deposit of three monthly rents");
  const auto months = NumbersOf("within three months");
  EXPECT_FALSE(HoldsCount(rents, months.at(0)));
  EXPECT_TRUE(HoldsCount(NumbersOf("after 3 months"), months.at(0)));
  EXPECT_TRUE(HoldsCount(NumbersOf("| 7 m |"), NumbersOf("seven metres").at(0)));
}

TEST(ClaimFacts, SmallNumbersOfHeadingsNeedTheirWord) {
  const auto date = NumbersOf("Minutes, 13 May 2024");
  EXPECT_TRUE(HoldsHeadingNumber(date, NumbersOf("on 13 May").at(0)));
  EXPECT_FALSE(HoldsHeadingNumber(date, NumbersOf("on 13 July").at(0)));
  EXPECT_TRUE(HoldsHeadingNumber(date, NumbersOf("in 2024").at(0)));
  EXPECT_TRUE(Contradicts(NumbersOf("on 6 July"), NumbersOf("on 13 July").at(0)));
  EXPECT_FALSE(Contradicts(NumbersOf("6 or 13 July"), NumbersOf("on 13 July").at(0)));
}

TEST(ClaimFacts, PartsOfNamesAreNoNumbers) {
  for (const std::string_view text : {"the A40", "report W-0312", "one of them", "", "Ünï"}) {
    EXPECT_TRUE(NumbersOf(text).empty()) << text;
  }
  EXPECT_EQ(NumbersOf("the A40 weighs 6.2 kg").size(), 1U);
}

TEST(ClaimFacts, ADenialIsAnOddCountOfNegations) {
  for (const std::string_view text :
       {"It is not allowed.", "Smoking is forbidden.", "You can't stay.", "Das ist nicht erlaubt.",
        "Les vélos ne sont pas admis.", "no longer supported without a plan, unless paid"}) {
    EXPECT_TRUE(Denies(text)) << text;
  }
  for (const std::string_view text :
       {"It is allowed.", "not permitted without consent", "no later than May",
        "not more than 900 euros", "nicht mehr als zwei", ""}) {
    EXPECT_FALSE(Denies(text)) << text;
  }
}

TEST(ClaimFacts, ListMarksAndRepliesAreNoPartOfTheClaim) {
  EXPECT_EQ(ClaimOf("- Green: power is on"), "Green: power is on");
  EXPECT_EQ(ClaimOf("No, bicycles stay outside."), "bicycles stay outside.");
  EXPECT_EQ(ClaimOf("Nobody came."), "Nobody came.");
  EXPECT_EQ(ClaimOf("According to the minutes, nobody came."), "nobody came.");
  EXPECT_EQ(ClaimOf("According to Ohm it falls."), "According to Ohm it falls.");
  EXPECT_EQ(ClaimOf(""), "");
  EXPECT_EQ(ClaimOf("2. Dogs are kept on leads."), "Dogs are kept on leads.");
  EXPECT_EQ(ClaimOf("2.5 litres are enough."), "2.5 litres are enough.");
}

TEST(ClaimFacts, NumbersOfSourcesAreNoPartOfTheClaim) {
  EXPECT_EQ(WithoutMarks("It has 14 goats [1][2]."), "It has 14 goats.");
  EXPECT_EQ(WithoutMarks("According to [1], it has 14 (source 3) goats."),
            "According to, it has 14 goats.");
  EXPECT_EQ(WithoutMarks("**Goats:** 14 (twelve of them white)"),
            "Goats: 14 (twelve of them white)");
  EXPECT_EQ(WithoutMarks("a[i] (1) [x]"), "a[i] (1) [x]");
  EXPECT_EQ(WithoutMarks("[1"), "[1");
}

}  // namespace
}  // namespace strata::knowledge
