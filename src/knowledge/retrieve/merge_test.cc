#include "knowledge/retrieve/merge.h"

#include <gmock/gmock.h>

namespace strata::knowledge {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RetrievedChunk Passage(std::string text, double score, std::optional<double> cosine = {}) {
  RetrievedChunk chunk;
  chunk.text = std::move(text);
  chunk.chunk_id = chunk.text;
  chunk.score = score;
  chunk.dense_score = cosine;
  return chunk;
}

std::vector<std::string> TextsOf(const std::vector<RetrievedChunk>& passages) {
  std::vector<std::string> texts;
  for (const auto& passage : passages) texts.push_back(passage.text);
  return texts;
}

// Of two bases with embedders of their own.
std::vector<BaseRanking> TwoBases(std::vector<RetrievedChunk> a, std::vector<RetrievedChunk> b) {
  return {{.base = "a", .vector_space = "m1", .passages = std::move(a)},
          {.base = "b", .vector_space = "m2", .passages = std::move(b)}};
}

TEST(MergeRankings, ABaseThatAnswersBadlyDoesNotLeadThoughItsOwnBestHasFullScore) {
  auto merged = MergeRankings(
      "What does the harbour charge for a berth?",
      TwoBases({Passage("A song about the moon and what it does.", 1), Passage("Tea.", 0.9)},
               {Passage("The harbour charges 25 euros for a berth.", 1),
                Passage("A berth in the harbour has electricity.", 0.6)}),
      Copies::kLast);
  EXPECT_THAT(TextsOf(merged.passages),
              ElementsAre("The harbour charges 25 euros for a berth.",
                          "A berth in the harbour has electricity.",
                          "A song about the moon and what it does.", "Tea."));
  ASSERT_EQ(merged.bases.size(), 2U);
  EXPECT_EQ(merged.bases[1].weight, 1);
  EXPECT_LT(merged.bases[0].weight, 0.6);
  EXPECT_EQ(merged.bases[0].found, 2U);
}

TEST(MergeRankings, KeepsTheOrderOfEachBaseAndScoresBetweenZeroAndOne) {
  const auto merged = MergeRankings(
      "berth harbour",
      TwoBases({Passage("nothing of it", 0.9), Passage("a berth in the harbour", 0.2)},
               {Passage("harbour", 0.8), Passage("berth", 0.1)}),
      Copies::kLast);
  const auto texts = TextsOf(merged.passages);
  const auto at = [&](std::string_view text) { return std::ranges::find(texts, text); };
  EXPECT_LT(at("nothing of it"), at("a berth in the harbour"));
  EXPECT_LT(at("harbour"), at("berth"));
  for (const auto& passage : merged.passages) {
    EXPECT_GE(passage.score, 0);
    EXPECT_LE(passage.score, 1);
  }
}

TEST(MergeRankings, CosinesCountOnlyWhereTheyCompare) {
  const std::vector<RetrievedChunk> near = {Passage("eins", 1, 0.8)};
  const std::vector<RetrievedChunk> far = {Passage("zwei", 1, 0.2)};
  // No word of the question is in them.
  auto merged = MergeRankings("question", TwoBases(far, near), Copies::kLast);
  EXPECT_EQ(merged.bases[0].weight, 1);
  EXPECT_EQ(merged.bases[1].weight, 1);
  auto same = TwoBases(far, near);
  same[1].vector_space = same[0].vector_space;
  merged = MergeRankings("question", std::move(same), Copies::kLast);
  EXPECT_THAT(TextsOf(merged.passages), ElementsAre("eins", "zwei"));
  EXPECT_DOUBLE_EQ(merged.bases[0].weight, 0.4375);
}

TEST(MergeRankings, VectorsOfDifferentEmbeddersCompareByHowFarTheBestStandsOut) {
  // The cosines of one embedder are all higher than those of the other.
  auto rankings = TwoBases({Passage("eins", 1, 0.8)}, {Passage("zwei", 1, 0.4)});
  rankings[0].stands_out = 2.5;
  rankings[1].stands_out = 5;
  auto merged = MergeRankings("question", rankings, Copies::kLast);
  EXPECT_THAT(TextsOf(merged.passages), ElementsAre("zwei", "eins"));
  EXPECT_EQ(merged.bases[1].weight, 1);
  EXPECT_LT(merged.bases[0].weight, 0.7);
  // A base of few passages cannot say it.
  rankings[0].stands_out.reset();
  merged = MergeRankings("question", std::move(rankings), Copies::kLast);
  EXPECT_EQ(merged.bases[0].weight, 1);
  EXPECT_EQ(merged.bases[1].weight, 1);
}

TEST(MergeRankings, EachPassageSaysItsBaseAndKeepsItsOwnMetadata) {
  auto with = Passage("one", 1);
  with.metadata.text = R"({"id": 18446744073709551617, "x": {}})";
  auto empty = Passage("two", 0.5);
  empty.metadata.text = "{ }";
  const auto merged =
      MergeRankings("one two", TwoBases({with, empty}, {Passage("three", 0.1)}), Copies::kLast);
  EXPECT_EQ(merged.passages[0].metadata.text,
            R"({"id": 18446744073709551617, "x": {},"strata_knowledge_base":"a"})");
  EXPECT_EQ(merged.passages[1].metadata.text, R"({ "strata_knowledge_base":"a"})");
  EXPECT_EQ(merged.passages[2].metadata.text, R"({"strata_knowledge_base":"b"})");
}

TEST(MergeRankings, CopiesOfOtherBasesComeLastUnlessTheyAreToStay) {
  const auto bases = TwoBases(
      {Passage("The quay is closed to visitors after nine.", 1)},
      {Passage("the QUAY is closed, to visitors after nine", 1), Passage("A quay of wood.", 0.4)});
  auto merged = MergeRankings("quay", bases, Copies::kLast);
  EXPECT_EQ(TextsOf(merged.passages)[1], "A quay of wood.");
  merged = MergeRankings("quay", bases, Copies::kWhereTheyAre);
  EXPECT_EQ(TextsOf(merged.passages)[2], "A quay of wood.");
}

TEST(MergeRankings, AWordThatAnotherBaseWritesIsSpeltRight) {
  auto bases = TwoBases({Passage("The sander is red.", 1)}, {Passage("A zander is a fish.", 1)});
  bases[0].corrected = {{.word = "zander", .instead = "sander"}};
  auto merged = MergeRankings("zander", bases, Copies::kLast);
  EXPECT_THAT(merged.corrected, IsEmpty());
  EXPECT_EQ(TextsOf(merged.passages).front(), "A zander is a fish.");
  bases[0].corrected = {{.word = "sandr", .instead = "sander"}};
  merged = MergeRankings("sandr", bases, Copies::kLast);
  EXPECT_THAT(merged.corrected, ElementsAre(bases[0].corrected[0]));
  EXPECT_EQ(TextsOf(merged.passages).front(), "The sander is red.");
}

TEST(MergeRankings, NothingIsNothing) {
  const auto merged = MergeRankings("q", TwoBases({}, {}), Copies::kLast);
  EXPECT_THAT(merged.passages, IsEmpty());
  EXPECT_EQ(merged.bases[0].weight, 0);
}

TEST(LeadWithQuoted, WhatHoldsThePhraseComesFirst) {
  std::vector<RetrievedChunk> passages = {Passage("quay north", 1), Passage("the north quay", 0.2)};
  LeadWithQuoted("where is the \"north quay\"", passages);
  EXPECT_THAT(TextsOf(passages), ElementsAre("the north quay", "quay north"));
}

}  // namespace
}  // namespace strata::knowledge
