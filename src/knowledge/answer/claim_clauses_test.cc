#include "knowledge/answer/claim_clauses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

using ::testing::ElementsAre;

TEST(ClaimClauses, AreCutWhereBothSidesSaySomething) {
  EXPECT_THAT(ClausesOf("Both hives survived spring and nobody got stung."),
              ElementsAre("Both hives survived spring", "nobody got stung."));
  EXPECT_THAT(ClausesOf("Motors stop soon; a red lamp glows, while pumps wait outside."),
              ElementsAre("Motors stop soon", "a red lamp glows,", "pumps wait outside."));
  EXPECT_THAT(ClausesOf("Der Weg beginnt am Bahnhof und trägt gelbe Dreiecke."),
              ElementsAre("Der Weg beginnt am Bahnhof", "trägt gelbe Dreiecke."));
}

TEST(ClaimClauses, PairsOfWordsStayTogether) {
  EXPECT_THAT(ClausesOf("Cats and dogs sleep."), ElementsAre("Cats and dogs sleep."));
  EXPECT_THAT(ClausesOf("Rent and advance are due."), ElementsAre("Rent and advance are due."));
  EXPECT_THAT(ClausesOf(""), ElementsAre(""));
  EXPECT_THAT(ClausesOf(" and "), ElementsAre(" and "));
}

TEST(ClaimClauses, LongOnesComeInPieces) {
  EXPECT_THAT(PiecesOf("Cats sleep."), ElementsAre("Cats sleep."));
  EXPECT_THAT(PiecesOf(""), ElementsAre(""));
  std::string clause;
  for (int i = 0; i < 100; ++i) clause += "word" + std::to_string(i) + " ";
  const auto pieces = PiecesOf(clause);
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(std::string(pieces[0]) + std::string(pieces[1]) + std::string(pieces[2]), clause);
  EXPECT_TRUE(pieces[1].starts_with("word40 ")) << pieces[1];
}

}  // namespace
}  // namespace strata::knowledge
