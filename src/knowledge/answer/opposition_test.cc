#include "knowledge/answer/opposition.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

bool IsOpposed(std::string_view claim, std::string_view place, std::string_view around = "") {
  return Opposition(claim).By(place, around, false);
}

TEST(Opposition, ADenialOnOneSideOnly) {
  EXPECT_TRUE(IsOpposed("The dome has no shutters.", "The dome has shutters."));
  EXPECT_FALSE(IsOpposed("The dome has no shutters.", "The dome does not have shutters."));
  EXPECT_FALSE(IsOpposed("Flash must not be used.", "The use of flash is forbidden."));
  EXPECT_FALSE(IsOpposed("The rent is 20 euros.", "The rent is 20 euros without heating."));
  EXPECT_TRUE(
      IsOpposed("The rent with heating is 20 euros.", "The rent is 20 euros without heating."));
}

TEST(Opposition, ADenialCountsInItsOwnClause) {
  const auto* const claim = "There is no iron stove, but there will be a lamp in the hut.";
  EXPECT_TRUE(IsOpposed(claim, "There is no lamp in the hut."));
  EXPECT_FALSE(IsOpposed(claim, "A lamp will hang in the hut."));
  EXPECT_FALSE(IsOpposed(claim, "No iron stove will be set up."));
}

TEST(Opposition, WhoGoesInFreeDoesNotPay) {
  EXPECT_FALSE(IsOpposed("Nurses do not pay for the ride.", "Nurses ride free."));
  EXPECT_TRUE(IsOpposed("Nurses pay for the ride.", "Nurses ride free."));
}

TEST(Opposition, AContraryUnlessItIsDenied) {
  EXPECT_TRUE(IsOpposed("The tower opens in storms.", "The tower closes in storms."));
  EXPECT_FALSE(IsOpposed("The tower does not open in storms.", "The tower closes in storms."));
  EXPECT_TRUE(IsOpposed("Flash is allowed.", "Flash is forbidden."));
  EXPECT_FALSE(IsOpposed("The lease started in May.", "The lease begins in May and ends in June."));
  EXPECT_FALSE(IsOpposed("Guests can buy tickets there.", "Tickets are sold there."));
}

TEST(Opposition, AnotherMemberOfASet) {
  EXPECT_TRUE(IsOpposed("Tours start on Mondays.", "Tours start on Tuesday."));
  EXPECT_FALSE(IsOpposed("Tours start on Tuesdays.", "Tours start on Tuesday and Friday."));
  EXPECT_FALSE(IsOpposed("In May it rained.", "It rained.", "Report of May"));
  EXPECT_FALSE(IsOpposed("You may enter in March.", "You may enter in March."));
}

TEST(Opposition, AnotherNameInItsPlace) {
  EXPECT_TRUE(IsOpposed("It was built by Oskar Brandt.", "It was built by Hedda Lindqvist."));
  EXPECT_FALSE(IsOpposed("It was built by Lindqvist.", "It was built by Hedda Lindqvist."));
  EXPECT_FALSE(IsOpposed("The Brandt house was built by Lindqvist.",
                         "It was built by Hedda Lindqvist.", "Oskar Brandt's house"));
}

TEST(Opposition, AnotherThingCounted) {
  EXPECT_TRUE(IsOpposed("It has 14 schools.", "It has 14 goats."));
  EXPECT_FALSE(IsOpposed("It has 14 goats.", "On it live 14 white goats."));
  EXPECT_FALSE(IsOpposed("", ""));
}

}  // namespace
}  // namespace strata::knowledge
