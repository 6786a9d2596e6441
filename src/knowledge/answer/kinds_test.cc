#include "knowledge/answer/kinds.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace strata::knowledge {
namespace {

TEST(Kinds, NumbersHaveTheKindOfTheirUnit) {
  EXPECT_TRUE(KindsIn("It is 23 kilometres long.") & kLength);
  EXPECT_TRUE(KindsIn("A run of 5km.") & kLength);
  EXPECT_TRUE(KindsIn("They waited for six years.") & kDuration);
  EXPECT_TRUE(KindsIn("The ice is about one kilometre thick.") & kLength);
  EXPECT_TRUE(KindsIn("It weighs 4 tonnes.") & kMass);
  EXPECT_TRUE(KindsIn("It runs at 42 degrees.") & kTemperature);
  EXPECT_TRUE(KindsIn("It holds 4,000 litres.") & kVolume);
  EXPECT_TRUE(KindsIn("The pressure is 1.4 bar.") & kPressure);
  EXPECT_TRUE(KindsIn("It cost $5 then.") & kMoney);
  EXPECT_TRUE(KindsIn("It cost 40 euros then.") & kMoney);
  EXPECT_TRUE(KindsIn("Le billet est à 4,50 €.") & kMoney);
  EXPECT_TRUE(KindsIn("It is €8 a day.") & kMoney);
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

TEST(Kinds, UnitsMayStandInTheHeading) {
  EXPECT_EQ(KindsOfHeading("Weight (kg)"), unsigned{kMass});
  EXPECT_EQ(KindsOfHeading("Shop manager"), unsigned{kPerson});
}

TEST(Kinds, SomeAreToldByTheirForm) {
  EXPECT_TRUE(KindsIn("Call +44 1632 960118 at night.") & kPhone);
  EXPECT_TRUE(KindsIn("Call 030/1234567.") & kPhone);
  EXPECT_FALSE(KindsIn("On 2024-11-06 it cost 1,200,000 crowns.") & kPhone);
  EXPECT_FALSE(KindsIn("It lasted from 1939 1945, they say.") & kPhone);
  EXPECT_TRUE(KindsIn("Write to desk@example.org.") & kEmail);
  EXPECT_TRUE(KindsIn("See https://example.org.") & kUrl);
}

TEST(Kinds, AYearOrAMarkIsNoCount) {
  EXPECT_FALSE(KindsIn("The road was paved in 1967.") & kNumber);
  EXPECT_FALSE(KindsIn("It stands in Dome 2.") & kNumber);
  EXPECT_FALSE(KindsIn("It came on 4 May.") & kNumber);
  EXPECT_TRUE(KindsIn("They counted 1967 birds.") & kNumber);
  EXPECT_TRUE(KindsIn("There were 38 of them.") & kNumber);
}

TEST(Kinds, CausesAreGivenInSeveralWays) {
  for (const auto* answer : {"Cause: a leak.", "It stopped due to a leak.", "A leak led to it.",
                             "It stopped since the pump leaked.", "Der Grund war ein Leck."}) {
    EXPECT_TRUE(KindsIn(answer) & kReason) << answer;
  }
  EXPECT_FALSE(KindsIn("It has leaked since 1990; the report is due in May.") & kReason);
}

TEST(Kinds, DatesAreWrittenAsEachLanguageWritesThem) {
  for (const auto* date :
       {"Er kommt dienstags.", "La salle ferme le mardi.", "Cierra los lunes.", "Chiude il lunedì.",
        "La fête a lieu en mars.", "Réparé en août.", "Le cours commence à 14 h.",
        "Il arrive à 11h45.", "Abre a las 9.", "Il corso comincia alle ore 18.",
        "Offen von 7 bis 20 Uhr.", "It opens at nine."}) {
    EXPECT_TRUE(KindsIn(date) & kDate) << date;
  }
  for (const auto* other : {"Le trajet dure 3 h.", "The rover sent pictures of mars rocks.",
                            "Non è mai venuto.", "Der Bus kommt alle 9 Tage."}) {
    EXPECT_FALSE(KindsIn(other) & kDate) << other;
  }
}

}  // namespace
}  // namespace strata::knowledge
