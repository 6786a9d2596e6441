#include "knowledge/answer/amounts.h"

#include <gtest/gtest.h>

#include <optional>

#include "knowledge/answer/claim_facts.h"

namespace strata::knowledge {
namespace {

std::optional<double> AgeIn(std::string_view text) {
  const auto amounts = AmountsIn(text);
  if (amounts.size() != 1 || !amounts[0].of.age) return std::nullopt;
  return amounts[0].value;
}

TEST(Amounts, AnAgeIsGivenInManyWays) {
  for (const std::string_view text :
       {"I am 47.", "I'm 47 and live in Lund.", "My aunt is 47 years old.", "She turned 47.",
        "What does a 47-year-old pay?", "Someone aged 47 came.", "Ich bin 47.",
        "at the age of 47"}) {
    EXPECT_EQ(AgeIn(text), 47.0) << text;
  }
  for (const std::string_view text :
       {"There are 47 of us.", "I am in room 47.", "The number is 47.", "I waited 47 years.",
        "I am over 47.", "We are open from 10 to 47.", "I was born in 1947.", ""}) {
    EXPECT_EQ(AgeIn(text), std::nullopt) << text;
  }
}

TEST(Amounts, ASizeHasItsUnit) {
  const auto amounts = AmountsIn("My boat is 9 metres long and weighs 2 tonnes.");
  ASSERT_EQ(amounts.size(), 2U);
  EXPECT_EQ(amounts[0].of.unit, UnitsOf("metre"));
  EXPECT_EQ(amounts[1].of.unit, UnitsOf("t"));
}

bool Holds(std::string_view text, double value, bool age) {
  for (const auto& bounds : BoundsIn(text)) {
    if (bounds.of.age == age && bounds.Hold(value)) return true;
  }
  return false;
}

TEST(Amounts, BoundsHoldWhatLiesInThem) {
  for (const std::string_view text :
       {"Riders aged 40 and over pay less.", "Adults over 46 may fish.", "Children under 48 swim.",
        "From 40 to 50 years it is free.", "Members between 40 and 50 row.",
        "People over the age of 40 may.", "Guests of 47 or older may.", "Kinder ab 40 Jahren"}) {
    EXPECT_TRUE(Holds(text, 47, true)) << text;
  }
  for (const std::string_view text :
       {"Riders aged 50 and over pay less.", "Adults over 47 may fish.", "Children under 47 swim.",
        "Guests are welcome from 9 to 50.", "Keep it for 40 to 50 minutes.",
        "The warranty lasts over 40 years.", "Visitors come from 9:00 to 50:00."}) {
    EXPECT_FALSE(Holds(text, 47, true)) << text;
  }
  EXPECT_TRUE(Holds("Boats of up to 9 metres may moor.", 9, false));
  EXPECT_FALSE(Holds("Boats longer than 9 metres may moor.", 9, false));
  EXPECT_TRUE(Holds("no more than 9 metres", 9, false));
  EXPECT_EQ(BoundsIn("Boats of up to 9 metres may moor.").at(0).noun, "boats");
}

}  // namespace
}  // namespace strata::knowledge
