#include "knowledge/answer/constraint_check.h"

#include <gtest/gtest.h>

#include <string>

#include "base/run_task.h"
#include "knowledge/answer/score_pool.h"

namespace strata::knowledge {
namespace {

// Of each sentence of the text: "-" for one that speaks of something else, "+" for others.
std::string Checked(std::string question, std::string_view text,
                    std::vector<std::string> headings = {}) {
  SourcePassage passage;
  passage.text = text;
  passage.headings = std::move(headings);
  RequestContext ctx;
  auto scored = RunTask(ScorePool(std::move(question), {passage}, Vectors{}, 24, ctx));
  EXPECT_TRUE(scored.has_value());
  std::string out;
  for (const auto& sentence : scored->pool.sentences) out += sentence.against ? '-' : '+';
  return out;
}

TEST(ConstraintCheck, MarksTellThingsOfOneNameApart) {
  constexpr std::string_view kText = "Pump 1 moves 30 litres. Pump 2 moves 90 litres.";
  EXPECT_EQ(Checked("How many litres does pump 2 move?", kText), "-+");
  EXPECT_EQ(Checked("How many litres does pump 3 move?", kText), "--");
  EXPECT_EQ(Checked("What does Pump 2 move?", "Pumps 1 to 4 move sand."), "+");
  EXPECT_EQ(Checked("What is stored in shed B?", "Seed is stored in shed A."), "-");
  EXPECT_EQ(Checked("What is stored in shed B?", "Seed is stored here.", {"Shed B"}), "+");
  EXPECT_EQ(Checked("What is stored in shed B?", "Seed is stored here.", {"Shed A"}), "-");
}

TEST(ConstraintCheck, APronounAndALabelKeepTheMark) {
  EXPECT_EQ(Checked("How much does Pump 2 weigh?", "Pump 2 is new. It weighs 40 kg."), "++");
  EXPECT_EQ(Checked("How much does Pump 3 weigh?", "Pump 2 is new. It weighs 40 kg."), "--");
}

TEST(ConstraintCheck, AYearHoldsUntilAnotherOneIsNamed) {
  constexpr std::string_view kText =
      "A flood came in 1931. Six barns were lost. In 1952 a storm came. Two barns were lost.";
  EXPECT_EQ(Checked("How many barns were lost in 1931?", kText), "-+--");
  EXPECT_EQ(Checked("How many barns were lost in 1952?", kText), "---+");
  EXPECT_EQ(Checked("How many barns were lost in 1999?", kText), "----");
  EXPECT_EQ(Checked("Who paid in 1931?", "The mayor paid.", {"The flood of 1931"}), "+");
  EXPECT_EQ(Checked("Who paid in 1931?", "The mayor paid.", {"The flood of 1952"}), "-");
}

TEST(ConstraintCheck, OtherPeopleInTheSamePlaceAreOthers) {
  constexpr std::string_view kText =
      "Ruth Amsel was born in Linz. Karl Birk was born in Graz. Birk met Amsel at school.";
  EXPECT_EQ(Checked("Where was Ruth Amsel born?", kText).substr(0, 2), "+-");
  EXPECT_EQ(Checked("Where was Karl Birk born?", kText).substr(0, 2), "-+");
  EXPECT_EQ(Checked("Who married Ruth Amsel?", "Amsel never married; Birk married Ida Cole."), "-");
  EXPECT_EQ(Checked("Who married Ruth Amsel?", "In 1900 Birk married Amsel."), "+");
  EXPECT_EQ(Checked("When did Hans Birk leave?", "Karl Birk left in 1930."), "-");
}

TEST(ConstraintCheck, APartThatNamesShareTellsNoneApart) {
  constexpr std::string_view kText = "Hotel Talhof has 14 rooms. Hotel Seehof has 30 rooms.";
  EXPECT_EQ(Checked("How many rooms does Hotel Seehof have?", kText), "-+");
  EXPECT_EQ(Checked("How many rooms does Hotel Talhof have?", kText), "+-");
  EXPECT_EQ(Checked("Where is Hotel Seehof?", "The hotel is in Linz.", {"Hotel Seehof"}), "+");
}

TEST(ConstraintCheck, WhatOpensDoesNotClose) {
  EXPECT_EQ(Checked("At what pressure does the valve open?", "The valve closes at 3 bar."), "-");
  EXPECT_EQ(Checked("At what pressure does the valve open?", "The valve opens at 3 bar."), "+");
  EXPECT_EQ(Checked("When does the lamp switch off?", "The lamp switches on at six."), "-");
  EXPECT_EQ(Checked("When does the lamp switch off?", "The lamp switches off at six."), "+");
  // It answers whether.
  EXPECT_EQ(Checked("Is the pool open on Sundays?", "The pool is closed on Sundays."), "+");
}

TEST(ConstraintCheck, TheKindThatIsAskedForMustBeThere) {
  constexpr std::string_view kText =
      "The warden can be called all day. The telephone of the warden is 0441 2960118.";
  EXPECT_EQ(Checked("What is the phone number of the warden?", kText), "-+");
  EXPECT_EQ(Checked("What is the e-mail address of the warden?", kText), "--");
  EXPECT_EQ(Checked("How many wardens are there?", "There are wardens."), "-");
  EXPECT_EQ(Checked("How many wardens are there?", "There are no wardens."), "+");
  EXPECT_EQ(Checked("Why did the warden leave?", "The warden left in May."), "-");
  EXPECT_EQ(Checked("Why did the warden leave?", "The warden left because of the noise."), "+");
}

TEST(ConstraintCheck, NounsBehindPrepositionsAndTheAttributeMustBeBorne) {
  constexpr std::string_view kText = "The stock of salt in the barn is 30 kg.";
  EXPECT_EQ(Checked("How much salt is in the barn?", kText), "+");
  EXPECT_EQ(Checked("How much salt is in the kitchen?", kText), "-");
  EXPECT_EQ(Checked("What is the colour of the salt?", kText), "-");
  EXPECT_EQ(Checked("What is the stock of salt?", kText), "+");
}

}  // namespace
}  // namespace strata::knowledge
