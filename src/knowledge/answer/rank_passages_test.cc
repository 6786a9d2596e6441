#include "knowledge/answer/rank_passages.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

SourcePassage Passage(std::string_view text, double score = 0) {
  SourcePassage passage;
  passage.text = text;
  passage.score = score;
  return passage;
}

const std::string kLong(1200, 'x');

TEST(RankPassages, TheBestIsOneAndWhatHoldsNoWordNothing) {
  auto headed = Passage("It rings at noon.");
  headed.headings = {"The bell"};
  const auto scores = PassageScores(
      "Who cast the bell?",
      {Passage("Sheep and wells."), Passage("The bell was cast by Ann."), headed}, nullptr);
  EXPECT_EQ(scores[0], 0);
  EXPECT_EQ(scores[1], 1);
  EXPECT_GT(scores[2], 0);
  EXPECT_LT(scores[2], 1);
}

TEST(RankPassages, KeepsTheBestInTheirOrder) {
  const std::string bell = "The bell. " + kLong;
  const std::string cast = "Ann cast the bell. " + kLong;
  const auto kept =
      Ranked("Who cast the bell?", {Passage(kLong), Passage(bell), Passage(kLong), Passage(cast)},
             2, nullptr);
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].text, bell);
  EXPECT_EQ(kept[1].text, cast);
  EXPECT_LT(kept[0].score, kept[1].score);
}

TEST(RankPassages, OfShortOnesMoreAreKept) {
  const std::vector<SourcePassage> pieces(40, Passage("The bell was cast by Ann."));
  EXPECT_EQ(Ranked("Who cast the bell?", pieces, 1, nullptr).size(), 40U);
}

TEST(RankPassages, WhatRetrievalHasScoredIsLeftAlone) {
  const auto kept =
      Ranked("Who cast the bell?", {Passage(kLong, 0.5), Passage(kLong, 0)}, 1, nullptr);
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].score, 0.5);
}

}  // namespace
}  // namespace strata::knowledge
