#include "knowledge/answer/score_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/run_task.h"
#include "tests/fakes/fake_embedder.h"

namespace strata::knowledge {
namespace {

constexpr std::string_view kText =
    "The Aletsch glacier lies in Valais. It is 23 kilometres long. The village sells cheese.";

std::vector<SourcePassage> Passages(std::vector<std::string_view> texts) {
  std::vector<SourcePassage> passages;
  for (auto text : texts) passages.emplace_back().text = text;
  return passages;
}

ScoredPool Score(std::string question, std::vector<SourcePassage> passages,
                 provider::Embedder* embedder, std::size_t embed_max = 24) {
  RequestContext ctx;
  auto out = RunTask(ScorePool(std::move(question), std::move(passages),
                               {.sentences = embedder, .words = nullptr}, embed_max, ctx));
  EXPECT_TRUE(out.has_value());
  return std::move(*out);
}

TEST(ScorePool, ASentenceThatLeansIsReadWithTheOneBefore) {
  auto scored = Score("How long is the Aletsch glacier?", Passages({kText}), nullptr);
  const auto& sentences = scored.pool.sentences;
  ASSERT_EQ(sentences.size(), 3U);
  EXPECT_TRUE(sentences[1].leans);
  EXPECT_EQ(sentences[1].features.measure, 1);
  EXPECT_EQ(sentences[0].features.measure, -1);
  EXPECT_GT(sentences[1].features.context, sentences[1].features.own + 0.3);
  EXPECT_EQ(EmbeddedText(scored.pool, 1, Passages({kText})),
            "The Aletsch glacier lies in Valais. It is 23 kilometres long.");
}

TEST(ScorePool, NamesThatNoPassageHoldsAreMissing) {
  auto held = Score("How long is the Aletsch glacier?", Passages({kText}), nullptr);
  EXPECT_EQ(FeaturesOf(held.pool).names_missing, 0);
  auto other = Score("How long is the Fiesch glacier?", Passages({kText}), nullptr);
  EXPECT_EQ(FeaturesOf(other.pool).names_missing, 1);
  auto titled = Passages({kText});
  titled[0].title = "Fiesch";
  EXPECT_EQ(
      FeaturesOf(Score("How long is the Fiesch glacier?", titled, nullptr).pool).names_missing, 0);
}

TEST(ScorePool, OnlyTheBestByWordsAreEmbedded) {
  fakes::FakeEmbedder embedder;
  const auto scored = Score("How long is the Aletsch glacier?", Passages({kText}), &embedder, 2);
  EXPECT_EQ(scored.vectors, VectorKind::kContextual);
  EXPECT_NE(scored.pool.sentences[0].features.cosine, 0);
  EXPECT_NE(scored.pool.sentences[1].features.cosine, 0);
  EXPECT_EQ(scored.pool.sentences[2].features.cosine, 0);
}

TEST(Features, EveryNameHasItsValue) {
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

TEST(ScorePool, ASubjectGoesOnThroughPronouns) {
  auto scored =
      Score("When was the Zorblax engine built?",
            Passages({"The Zorblax engine hums. Its inventor was Ann. It was built in 1971. "
                      "The cat sleeps. Boats were built in 1950."}),
            nullptr);
  const auto& s = scored.pool.sentences;
  ASSERT_EQ(s.size(), 5U);
  EXPECT_GT(s[2].features.context, 0.75);
  EXPECT_GT(s[2].features.context, s[4].features.context + 0.2);
  EXPECT_GT(s[2].score, s[0].score + 1);  // which holds no date
}

TEST(ScorePool, ATableHeaderIsNoAnswerButSpeaksForItsRows) {
  constexpr std::string_view kTable =
      "| Part | Warranty (months) |\n| --- | --- |\n| Motor | 60 |\n| Pump | 36 |";
  auto scored = Score("What is the warranty of the motor in months?", Passages({kTable}), nullptr);
  const auto& s = scored.pool.sentences;
  ASSERT_EQ(s.size(), 2U);
  EXPECT_EQ(s[0].label, "Part: Motor; Warranty (months): 60");
  EXPECT_EQ(s[0].features.own, 1);
  EXPECT_EQ(s[0].features.measure, 1);
  auto later = Passages({"| Motor | 60 |"});
  later[0].table_header = "| Part | Warranty (months) |";
  scored = Score("What is the warranty of the motor in months?", later, nullptr);
  ASSERT_EQ(scored.pool.sentences.size(), 1U);
  EXPECT_EQ(scored.pool.sentences[0].label, "Part: Motor; Warranty (months): 60");
}

TEST(ScorePool, NothingOfTheKindThatIsAskedForIsUnmet) {
  const auto rows = Passages({"| Product | Made in |\n| --- | --- |\n| Président 250 | France |"});
  const auto asked = Score("Who is the president of France?", rows, nullptr);
  EXPECT_EQ(FeaturesOf(asked.pool).unmet, 1);
  EXPECT_LT(asked.pool.sentences.at(0).features.own, 0.8);  // the name is not the word
  EXPECT_EQ(Score("Which president is from France?", rows, nullptr).pool.question.asked, kNoKind);
  EXPECT_EQ(
      FeaturesOf(Score("How long is the Aletsch glacier?", Passages({kText}), nullptr).pool).unmet,
      0);
}

TEST(ScorePool, NeighboursAreOfTheSamePassage) {
  auto scored =
      Score("glacier", Passages({"A glacier. Some ice.", "The cheese of the village."}), nullptr);
  auto& pool = scored.pool;
  ASSERT_EQ(pool.sentences.size(), 3U);
  const std::vector<std::size_t> candidates = {0, 1, 2};
  const std::vector<double> cosines = {0.9, 0.5, 0.1};
  SetCosines(candidates, cosines, pool);
  EXPECT_EQ(pool.sentences[0].features.near, 0.5);
  EXPECT_EQ(pool.sentences[1].features.near, 0.9);
  EXPECT_EQ(pool.sentences[2].features.near, 0);
}

}  // namespace
}  // namespace strata::knowledge
