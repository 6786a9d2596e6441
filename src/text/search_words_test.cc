#include "text/search_words.h"

#include <gtest/gtest.h>

#include "text/normalize.h"

namespace strata::text {
namespace {

std::string Words(std::string_view text) {
  SearchWordMaker maker;
  std::string out;
  for (const std::string& word : maker.Words(text)) out += (out.empty() ? "" : " ") + word;
  return out;
}

TEST(SearchWords, LowersCaseFoldsAccentsAndStems) {
  EXPECT_EQ(Words("Running RUNS, the connections!"), "run run the connect");
  EXPECT_EQ(Words("Na\u00EFve \uFF26\uFF55\uFF4C\uFF4C stra\u00DFe"), "naiv full strass");
  EXPECT_EQ(Words("the cat's don\u2019t"), "the cat don't");
}

TEST(SearchWords, IdentifiersComeWholeAndInParts) {
  EXPECT_EQ(Words("parseHttpHeader_v2"), "parsehttpheader_v2 pars http header v2");
  EXPECT_EQ(Words("HTTPServer"), "httpserver http server");
  EXPECT_EQ(Words("max_size __init__"), "max_size max size __init__ init");
  EXPECT_EQ(Words("p53 IL-2"), "p53 il 2");
  EXPECT_EQ(Words("___"), "");
}

TEST(SearchWords, NumbersStayWhole) {
  EXPECT_EQ(Words("3.14 1,000 1,000,000 1,5 10.0.0.1. 7"), "3.14 1000 1000000 1,5 10.0.0.1 7");
}

TEST(SearchWords, ScriptsWithoutSpacesGivePairs) {
  EXPECT_EQ(Words("\u4E2D\u56FD\u4EBA"), "\u4E2D\u56FD \u56FD\u4EBA");
  EXPECT_EQ(Words("\u4E2D"), "\u4E2D");
  EXPECT_EQ(Words("a\u4E2Db"), "a \u4E2D b");
}

TEST(SearchWords, SpansAndPositionsPointIntoTheText) {
  SearchWordMaker maker;
  std::string text = "The maxSize of \u00C4rger";
  std::string out;
  maker.ForEach(text, [&](const SearchWord& word) {
    out +=
        std::to_string(word.position) + ":" + text.substr(word.begin, word.end - word.begin) + " ";
  });
  EXPECT_EQ(out, "0:The 1:maxSize 1:maxSize 1:maxSize 2:of 3:\u00C4rger ");
}

TEST(SearchWords, AnyBytesAreAcceptedAndLongRunsAreCut) {
  EXPECT_EQ(Words(std::string_view("a\xFF"
                                   "b\xC3",
                                   4)),
            "a b");
  EXPECT_EQ(Words(std::string(100'000, 'q')).size(), 64U);
}

TEST(SearchWords, StopWordsAreKnownAlsoStemmed) {
  for (std::string_view word :
       {"the", "of", "what", "doe", "does", "because", "becaus", "yourself"}) {
    EXPECT_TRUE(IsStopWord(word)) << word;
  }
  EXPECT_FALSE(IsStopWord("copper"));
}

TEST(Normalize, FormsAreThoseOfUnicode) {
  EXPECT_EQ(Nfc("e\u0301"), "\u00E9");
  EXPECT_EQ(FoldCase("\uFB01 \u00DF \u212B"), "fi ss \u00E5");
  EXPECT_EQ(FoldAccents("\u00C4rger \u0439"), "arger \u0438");
  EXPECT_EQ(FoldAccents("\u304C \uAC00"), "\u304C \uAC00");  // neither kana nor hangul lose marks
  EXPECT_EQ(Nfc("a\xFF"), "a\uFFFD");
  EXPECT_EQ(CollapseSpace(" a\t\n b\u00A0\u3000c "), "a b c");
}

}  // namespace
}  // namespace strata::text
