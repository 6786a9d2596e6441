#include "knowledge/answer/reasons.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace strata::knowledge {
namespace {

bool Gives(std::string_view sentence, std::vector<std::string> asked) {
  const auto tokens = Tokens(sentence);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (GivesReason(tokens, i, asked)) return true;
  }
  return false;
}

TEST(Reasons, AreGivenByWordsPhrasesAndClauses) {
  for (const std::string_view sentence :
       {"The hall is heated so that the pipes do not burst.", "It was shut owing to snow.",
        "It was shut as a result of the flood.", "The gate is low, as carts pass it.",
        "The ice had thawed, so the race was put off.", "As the dam leaks, the lake is empty.",
        "Die Halle ist zu, da ein Rohr tropft.", "Le four est froid car il manque du bois.",
        "La porte est basse pour que le vent passe.", "Se cerró para que entren los carros."}) {
    EXPECT_TRUE(Gives(sentence, {})) << sentence;
  }
  for (const std::string_view sentence :
       {"It was built as a barn.", "The race was long, as agreed with the town.",
        "It was so far from here.", "He bought it, so to speak, for nothing.",
        "Er war da der erste.", "The car they bought is red.", "It has stood there since 1990."}) {
    EXPECT_FALSE(Gives(sentence, {})) << sentence;
  }
}

TEST(Reasons, APurposeIsOneWhereTheQuestionAsksWhy) {
  EXPECT_TRUE(Gives("The lid is locked to keep the mice out.", {"why"}));
  EXPECT_FALSE(Gives("The lid is locked to keep the mice out.", {"when"}));
  EXPECT_TRUE(Gives("Um die Bienen zu schonen, wird spät gemäht.", {"warum"}));
  EXPECT_TRUE(Gives("Le pré est fauché tard pour épargner les abeilles.", {"pourquoi"}));
  EXPECT_TRUE(Gives("Se siega tarde para cuidar las abejas.", {"por", "que"}));
  EXPECT_TRUE(Gives("Si taglia tardi per salvare le api.", {"perche"}));
  for (const std::string_view sentence :
       {"The keeper has to grease the lock.", "The ferry is free to ride the first day.",
        "It is open to all.", "They went to Lund in May.", "It costs 4 euros per square metre."}) {
    EXPECT_FALSE(Gives(sentence, {"why"})) << sentence;
  }
}

}  // namespace
}  // namespace strata::knowledge
