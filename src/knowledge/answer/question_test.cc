#include "knowledge/answer/question.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "knowledge/answer/contrasts.h"
#include "knowledge/answer/kinds.h"
#include "knowledge/answer/pieces.h"
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

TEST(Question, WhatIsElidedBeforeAWordIsNoPartOfIt) {
  EXPECT_EQ(WithoutElision("l'entrée"), "entrée");
  EXPECT_EQ(WithoutElision("L\u2019entrée"), "entrée");
  EXPECT_EQ(WithoutElision("jusqu'au"), "au");
  EXPECT_EQ(WithoutElision("don't"), "don't");
  EXPECT_EQ(WithoutElision("o'clock"), "o'clock");
  const auto question = ReadQuestion("Combien coûte l'entrée du musée ?");
  ASSERT_EQ(question.words.size(), 3U);
  EXPECT_EQ(question.words[1].surface, "entrée");
  EXPECT_TRUE(question.constraints.designators.empty());
  const auto asked = ReadQuestion("Quand le musée est-il ouvert ?");
  EXPECT_EQ(asked.words.size(), 2U);
}

TEST(Contrasts, AnExceptionSaysTheContrary) {
  EXPECT_TRUE(SaysByException("closed", "Open every day except Monday."));
  EXPECT_TRUE(SaysByException("fermée", "Elle est ouverte tous les jours sauf le lundi."));
  EXPECT_FALSE(SaysByException("closed", "Open every day."));
  EXPECT_FALSE(SaysByException("closed", "Closed every day except Monday."));
}

TEST(Question, WordsForAskingOfOtherLanguagesAreNotItsSubject) {
  const auto words = [](std::string_view text) {
    std::vector<std::string> surfaces;
    for (const auto& word : ReadQuestion(text).words) {
      if (word.salience > 0.5) surfaces.push_back(word.surface);
    }
    return surfaces;
  };
  EXPECT_THAT(words("Wie heißt der Fisch?"), testing::ElementsAre("fisch"));
  EXPECT_THAT(words("In welchem Jahr wurde die Mühle gebaut?"),
              testing::ElementsAre("jahr", "mühle", "gebaut"));
  EXPECT_EQ(QuestionLanguage("Was kostet ein Bett?"), "de");
  EXPECT_EQ(QuestionLanguage("Was the bridge painted?"), "");
  EXPECT_EQ(QuestionLanguage("Was Loos in Antwerp?"), "");
  EXPECT_EQ(QuestionLanguage("Qui est le maire ?"), "fr");
}

TEST(Question, KnowsWhatTellsItsSubjectFromOthers) {
  const auto of = [](std::string_view text) { return ReadQuestion(text).constraints; };
  const auto tank = of("What is the pressure in Tank 2?");
  ASSERT_EQ(tank.designators.size(), 1U);
  EXPECT_EQ(tank.designators[0].noun, "tank");
  EXPECT_EQ(tank.designators[0].mark, "2");
  EXPECT_EQ(of("What is the humidity in store b?").designators.size(), 1U);
  EXPECT_TRUE(of("Who paid 20 euros in May 1924?").designators.empty());
  EXPECT_THAT(of("Who paid in May 1924?").years, testing::ElementsAre("1924"));
  const auto name = of("When did Clara Brandt leave?").names;
  ASSERT_EQ(name.size(), 1U);
  EXPECT_THAT(name[0].parts, testing::ElementsAre("clara", "brandt"));
  EXPECT_TRUE(name[0].subject);
  EXPECT_EQ(of("Who is the captain of the Aurelia?").names.at(0).before, "captain");
  EXPECT_EQ(of("When does the lamp switch off?").particles.size(), 1U);
  EXPECT_NE(of("What is the hardness of the tank?").attribute, 0U);
  EXPECT_EQ(of("What is the purpose of the tank?").attribute, 0U);
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

TEST(Constraints, SmallLettersAndIdentifiersTellThingsApart) {
  const auto tank = ReadQuestion("When was tank 1 emptied?").constraints;
  ASSERT_EQ(tank.designators.size(), 1u);
  EXPECT_EQ(tank.designators[0].mark, "1");
  EXPECT_TRUE(ReadQuestion("Does it take 3 hours to boil?").constraints.designators.empty());
  const auto pump = ReadQuestion("How much does pump p-102 deliver?").constraints;
  EXPECT_EQ(pump.identifiers, std::vector<std::string>{"p-102"});
  EXPECT_EQ(FormOfIdentifier("p-102"), FormOfIdentifier("k-7"));
  EXPECT_NE(FormOfIdentifier("p-102"), FormOfIdentifier("px7"));
}

}  // namespace
}  // namespace strata::knowledge
