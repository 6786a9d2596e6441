#include "knowledge/answer/kinds_asked.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

TEST(KindsAsked, AreThoseThatTheCueSays) {
  EXPECT_EQ(KindsAsked("How long is the bridge?"), unsigned{kLength | kDuration});
  EXPECT_EQ(KindsAsked("Who built it, and when?"), unsigned{kPerson | kDate});
  EXPECT_EQ(KindsAsked("Where does it lie? And what was its area?"), unsigned{kNoKind});
  EXPECT_EQ(KindsAsked("Who built it? Answer briefly."), unsigned{kPerson});
  EXPECT_EQ(KindsAsked("What percentage was left?"), unsigned{kPercent});
  EXPECT_EQ(KindsAsked("Which shape has the bridge?"), unsigned{kNoKind});
  EXPECT_EQ(KindsAsked("Whoever showed this?"), unsigned{kNoKind});  // whole words only
  EXPECT_EQ(KindsAsked("What is the phone number of the desk?"), unsigned{kPhone});
}

TEST(KindsAsked, AUnitThatIsNamedIsTheKind) {
  EXPECT_EQ(KindsAsked("What is the warranty in months?"), unsigned{kDuration});
  EXPECT_EQ(KindsAsked("What is the weight of the door?"), unsigned{kMass});
  EXPECT_EQ(KindsAsked("How many litres does it hold?"), unsigned{kVolume});
  EXPECT_EQ(KindsAsked("How many guests came?"), unsigned{kNumber});
}

TEST(KindsAsked, CausesAreAskedForInSeveralWays) {
  for (const auto* question : {"Why did it stop?", "What caused the stop?", "Warum hielt es?",
                               "What was the reason for the stop?"}) {
    EXPECT_EQ(KindsAsked(question), unsigned{kReason}) << question;
  }
}

TEST(KindsAsked, SpanishAndItalianCuesCountWhereTheQuestionBegins) {
  EXPECT_TRUE(KindsAsked("¿Cuándo abre el taller?") & kDate);
  EXPECT_TRUE(KindsAsked("A che ora comincia il corso?") & kDate);
  EXPECT_TRUE(KindsAsked("Dove si trova il museo?") & kPlace);
  EXPECT_FALSE(KindsAsked("What does a dove eat?") & kPlace);
}

}  // namespace
}  // namespace strata::knowledge
