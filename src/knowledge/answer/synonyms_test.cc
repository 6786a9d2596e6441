#include "knowledge/answer/synonyms.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

TEST(Synonyms, AreKnownInAnyForm) {
  EXPECT_TRUE(AreSynonyms("shut", "closes"));
  EXPECT_TRUE(AreSynonyms("began", "starts"));
  EXPECT_TRUE(AreSynonyms("washed", "cleaned"));
  EXPECT_FALSE(AreSynonyms("open", "close"));
  EXPECT_FALSE(AreSynonyms("table", "chair"));
}

}  // namespace
}  // namespace strata::knowledge
