#include "knowledge/answer/align.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace strata::knowledge {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kSmall =
    "The A40 pumps clear water from wells and ponds. It must not be used for drinking water. "
    "Water with grains larger than 3 mm blocks the impeller.\n\n"
    "Clean the filter every four weeks in the season. The guarantee lasts 24 months.\n\n"
    "| Property | Value |\n|---|---|\n| Rated power | 600 W |\n| Weight | 6.2 kg |\n";
constexpr std::string_view kLarge =
    "The A60 pumps clear and muddy water from cisterns. Grains of up to 8 mm pass through.\n\n"
    "Clean the filter every eight weeks in the season. The guarantee lasts 36 months.\n\n"
    "| Property | Value |\n|---|---|\n| Rated power | 1,100 W |\n| Weight | 11.8 kg |\n";

SourcePassage Passage(std::string_view title, std::string_view text) {
  SourcePassage passage;
  passage.title = title;
  passage.text = text;
  passage.origin.source_uri = title;
  return passage;
}

// The quotes that each sentence of an answer gets.
std::vector<std::vector<std::string>> Quotes(const std::vector<std::string>& answer,
                                             std::string question = "") {
  Aligner aligner(std::move(question), {Passage("Pump A40", kSmall), Passage("Pump A60", kLarge)},
                  nullptr);
  std::vector<std::vector<std::string>> quotes;
  for (const auto& sentence : answer) {
    auto& of_sentence = quotes.emplace_back();
    for (const auto& citation : aligner.AlignByWords(sentence)) {
      of_sentence.push_back(citation.quoted);
    }
  }
  return quotes;
}

std::vector<std::string> QuotesOf(std::string sentence) {
  return Quotes({std::move(sentence)}).front();
}

TEST(Align, ASentenceOverTwoPlacesIsCitedWithBoth) {
  EXPECT_THAT(
      QuotesOf("The A40 has a rated power of 600 W, the A60 one of 1,100 W."),
      ::testing::UnorderedElementsAre("| Rated power | 600 W |", "| Rated power | 1,100 W |"));
}

TEST(Align, NumbersAndTitlesTellDocumentsApart) {
  EXPECT_THAT(QuotesOf("During the season the filter must be cleaned every 8 weeks."),
              ElementsAre("Clean the filter every eight weeks in the season."));
  EXPECT_THAT(QuotesOf("The guarantee of the A40 lasts 24 months."),
              ElementsAre("The guarantee lasts 24 months."));
}

TEST(Align, WhatIsSaidOfBothIsCitedInEachDocument) {
  EXPECT_THAT(QuotesOf("Both pumps need a clean filter in the season."),
              ::testing::UnorderedElementsAre("Clean the filter every four weeks in the season.",
                                              "Clean the filter every eight weeks in the season."));
}

TEST(Align, TheFirstWordOfANameIsNoMoreThanPartOfIt) {
  constexpr std::string_view kShed =
      "The shed costs 900 crowns a month. Tenant is Atelier Brandt, owned by Ida Brandt.";
  Aligner aligner("", {Passage("Lease", kShed)}, nullptr);
  const auto cited = aligner.AlignByWords("Atelier Brandt pays 900 crowns a month for the shed.");
  ASSERT_EQ(cited.size(), 1U);
  EXPECT_EQ(cited[0].quoted, "The shed costs 900 crowns a month.");
}

TEST(Align, ABoundHoldsWhereANumberLiesBeyondIt) {
  EXPECT_THAT(QuotesOf("The guarantee of the A40 lasts more than 20 months."),
              ElementsAre("The guarantee lasts 24 months."));
  EXPECT_THAT(QuotesOf("The guarantee of the A40 lasts less than 20 months."), IsEmpty());
  EXPECT_THAT(QuotesOf("The guarantee of the A40 lasts up to 40 months."), IsEmpty());
}

TEST(Align, ANumberThatNoPlaceHoldsIsNotSupported) {
  EXPECT_THAT(QuotesOf("Clean the filter every six weeks in the season."), IsEmpty());
  EXPECT_THAT(QuotesOf("The guarantee lasts 48 months."), IsEmpty());
}

TEST(Align, EachClauseIsCitedWithItsOwnPlace) {
  EXPECT_THAT(
      QuotesOf("The A60 pumps clear and muddy water, and grains of up to 8 mm pass through."),
      ::testing::UnorderedElementsAre("The A60 pumps clear and muddy water from cisterns.",
                                      "Grains of up to 8 mm pass through."));
}

TEST(Align, AClauseThatNothingSupportsTakesTheOthersCitationsAlong) {
  EXPECT_THAT(QuotesOf("Sharks eat herrings near Norway and grains of up to 8 mm pass through."),
              IsEmpty());
}

TEST(Align, EveryWordOfALongSentenceIsJudged) {
  std::string goods;
  for (int i = 0; i < 70; ++i)
    goods += " good" + std::string(1, static_cast<char>('a' + i / 26)) +
             std::string(1, static_cast<char>('a' + i % 26));
  const std::string text = "The store keeps" + goods + ".";
  Aligner aligner("", {Passage("Store", text)}, nullptr);
  EXPECT_THAT(aligner.AlignByWords(text), ::testing::SizeIs(1));
  EXPECT_THAT(aligner.AlignByWords("The store keeps" + goods +
                                   " then mayor Gustav Brandt sold submarines to pirates."),
              IsEmpty());
}

TEST(Align, ANumberOfSomethingElseDoesNotHideAnotherCount) {
  constexpr std::string_view kLease =
      "The deposit is three monthly rents. The deposit is returned with interest no later than six "
      "months after the end of the lease.";
  Aligner aligner("", {Passage("Lease", kLease)}, nullptr);
  const auto cited = [&](const char* months) {
    return aligner
        .AlignByWords("The deposit is returned " + std::string(months) + " after the lease ends.")
        .size();
  };
  EXPECT_EQ(cited("three months"), 0U);
  EXPECT_EQ(cited("six months"), 1U);
}

TEST(Align, WhatIsSaidOfSomethingElseIsNotSupported) {
  EXPECT_THAT(QuotesOf("Penguins live at the south pole."), IsEmpty());
  EXPECT_THAT(QuotesOf("I hope this helps!"), IsEmpty());
  EXPECT_THAT(QuotesOf(""), IsEmpty());
}

TEST(Align, QuestionAndSentenceBeforeSayWhichDocumentIsMeant) {
  const auto small = Quotes({"The A40 weighs 6.2 kg.", "Clean its filter in the season."});
  EXPECT_THAT(small[1], ElementsAre("Clean the filter every four weeks in the season."));
  const auto large = Quotes({"Clean its filter in the season."}, "How is the A60 maintained?");
  EXPECT_THAT(large[0], ElementsAre("Clean the filter every eight weeks in the season."));
}

}  // namespace
}  // namespace strata::knowledge
