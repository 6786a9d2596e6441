#include "text/sentences.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace strata::text {
namespace {

// The sentences, each between bars.
std::string Split(std::string_view text, std::string_view language = {}) {
  std::string out = "|";
  for (TextSpan span : SplitSentences(text, language)) {
    out += std::string(text.substr(span.begin, span.end - span.begin)) + "|";
  }
  return out;
}

TEST(Sentences, EndAtFullStopsQuestionAndExclamationMarks) {
  EXPECT_EQ(Split("One here. Is it? Yes! Done"), "|One here.|Is it?|Yes!|Done|");
  EXPECT_EQ(Split(""), "|");
  EXPECT_EQ(Split("  \n "), "|");
}

TEST(Sentences, DoNotEndAtAbbreviationsInitialsAndDecimals) {
  EXPECT_EQ(Split("Ask Dr. Smith, e.g. Monday. He knows."),
            "|Ask Dr. Smith, e.g. Monday.|He knows.|");
  EXPECT_EQ(Split("It costs 3.50 dollars. See Fig. 3 for more."),
            "|It costs 3.50 dollars.|See Fig. 3 for more.|");
  EXPECT_EQ(Split("J. R. Tolkien wrote it. We read it."), "|J. R. Tolkien wrote it.|We read it.|");
  EXPECT_EQ(Split("As Lee et al. (2010) show, it holds. So be it."),
            "|As Lee et al. (2010) show, it holds.|So be it.|");
  EXPECT_EQ(Split("He takes vitamin C. The dose is small."),
            "|He takes vitamin C.|The dose is small.|");
  EXPECT_EQ(Split("It runs at 230 V. Lamps hold 4,000 K. Mats are extra."),
            "|It runs at 230 V.|Lamps hold 4,000 K.|Mats are extra.|");
  EXPECT_EQ(Split("Use v1.2.3 now. Then stop."), "|Use v1.2.3 now.|Then stop.|");
}

TEST(Sentences, KeepQuotesAndAsidesTogether) {
  EXPECT_EQ(Split("\"Really?\" he asked. \"No.\" She left."),
            "|\"Really?\" he asked.|\"No.\"|She left.|");
}

TEST(Sentences, WrappedLinesAreOneSentence) {
  EXPECT_EQ(Split("This sentence runs over\nthe end of a line. Next one\nhere."),
            "|This sentence runs over\nthe end of a line.|Next one\nhere.|");
}

TEST(Sentences, HeadingsListItemsTablesAndCodeStandAlone) {
  EXPECT_EQ(Split("# Set up\nInstall it first. Then run.\n\n- one item\n- another. It has two.\n"),
            "|# Set up|Install it first.|Then run.|- one item|- another.|It has two.|");
  EXPECT_EQ(Split("1. First step\n2. Second step"), "|1. First step|2. Second step|");
  EXPECT_EQ(Split("| a | b. C |\n| - | - |"), "|| a | b. C ||| - | - ||");
  EXPECT_EQ(Split("Run:\n```\nx = 1. Y\n\nz\n```\nDone."), "|Run:|```\nx = 1. Y\n\nz\n```|Done.|");
}

TEST(Sentences, AShortTitleLineIsNoPartOfTheParagraphBelow) {
  EXPECT_EQ(Split("Introduction\nThis is the first sentence of a longer paragraph."),
            "|Introduction|This is the first sentence of a longer paragraph.|");
}

TEST(Sentences, KnowOtherLanguages) {
  EXPECT_EQ(Split("Das kostet z.B. Geld. Ja.", "de"), "|Das kostet z.B. Geld.|Ja.|");
  EXPECT_EQ(Split("\u4F60\u597D\u3002\u518D\u89C1\u3002", "zh"),
            "|\u4F60\u597D\u3002|\u518D\u89C1\u3002|");
}

TEST(Sentences, HoldEveryByteThatIsNotSpaceInOrder) {
  Rng rng(9);
  std::string_view parts[] = {"word ", "e.g. ", "X. ", "? ", "\n",     "\n\n", "# ",     "- ",
                              "```",   "\xFF",  "1. ", "|",  "\u2028", "...",  "\u3002", "a"};
  for (int trial = 0; trial < 400; ++trial) {
    std::string text;
    for (std::uint64_t i = 0; i < rng.Below(40); ++i) text += parts[rng.Below(std::size(parts))];
    std::size_t at = 0;
    for (TextSpan span : SplitSentences(text)) {
      ASSERT_LE(at, span.begin);
      ASSERT_LT(span.begin, span.end);
      ASSERT_LE(span.end, text.size());
      ASSERT_EQ(text.substr(at, span.begin - at).find_first_not_of(" \t\r\n\f\v"),
                std::string::npos);
      at = span.end;
    }
    ASSERT_EQ(text.substr(at).find_first_not_of(" \t\r\n\f\v"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace strata::text
