#include "text/plain_tokens.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace strata::text {
namespace {

// The tokens, as growing prefixes show them.
std::vector<std::string> TokensOf(std::string_view text) {
  std::vector<std::string> tokens;
  std::size_t at = 0;
  for (std::int64_t n = 1; n <= CountPlainTokens(text); ++n) {
    auto end = PlainTokenPrefix(text, n);
    auto token = std::string(text.substr(at, end - at));
    const auto begin = token.find_first_not_of(" \n");
    tokens.push_back(token.substr(begin));
    at = end;
  }
  return tokens;
}

TEST(PlainTokens, WordsNumbersAndMarks) {
  EXPECT_EQ(TokensOf("It's 81.7 km, or 1,000."),
            (std::vector<std::string>{"It's", "81.7", "km", ",", "or", "1,000", "."}));
  EXPECT_EQ(CountPlainTokens(""), 0);
  EXPECT_EQ(CountPlainTokens(" \n\t"), 0);
}

TEST(PlainTokens, CharactersThatBelongTogetherAreNotCut) {
  EXPECT_EQ(TokensOf("Gro\u0308\u00DFe 👩‍👩‍👧!"),
            (std::vector<std::string>{"Gro\u0308\u00DFe", "👩‍👩‍👧", "!"}));
  EXPECT_EQ(TokensOf("👍🏽👍"), (std::vector<std::string>{"👍🏽", "👍"}));
  EXPECT_EQ(TokensOf("🇨🇭🇩🇪"), (std::vector<std::string>{"🇨🇭", "🇩🇪"}));
  EXPECT_EQ(TokensOf("氷河は"), (std::vector<std::string>{"氷", "河", "は"}));
}

TEST(PlainTokens, ThePrefixEndsWithATokenAndIsWholeWhenAllFits) {
  EXPECT_EQ(PlainTokenPrefix("one two three ", 2), 7U);
  EXPECT_EQ(PlainTokenPrefix("one two three ", 3), 14U);
  EXPECT_EQ(PlainTokenPrefix("one two", 0), 0U);
}

TEST(PlainTokens, MalformedBytesAreTokens) { EXPECT_EQ(CountPlainTokens("a \xFF\xFE b\xC3"), 5); }

}  // namespace
}  // namespace strata::text
