#include "knowledge/retrieve/copies.h"

#include <gtest/gtest.h>

#include <string>

#include "base/rng.h"

namespace strata::knowledge {
namespace {

bool SaysNothingNew(std::string_view kept, std::string_view text) {
  PassagesKept passages;
  passages.Keep(Shingles(kept));
  return passages.Holds(Shingles(text));
}

constexpr std::string_view kRule = "Berths are let by the week. A berth costs 25 euros in summer.";

TEST(CopiesTest, CaseSpaceAndPunctuationMakeNoDifference) {
  EXPECT_TRUE(SaysNothingNew(kRule, kRule));
  EXPECT_TRUE(
      SaysNothingNew(kRule, "berths are let  by the\nweek - a Berth costs (25) euros in summer"));
}

TEST(CopiesTest, APartIsACopyAndTheWholeIsNot) {
  EXPECT_TRUE(SaysNothingNew(kRule, "A berth costs 25 euros in summer."));
  EXPECT_FALSE(SaysNothingNew("A berth costs 25 euros in summer.", kRule));
}

// Forms and minutes differ in the one word that somebody looks for.
TEST(CopiesTest, OneOtherWordIsNoCopy) {
  EXPECT_FALSE(
      SaysNothingNew(kRule, "Berths are let by the week. A berth costs 26 euros in summer."));
  EXPECT_FALSE(
      SaysNothingNew(kRule, "Berths are not let by the week. A berth costs 25 euros in summer."));
  EXPECT_FALSE(SaysNothingNew(
      kRule, "Berths are let by the week. A berth costs 25 euros in summer or winter."));
}

TEST(CopiesTest, PiecesOfTwoPassagesAreNoCopyOfEither) {
  PassagesKept passages;
  passages.Keep(Shingles("one two three four five"));
  passages.Keep(Shingles("three four five six seven"));
  EXPECT_TRUE(passages.Holds(Shingles("two three four five")));
  EXPECT_FALSE(passages.Holds(Shingles("two three four five six")));
}

TEST(CopiesTest, ShortTextsAreComparedWhole) {
  EXPECT_TRUE(SaysNothingNew("Yes.", "yes"));
  EXPECT_FALSE(SaysNothingNew("Yes.", "no"));
  EXPECT_FALSE(SaysNothingNew("yes it is", "yes"));
  EXPECT_FALSE(SaysNothingNew("", ""));
  EXPECT_FALSE(SaysNothingNew("...", "!!!"));
}

TEST(CopiesTest, AnyBytesAreTaken) {
  Rng rng(3);
  for (int i = 0; i < 1000; ++i) {
    std::string text;
    for (auto size = rng.Below(60); size > 0; --size) text += static_cast<char>(rng.Below(256));
    const auto shingles = Shingles(text);
    PassagesKept passages;
    passages.Keep(shingles);
    EXPECT_EQ(passages.Holds(shingles), !shingles.empty());
  }
}

}  // namespace
}  // namespace strata::knowledge
