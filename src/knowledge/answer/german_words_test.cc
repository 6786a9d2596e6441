#include "knowledge/answer/german_words.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

TEST(GermanWords, ParticiplesAreOfTheirVerb) {
  EXPECT_TRUE(SameGermanVerb("reinigt", "gereinigt"));
  EXPECT_TRUE(SameGermanVerb("holt", "abgeholt"));
  EXPECT_TRUE(SameGermanVerb("abholen", "abgeholt"));
  EXPECT_TRUE(SameGermanVerb("öffnet", "geöffnet"));
  EXPECT_TRUE(SameGermanVerb("trägt", "getragen"));
  EXPECT_TRUE(SameGermanVerb("restaurierte", "restauriert"));
  EXPECT_FALSE(SameGermanVerb("anholen", "abgeholt"));
  EXPECT_FALSE(SameGermanVerb("druckt", "gedrückt"));
  EXPECT_FALSE(SameGermanVerb("legt", "gelagert"));
  EXPECT_FALSE(SameGermanVerb("", "ge"));
}

TEST(GermanWords, CompoundsArePutTogetherOfTwoWords) {
  EXPECT_TRUE(IsCompoundOf("wassertank", "wasser", "tank"));
  EXPECT_TRUE(IsCompoundOf("lesesaal", "lesen", "saal"));
  EXPECT_TRUE(IsCompoundOf("arbeitstagen", "arbeit", "tag"));
  EXPECT_FALSE(IsCompoundOf("wassertank", "öl", "tank"));
  EXPECT_FALSE(IsCompoundOf("wassertankstelle", "wasser", "tank"));
  EXPECT_FALSE(IsCompoundOf("tank", "wasser", "tank"));
}

}  // namespace
}  // namespace strata::knowledge
