#include "knowledge/answer/corrected_question.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

std::vector<RetrievedChunk> Passages() {
  RetrievedChunk chunk;
  chunk.title = "Takeovers of the north";
  chunk.text = "The Harvex pump needs 4 litres of glycol.";
  return {chunk};
}

TEST(CorrectQuestion, WordsAreWrittenAsThePassagesWriteThem) {
  const std::vector<SpellingFix> fixes = {
      {"glycool", "glycol"}, {"harvax", "harvex"}, {"takovr", "takeov"}};
  const auto out =
      CorrectQuestion("How much glycool does a Harvax need, glycool or takovr?", fixes, Passages());
  EXPECT_EQ(out.text, "How much glycol does a Harvex need, glycol or Takeovers?");
  EXPECT_EQ(out.changes.text,
            R"([{"word":"glycool","instead":"glycol"},{"word":"Harvax","instead":"Harvex"},)"
            R"({"word":"glycool","instead":"glycol"},{"word":"takovr","instead":"Takeovers"}])");
}

TEST(CorrectQuestion, AWordThatNoPassageHasStays) {
  const std::vector<SpellingFix> fixes = {{"bridgs", "bridg"}};
  const auto out = CorrectQuestion("Which bridgs?", fixes, Passages());
  EXPECT_EQ(out.text, "Which bridgs?");
  EXPECT_EQ(out.changes.text, "");
  EXPECT_EQ(CorrectQuestion("Why?", {}, Passages()).text, "Why?");
}

}  // namespace
}  // namespace strata::knowledge
