#include "knowledge/retrieve/phrases.h"

#include <gmock/gmock.h>

#include "knowledge/retrieve/fuse.h"

namespace strata::knowledge {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(QuotedPhrases, StandBetweenMarksOfOneKind) {
  EXPECT_THAT(QuotedPhrases("where is the \"red iron gate\"?"), ElementsAre("red iron gate"));
  EXPECT_THAT(QuotedPhrases("\u201Cone\u201D \u201Etwo\u201C \u201Ethree\u201D"),
              ElementsAre("one", "two", "three"));
  EXPECT_THAT(QuotedPhrases("\u00AB\u00A0un\u00A0\u00BB \u00BBzwei\u00AB (\"3\")"),
              ElementsAre("\u00A0un\u00A0", "zwei", "3"));
  EXPECT_THAT(QuotedPhrases("\"a b\" and \"a b\" and \"c\""), ElementsAre("a b", "c"));
  EXPECT_THAT(QuotedPhrases("\"it's the cat's\""), ElementsAre("it's the cat's"));
}

TEST(QuotedPhrases, MarksAloneAreText) {
  for (const char* query :
       {"", "no marks", "an \"open one", "a 5\" pipe and a 6\" gate", "' not a quote '",
        "don't say 'this'", "\"\"", "\" \"", "\"?!\"", "\u201Cstart", "\u201Dend\u201C\u201E",
        "\u2018a\u2019", "a\"b\"c", "\"", "\xE2", "\xC2\xAB\xC2"}) {
    EXPECT_THAT(QuotedPhrases(query), IsEmpty()) << query;
  }
  EXPECT_THAT(QuotedPhrases("a 5\" pipe for the \"main gate\""), ElementsAre("main gate"));
}

TEST(QuotedPhrases, AreFewAndShort) {
  EXPECT_THAT(QuotedPhrases("\"a\" \"b\" \"c\" \"d\" \"e\" \"f\""), SizeIs(kPhrasesMax));
  std::string words;
  for (std::size_t i = 0; i < kPhraseWordsMax; ++i) words += "w" + std::to_string(i) + " ";
  EXPECT_THAT(QuotedPhrases("\"" + words + "\u201D"), IsEmpty());
  const auto most = "\"" + words.substr(0, words.size() - 1) + "\"";
  EXPECT_THAT(QuotedPhrases(most), SizeIs(1));
  EXPECT_THAT(QuotedPhrases("\"" + words + "more\""), IsEmpty());
  EXPECT_THAT(QuotedPhrases("\"" + std::string(kPhraseBytesMax, 'a') + "\""), SizeIs(1));
  EXPECT_THAT(QuotedPhrases("\"" + std::string(kPhraseBytesMax + 1, 'a') + "\""), IsEmpty());
}

std::uint32_t Held(std::initializer_list<std::string_view> phrases, std::string_view text) {
  const std::vector<std::string_view> list(phrases);
  return PhraseMatcher(list).In(text);
}

TEST(PhraseMatcher, TakesTheWordsInOrderAsTheIndexMakesThem) {
  EXPECT_EQ(Held({"red iron gate"}, "The red, Iron gates stand open."), 1U);
  EXPECT_EQ(Held({"red iron gate"}, "iron red gate red iron, a gate"), 0U);
  EXPECT_EQ(Held({"red iron gate"}, "red red iron red iron gate"), 1U);
  EXPECT_EQ(Held({"to be or not to be"}, "Ask: to be, or not to be."), 1U);
  EXPECT_EQ(Held({"to be or not to be"}, "to be or not to go"), 0U);
  EXPECT_EQ(Held({"gate"}, "gate"), 1U);
  EXPECT_EQ(Held({"gate"}, ""), 0U);
  EXPECT_EQ(Held({"\u6771\u4EAC\u90FD"}, "\u6771\u4EAC\u90FD\u306E"), 1U);
  EXPECT_EQ(Held({"\u6771\u4EAC\u90FD"}, "\u4EAC\u90FD\u6771\u4EAC"), 0U);
  EXPECT_EQ(Held({"4 May 2018"}, "2018-05-04"), 0U);
}

TEST(PhraseMatcher, FindsIdentifiersWholeAndByTheirParts) {
  EXPECT_EQ(Held({"call parseHttpHeader"}, "I call parseHttpHeader() here"), 1U);
  EXPECT_EQ(Held({"call header"}, "call parseHttpHeader"), 1U);
  EXPECT_EQ(Held({"http header"}, "parseHttpHeader"), 0U);
}

TEST(PhraseMatcher, SaysWhichOfSeveralAreHeld) {
  EXPECT_EQ(Held({"a b", "b c", "c d"}, "a b c"), 3U);
  EXPECT_EQ(Held({"x", "b c"}, "a b c"), 2U);
}

TEST(LeadWithPhrases, PutsThoseFirstThatHoldMore) {
  std::vector<FusedHit> hits;
  for (std::uint64_t row = 1; row <= 4; ++row) {
    hits.push_back(
        {.row = row, .score = 1.0 - 0.25 * static_cast<double>(row), .lexical = {}, .dense = {}});
  }
  std::unordered_map<std::uint64_t, int> held = {{9, 1}};
  const auto held_by = [&](const FusedHit& hit) { return held[hit.row]; };
  auto same = hits;
  LeadWithPhrases(same, held_by);
  for (std::size_t i = 0; i < hits.size(); ++i) EXPECT_EQ(same[i].score, hits[i].score);
  held = {{3, 1}, {4, 2}, {2, 1}};
  LeadWithPhrases(hits, held_by);
  std::vector<std::uint64_t> rows;
  for (const auto& hit : hits) rows.push_back(hit.row);
  EXPECT_THAT(rows, ElementsAre(4, 2, 3, 1));
  EXPECT_TRUE(std::ranges::is_sorted(hits, std::ranges::greater(), &FusedHit::score));
  EXPECT_LE(hits.front().score, 1);
  EXPECT_GE(hits.back().score, 0);
}

TEST(MergeHits, KeepsEachOnceBestFirst) {
  std::vector<LegHit> hits = {{.row = 1, .score = 3}, {.row = 2, .score = 1}};
  MergeHits(hits, std::vector<LegHit>{{.row = 3, .score = 2}, {.row = 1, .score = 3}});
  ASSERT_THAT(hits, SizeIs(3));
  EXPECT_EQ(hits[1].row, 3U);
}

}  // namespace
}  // namespace strata::knowledge
