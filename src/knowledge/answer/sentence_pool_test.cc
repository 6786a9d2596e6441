#include "knowledge/answer/sentence_pool.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

TEST(SentencePool, ATableHeaderIsNoAnswerButSpeaksForItsRows) {
  constexpr auto kQuestion = "What is the warranty of the motor in months?";
  std::vector<SourcePassage> passages(1);
  passages[0].text = "| Part | Warranty (months) |\n| --- | --- |\n| Motor | 60 |\n| Pump | 36 |";
  auto sentences = BuildPool(kQuestion, passages).sentences;
  ASSERT_EQ(sentences.size(), 2U);
  EXPECT_EQ(sentences[0].label, "Part: Motor; Warranty (months): 60");
  EXPECT_EQ(sentences[0].features.own, 1);
  EXPECT_EQ(sentences[0].features.measure, 1);
  passages[0].text = "| Motor | 60 |";
  passages[0].table_header = "| Part | Warranty (months) |";
  sentences = BuildPool(kQuestion, passages).sentences;
  ASSERT_EQ(sentences.size(), 1U);
  EXPECT_EQ(sentences[0].label, "Part: Motor; Warranty (months): 60");
}

TEST(SentencePool, HeadingsOpenSectionsWithinThoseOfAHigherLevel) {
  std::vector<SourcePassage> passages(1);
  passages[0].text = "Intro.\n\n# Pumps\n\nThey hum.\n\n## Pump A\n\nIt leaks.\n\n# Fees\n\nNone.";
  const auto pool = BuildPool("Which pump leaks?", passages);
  ASSERT_EQ(pool.sections.size(), 4U);
  EXPECT_EQ(pool.sections[2].heading, "## Pump A");
  EXPECT_EQ(pool.sections[2].parent, 1U);
  EXPECT_NE(pool.sections[2].words, 0U);
  EXPECT_EQ(pool.sections[3].parent, 0U);
  EXPECT_EQ(pool.sections[3].words, 0U);
  EXPECT_EQ(pool.sentences.back().section, 3U);
}

}  // namespace
}  // namespace strata::knowledge
