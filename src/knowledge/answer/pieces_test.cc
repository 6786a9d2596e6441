#include "knowledge/answer/pieces.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

using Marks = std::vector<std::string>;

TEST(Pieces, NumbersAndNumberedNamesStayWhole) {
  std::vector<std::string> lower;
  for (const auto& piece : Pieces("Report 2024-17: W-0312 cost 1,200.50 in 1990-2000, v3.2")) {
    lower.push_back(piece.lower);
  }
  EXPECT_EQ(lower, (Marks{"report", "2024-17", "w-0312", "cost", "1,200.50", "in", "1990", "2000",
                          "v3.2"}));
}

TEST(Pieces, MarksStandBehindTheirNoun) {
  const auto marks = [](std::string_view text, std::string_view noun) {
    return MarksBehind(Pieces(text), noun);
  };
  EXPECT_EQ(marks("Tank 2 is full, tank 3 is not.", "tank"), (Marks{"2", "3"}));
  EXPECT_EQ(marks("Rooms 10 to 12 are closed", "room"), (Marks{"10", "11", "12"}));
  EXPECT_EQ(marks("the wall of Tank\n2 is thin", "tank"), (Marks{"2"}));
  EXPECT_EQ(marks("Stores A and B", "store"), (Marks{"a", "b"}));
  EXPECT_EQ(marks("Tank: 4; Volume: 12", "tank"), (Marks{"4"}));
  EXPECT_EQ(marks("room no. 7", "room"), (Marks{"7"}));
  EXPECT_EQ(marks("the store a clerk runs", "store"), Marks());
  EXPECT_EQ(marks("the fire 1924", "fire"), Marks());
  EXPECT_EQ(marks("World War II", "war"), (Marks{"ii"}));
}

}  // namespace
}  // namespace strata::knowledge
