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

TEST(Kinds, AQuestionAsksForWhatItsCueSays) {
  EXPECT_EQ(KindsAsked("How long is the bridge?"), unsigned{kLength | kDuration});
  EXPECT_EQ(KindsAsked("Who built it, and when?"), unsigned{kPerson | kDate});
  EXPECT_EQ(KindsAsked("Where does it lie? And what was its area?"), unsigned{kNoKind});
  EXPECT_EQ(KindsAsked("Who built it? Answer briefly."), unsigned{kPerson});
  EXPECT_EQ(KindsAsked("What percentage was left?"), unsigned{kPercent});
  EXPECT_EQ(KindsAsked("Which shape has the bridge?"), unsigned{kNoKind});
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

TEST(Kinds, SomeAreToldByTheirForm) {
  EXPECT_TRUE(KindsIn("Call +44 1632 960118 at night.") & kPhone);
  EXPECT_TRUE(KindsIn("Call 030/1234567.") & kPhone);
  EXPECT_FALSE(KindsIn("On 2024-11-06 it cost 1,200,000 crowns.") & kPhone);
  EXPECT_FALSE(KindsIn("It lasted from 1939 1945, they say.") & kPhone);
  EXPECT_TRUE(KindsIn("Write to desk@example.org.") & kEmail);
  EXPECT_TRUE(KindsIn("See https://example.org.") & kUrl);
  EXPECT_EQ(KindsAsked("What is the phone number of the desk?"), unsigned{kPhone});
}

TEST(Kinds, AYearOrAMarkIsNoCount) {
  EXPECT_FALSE(KindsIn("The road was paved in 1967.") & kNumber);
  EXPECT_FALSE(KindsIn("It stands in Dome 2.") & kNumber);
  EXPECT_FALSE(KindsIn("It came on 4 May.") & kNumber);
  EXPECT_TRUE(KindsIn("They counted 1967 birds.") & kNumber);
  EXPECT_TRUE(KindsIn("There were 38 of them.") & kNumber);
}

TEST(Kinds, AUnitThatIsCountedIsTheKind) {
  EXPECT_EQ(KindsAsked("How many litres does it hold?"), unsigned{kVolume});
  EXPECT_EQ(KindsAsked("How many guests came?"), unsigned{kNumber});
  EXPECT_TRUE(KindsIn("It holds 4,000 litres.") & kVolume);
  EXPECT_TRUE(KindsIn("The pressure is 1.4 bar.") & kPressure);
}

TEST(Kinds, CausesAreAskedForInSeveralWays) {
  for (const auto* question : {"Why did it stop?", "What caused the stop?", "Warum hielt es?",
                               "What was the reason for the stop?"}) {
    EXPECT_EQ(KindsAsked(question), unsigned{kReason}) << question;
  }
  for (const auto* answer : {"Cause: a leak.", "It stopped due to a leak.", "A leak led to it.",
                             "It stopped since the pump leaked.", "Der Grund war ein Leck."}) {
    EXPECT_TRUE(KindsIn(answer) & kReason) << answer;
  }
  EXPECT_FALSE(KindsIn("It has leaked since 1990; the report is due in May.") & kReason);
}

TEST(Kinds, DatesAreWrittenAsEachLanguageWritesThem) {
  for (const auto* date : {"Er kommt dienstags.", "La salle ferme le mardi.", "Cierra los lunes.",
                           "Chiude il lunedì.", "La fête a lieu en mars.", "Réparé en août.",
                           "Le cours commence à 14 h.", "Il arrive à 11h45.", "Abre a las 9.",
                           "Il corso comincia alle ore 18.", "Offen von 7 bis 20 Uhr."}) {
    EXPECT_TRUE(KindsIn(date) & kDate) << date;
  }
  for (const auto* other : {"Le trajet dure 3 h.", "The rover sent pictures of mars rocks.",
                            "Non è mai venuto.", "Der Bus kommt alle 9 Tage."}) {
    EXPECT_FALSE(KindsIn(other) & kDate) << other;
  }
  EXPECT_TRUE(KindsIn("Le billet est à 4,50 €.") & kMoney);
  EXPECT_TRUE(KindsIn("It is €8 a day.") & kMoney);
}

TEST(Kinds, SpanishAndItalianCuesCountWhereTheQuestionBegins) {
  EXPECT_TRUE(KindsAsked("¿Cuándo abre el taller?") & kDate);
  EXPECT_TRUE(KindsAsked("A che ora comincia il corso?") & kDate);
  EXPECT_TRUE(KindsAsked("Dove si trova il museo?") & kPlace);
  EXPECT_FALSE(KindsAsked("What does a dove eat?") & kPlace);
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
