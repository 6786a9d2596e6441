#include "knowledge/answer/pool_features.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

constexpr std::string_view kText =
    "The Aletsch glacier lies in Valais. It is 23 kilometres long. The village sells cheese.";

PoolFeatures Features(std::string_view question, std::string_view text,
                      std::string_view title = {}) {
  std::vector<SourcePassage> passages(1);
  passages[0].text = text;
  passages[0].title = title;
  return FeaturesOf(BuildPool(question, passages));
}

TEST(PoolFeatures, NamesThatNoPassageHoldsAreMissing) {
  EXPECT_EQ(Features("How long is the Aletsch glacier?", kText).names_missing, 0);
  EXPECT_EQ(Features("How long is the Fiesch glacier?", kText).names_missing, 1);
  EXPECT_EQ(Features("How long is the Fiesch glacier?", kText, "Fiesch").names_missing, 0);
}

TEST(PoolFeatures, NothingOfTheKindThatIsAskedForIsUnmet) {
  constexpr std::string_view kRows =
      "| Product | Made in |\n| --- | --- |\n| Président 250 | France |";
  std::vector<SourcePassage> rows(1);
  rows[0].text = kRows;
  const auto asked = BuildPool("Who is the president of France?", rows);
  EXPECT_EQ(FeaturesOf(asked).unmet, 1);
  EXPECT_LT(asked.sentences.at(0).features.own, 0.8);  // the name is not the word
  EXPECT_EQ(BuildPool("Which president is from France?", rows).question.asked, kNoKind);
  EXPECT_EQ(Features("How long is the Aletsch glacier?", kText).unmet, 0);
}

TEST(PoolFeatures, EveryNameHasItsValue) {
  SentenceFeatures sentence;
  sentence.own = 1;
  sentence.near = 12;
  EXPECT_EQ(ValuesOf(sentence).front(), 1);
  EXPECT_EQ(ValuesOf(sentence).back(), 12);
  PoolFeatures pool;
  pool.best_own = 1;
  pool.unmet = 10;
  EXPECT_EQ(ValuesOf(pool).front(), 1);
  EXPECT_EQ(ValuesOf(pool).back(), 10);
}

}  // namespace
}  // namespace strata::knowledge
