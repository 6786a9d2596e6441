#include "domain/refusal.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::domain {
namespace {

TEST(Refusal, IsInTheLanguageOrEnglish) {
  EXPECT_EQ(RefusalIn("de"), "Die Quellen beantworten diese Frage nicht.");
  EXPECT_EQ(RefusalIn(""), "The sources do not answer this question.");
  EXPECT_EQ(RefusalIn("xx"), RefusalIn("en"));
  EXPECT_EQ(NotSaidIn("nl"), "De bronnen zeggen niet:");
}

TEST(Refusal, IsKnownInAnyLanguage) {
  EXPECT_TRUE(HoldsRefusal("Sorry. " + std::string(RefusalIn("ja"))));
  EXPECT_FALSE(IsRefusal("Sorry. " + std::string(RefusalIn("ja"))));
  EXPECT_TRUE(IsRefusal(RefusalIn("ja")));
  EXPECT_FALSE(HoldsRefusal("The sources answer this question."));
  EXPECT_TRUE(BeginsRefusal("Die Quellen bean"));
  EXPECT_FALSE(BeginsRefusal(""));
  EXPECT_FALSE(BeginsRefusal("The harbour"));
}

}  // namespace
}  // namespace strata::domain
