#include "knowledge/answer/coverage.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/run_task.h"
#include "knowledge/answer/score_pool.h"
#include "knowledge/answer/word_finder.h"

namespace strata::knowledge {
namespace {

SourcePassage Passage(std::string_view text, std::vector<std::string> headings = {}) {
  SourcePassage passage;
  passage.text = text;
  passage.headings = std::move(headings);
  return passage;
}

SentencePool Scored(std::string question, const SourcePassage& passage,
                    const vector::StaticEmbedder* words = nullptr) {
  RequestContext ctx;
  auto out = RunTask(
      ScorePool(std::move(question), {passage}, {.sentences = nullptr, .words = words}, 24, ctx));
  EXPECT_TRUE(out.has_value());
  return std::move(out->pool);
}

bool IsCovered(const SentencePool& pool, std::size_t sentence) {
  return Covers(pool.sentences.at(sentence), pool.question);
}

TEST(Coverage, WhatLacksAWordOfAShortQuestionIsNoAnswer) {
  const auto passage = Passage(
      "The collection moved to Harbour Street in 2009. Two of its boxes are blue. It was sold by "
      "its "
      "heirs in 1987.");
  const auto moved = Scored("When did the collection move?", passage);
  EXPECT_TRUE(IsCovered(moved, 0));
  EXPECT_FALSE(IsCovered(moved, 1));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(IsCovered(Scored("When was the collection founded?", passage), i)) << i;
  }
}

TEST(Coverage, APronounCoversWhatItStandsFor) {
  const auto pool =
      Scored("How long is the bridge?", Passage("The bridge was opened in 1932. It is "
                                                "503 metres long."));
  EXPECT_TRUE(IsCovered(pool, 1));
}

TEST(Coverage, AHeadingCoversWhatStandsBelow) {
  const std::string_view text = "A night costs 25 euros.";
  EXPECT_TRUE(IsCovered(Scored("What does a berth cost a night?", Passage(text, {"Berths"})), 0));
  EXPECT_FALSE(IsCovered(Scored("What does a crane cost a night?", Passage(text, {"Berths"})), 0));
}

TEST(Coverage, TheKindThatIsAskedForCoversTheWordsThatAskForIt) {
  const auto pool = Scored("How old is Marten?", Passage("Marten turned 81 years in May."));
  EXPECT_TRUE(IsCovered(pool, 0));
}

TEST(Coverage, TheKindBelowATitleAloneIsNoAnswer) {
  const auto passage =
      Passage("A bilge pump must start within 12 seconds of the alarm.", {"Ship manual"});
  EXPECT_FALSE(IsCovered(Scored("How long is the ship?", passage), 0));
  EXPECT_TRUE(IsCovered(Scored("When must a bilge pump start?", passage), 0));
}

TEST(Coverage, AWordOfNearlyTheSameVectorCovers) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("strata-coverage-test-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  vector::StaticRecipe recipe;
  recipe.teacher = "toy";
  recipe.vocabulary = {"[PAD]",   "[UNK]",       "[CLS]", "[SEP]",
                       "founded", "established", "food",  "club"};
  recipe.token_vectors = {0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0.98F, 0.2F, -1, 0, -0.98F, -0.2F};
  recipe.teacher_dimensions = recipe.dimensions = 2;
  const auto path = (folder / "toy.bin").string();
  ASSERT_TRUE(vector::DistillStaticEmbedder(recipe, path).has_value());
  const auto words = vector::StaticEmbedder::Open(path);
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(words.has_value()) << words.error().message();
  const auto passage = Passage("The club was established in 1931.");
  EXPECT_FALSE(IsCovered(Scored("When was the club founded?", passage), 0));
  EXPECT_TRUE(IsCovered(Scored("When was the club founded?", passage, words->get()), 0));
}

TEST(WordFinder, ThePastOfOneVerbIsNotAnotherVerb) {
  const auto found = [](std::string_view asked, std::string_view text) {
    const auto question = ReadQuestion(asked);
    return WordFinder(question).Find(text).words != 0;
  };
  EXPECT_FALSE(found("Who founded it?", "They found a coin."));
  EXPECT_TRUE(found("Who founded it?", "Its founder was a monk."));
  EXPECT_TRUE(found("Who found it?", "They find a coin."));
  EXPECT_TRUE(found("What do two costs sum to?", "It cost much."));
}

}  // namespace
}  // namespace strata::knowledge
