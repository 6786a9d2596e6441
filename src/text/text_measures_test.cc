#include <gtest/gtest.h>

#include <cmath>

#include "base/utf8.h"
#include "text/bert_characters.h"
#include "text/hashed_features.h"
#include "text/language.h"
#include "text/offsets.h"

namespace strata::text {
namespace {

TEST(CodePointOffsets, AgreeWithCountingFromTheStart) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "ab\u00E9\u4E2D\U0001F389\xFF";
  CodePointOffsets offsets(text);
  EXPECT_EQ(offsets.size(), CodePointCount(text));
  std::size_t points = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = std::max<std::size_t>(Utf8SequenceSize(text, at), 1);
    for (std::size_t inside = 0; inside < size; ++inside) {
      ASSERT_EQ(offsets.FromByte(at + inside), points);
    }
    ASSERT_EQ(offsets.ToByte(points), at);
    at += size;
    points += 1;
  }
  EXPECT_EQ(offsets.FromByte(text.size() + 5), points);
  EXPECT_EQ(offsets.ToByte(points + 5), text.size());
}

TEST(CodePointOffsets, OfAsciiAndOfNothingAreTheBytes) {
  CodePointOffsets ascii("hello");
  EXPECT_EQ(ascii.FromByte(3), 3U);
  EXPECT_EQ(ascii.ToByte(9), 5U);
  CodePointOffsets nothing("");
  EXPECT_EQ(nothing.size(), 0U);
  EXPECT_EQ(nothing.FromByte(4), 0U);
  EXPECT_EQ(nothing.ToByte(1), 0U);
}

TEST(Language, IsGuessedByScriptOrByFrequentWords) {
  EXPECT_EQ(GuessLanguage("The quick fox is in the house of the king"), "en");
  EXPECT_EQ(GuessLanguage("Das ist ein Haus und der Garten ist nicht gro\u00DF"), "de");
  EXPECT_EQ(GuessLanguage("Le chat est dans la maison et les enfants sont avec lui"), "fr");
  EXPECT_EQ(GuessLanguage("El gato est\u00E1 en la casa de los ni\u00F1os y no sale"), "es");
  EXPECT_EQ(GuessLanguage("\u8FD9\u662F\u4E00\u4E2A\u53E5\u5B50"), "zh");
  EXPECT_EQ(GuessLanguage("\u3053\u308C\u306F\u672C\u3067\u3059"), "ja");
  EXPECT_EQ(GuessLanguage("\u042D\u0442\u043E \u0434\u043E\u043C"), "ru");
  EXPECT_EQ(GuessLanguage("x1 y2 z3"), "");
  EXPECT_EQ(GuessLanguage("\xFF\xFE"), "");
  EXPECT_EQ(GuessLanguage("Wer ist Anna?"), "de");
  EXPECT_EQ(GuessLanguage("Quel est le prix ?"), "fr");
  EXPECT_EQ(GuessLanguage("\u00BFQui\u00E9n es Anna?"), "es");
  EXPECT_EQ(GuessLanguage("Quanto costa la camera?"), "it");
  EXPECT_EQ(GuessLanguage("Combien co\u00FBte l'entr\u00E9e ?"), "fr");
  EXPECT_EQ(GuessLanguage("Wo soll ich mein Fahrrad abstellen?"), "de");
  EXPECT_EQ(GuessLanguage("May I put up a greenhouse?"), "en");
  EXPECT_EQ(GuessLanguage("How much do I pay for a full plot if I am 75?"), "en");
}

TEST(HashedFeatures, HaveLengthOneAreSortedAndRepeatable) {
  auto features = HashFeatures("How much does the red car cost?");
  double squares = 0;
  for (std::size_t i = 0; i < features.size(); ++i) {
    if (i > 0) EXPECT_LT(features[i - 1].index, features[i].index);
    EXPECT_LT(features[i].index, 1U << 18);
    squares += features[i].value * features[i].value;
  }
  EXPECT_NEAR(squares, 1, 1e-5);
  EXPECT_EQ(features, HashFeatures("how MUCH does the red car cost?"));
  EXPECT_NE(features, HashFeatures("how much does the car red cost?"));
  EXPECT_TRUE(HashFeatures(" ?! ").empty());
  EXPECT_FALSE(HashFeatures("a\xFF\xC3").empty());
}

TEST(BertCharacters, EveryCodePointFitsAndBecomesOneKind) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    BertCharacter character = MakeBertCharacter(c);
    bool text = character.kind == BertKind::kWord || character.kind == BertKind::kAlone;
    ASSERT_EQ(text, character.size > 0);
    ASSERT_LE(character.size, character.utf8.size());
  }
}

}  // namespace
}  // namespace strata::text
