#include "knowledge/answer/question.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "knowledge/answer/kinds.h"
#include "knowledge/answer/table_rows.h"
#include "knowledge/answer/word_forms.h"

namespace strata::knowledge {
namespace {

std::vector<std::string> NamesOf(std::string_view text) {
  std::vector<std::string> names;
  for (const auto& word : ReadQuestion(text).words) {
    if (word.name) names.push_back(word.stem);
  }
  return names;
}

TEST(Kinds, AQuestionAsksForWhatItsCueSays) {
  EXPECT_EQ(KindsAsked("How long is the bridge?"), unsigned{kLength | kDuration});
  EXPECT_EQ(KindsAsked("Who built it, and when?"), unsigned{kPerson | kDate});
  EXPECT_EQ(KindsAsked("Where does it lie? And what was its area?"), unsigned{kNoKind});
  EXPECT_EQ(KindsAsked("Who built it? Answer briefly."), unsigned{kPerson});
  EXPECT_EQ(KindsAsked("What percentage was left?"), unsigned{kPercent});
  EXPECT_EQ(KindsAsked("Which colour has the bridge?"), unsigned{kNoKind});
  EXPECT_EQ(KindsAsked("Whoever showed this?"), unsigned{kNoKind});  // whole words only
}

TEST(Kinds, NumbersHaveTheKindOfTheirUnit) {
  EXPECT_TRUE(KindsIn("It is 23 kilometres long.") & kLength);
  EXPECT_TRUE(KindsIn("A run of 5km.") & kLength);
  EXPECT_TRUE(KindsIn("They waited for six years.") & kDuration);
  EXPECT_TRUE(KindsIn("It cost $5 then.") & kMoney);
  EXPECT_TRUE(KindsIn("It cost 40 euros then.") & kMoney);
  EXPECT_TRUE(KindsIn("About 12% agreed.") & kPercent);
  EXPECT_TRUE(KindsIn("About 12 per cent agreed.") & kPercent);
  const auto year = KindsIn("Its area was 81.7 in 2011.");
  EXPECT_TRUE(year & kNumber);
  EXPECT_TRUE(year & kDate);
  EXPECT_FALSE(year & (kLength | kDuration | kMoney | kPercent));
  EXPECT_FALSE(KindsIn("He travelled many miles for years.") & (kLength | kDuration));
}

TEST(Kinds, WhatTheQuestionSaysIsNotItsAnswer) {
  const std::vector<std::string> said = {"who", "invented", "the", "zorblax", "engine", "2011"};
  EXPECT_FALSE(KindsIn("The Zorblax engine runs hot.", said) & kPerson);
  EXPECT_TRUE(KindsIn("Its inventor was Marie Köhler.", said) & kPerson);
  EXPECT_FALSE(KindsIn("That was in 2011.", said) & kDate);
  EXPECT_TRUE(KindsIn("That was in 2012.", said) & kDate);
}

TEST(Kinds, NamesArePersonsOrPlacesByWhatStandsBefore) {
  EXPECT_EQ(KindsIn("It was built in Leeds."), unsigned{kPlace});
  EXPECT_EQ(KindsIn("It was painted by Ölund."), unsigned{kPerson});
  EXPECT_EQ(KindsIn("Then the Aurelia sailed."), unsigned{kNoKind});
  EXPECT_EQ(KindsIn("It hangs in the cellar."), unsigned{kPlace});
  EXPECT_EQ(KindsIn("It is cleaned by the caretaker."), unsigned{kPerson});
}

TEST(Kinds, UnitsMayStandInTheQuestionOrTheHeading) {
  EXPECT_EQ(KindsAsked("What is the warranty in months?"), unsigned{kDuration});
  EXPECT_EQ(KindsAsked("What is the weight of the door?"), unsigned{kMass});
  EXPECT_EQ(KindsOfHeading("Weight (kg)"), unsigned{kMass});
  EXPECT_EQ(KindsOfHeading("Shop manager"), unsigned{kPerson});
  EXPECT_TRUE(KindsIn("The ice is about one kilometre thick.") & kLength);
  EXPECT_TRUE(KindsIn("It weighs 4 tonnes.") & kMass);
  EXPECT_TRUE(KindsIn("It runs at 42 degrees.") & kTemperature);
  EXPECT_TRUE(KindsIn("It opens at nine.") & kDate);
}

TEST(WordForms, FormsOfOneRootAreTheSameAndOthersAreNot) {
  for (const auto& [a, b] : {std::pair{"invent", "inventor"},
                             {"own", "owner"},
                             {"write", "writer"},
                             {"found", "founder"},
                             {"suppli", "supplier"},
                             {"manag", "manager"}}) {
    EXPECT_TRUE(SameRoot(a, b)) << a << " " << b;
    EXPECT_TRUE(SameRoot(b, a)) << a << " " << b;
  }
  for (const auto& [a, b] : {std::pair{"pump", "pumpkin"},
                             {"mast", "mist"},
                             {"car", "cargo"},
                             {"art", "article"},
                             {"plan", "planet"}}) {
    EXPECT_FALSE(SameRoot(a, b)) << a << " " << b;
  }
  EXPECT_EQ(BaseForm("built"), "build");
  EXPECT_EQ(BaseForm("heavy"), BaseForm("weighs"));
  EXPECT_EQ(BaseForm("lamp"), "lamp");
}

TEST(TableRows, AreReadWithTheirColumns) {
  const auto header = TableCells("| item | price |");
  EXPECT_EQ(LabelledRow(header, TableCells("| Blue \\| red lamp | 13.75 |")),
            "item: Blue | red lamp; price: 13.75");
  EXPECT_EQ(LabelledRow(header, TableCells("| Fan |  |")), "item: Fan");
  EXPECT_EQ(LabelledRow(TableCells("| Colour | 3 |"), TableCells("| Warranty | 36 months |")),
            "Warranty: 36 months");
  EXPECT_TRUE(IsTableRule("| --- | :-: |"));
  EXPECT_FALSE(IsTableRule("| a | - |"));
  EXPECT_TRUE(TableCells("no row").empty());
  EXPECT_TRUE(NamesColumns(TableCells("| Country | 2006 |")));
}

TEST(ReadQuestion, OwningIsAContentWord) {
  EXPECT_EQ(ReadQuestion("Who owns the mill?").words.size(), 2U);
  EXPECT_EQ(ReadQuestion("Has the mill its own well?").words.size(), 2U);
}

TEST(ReadQuestion, WordsOfAnEarlierQuestionWeighLess) {
  const auto question = ReadQuestion("Who invented the Zorblax engine? Where was it built?");
  ASSERT_EQ(question.words.size(), 4U);
  EXPECT_LT(question.words[0].weight, question.words[1].weight);
  EXPECT_EQ(question.words[3].surface, "built");
  EXPECT_EQ(question.words[3].weight, 1);
}

TEST(ReadQuestion, NamesAreCapitalisedInsideTheQuestionOrHoldDigits) {
  EXPECT_THAT(NamesOf("How long is the Aletsch glacier?"), testing::ElementsAre("aletsch"));
  EXPECT_THAT(NamesOf("Glaciers of the Alps in 2011"), testing::ElementsAre("alp", "2011"));
  EXPECT_THAT(NamesOf("who made it?"), testing::IsEmpty());
}

TEST(ReadQuestion, InATitleCapitalsSayNothing) {
  EXPECT_THAT(NamesOf("What Is The Longest Glacier Of Europe In 2011?"),
              testing::ElementsAre("2011"));
}

TEST(ReadQuestion, FramingWordsWeighLess) {
  const auto question = ReadQuestion("Which rivers are mentioned in the text?");
  ASSERT_EQ(question.words.size(), 3U);
  EXPECT_EQ(question.words[0].weight, 1);
  EXPECT_LT(question.words[1].weight, 0.5);
  EXPECT_LT(question.words[2].weight, 0.5);
}

}  // namespace
}  // namespace strata::knowledge
