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

TEST(ScorePool, OnlyTheBestByWordsAreEmbedded) {
  fakes::FakeEmbedder embedder;
  const auto scored = Score("How long is the Aletsch glacier?", Passages({kText}), &embedder, 2);
  EXPECT_EQ(scored.vectors, VectorKind::kContextual);
  EXPECT_NE(scored.pool.sentences[0].features.cosine, 0);
  EXPECT_NE(scored.pool.sentences[1].features.cosine, 0);
  EXPECT_EQ(scored.pool.sentences[2].features.cosine, 0);
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
