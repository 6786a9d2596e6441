#include "vector/search_tier.h"

#include <gtest/gtest.h>

namespace strata::vector {
namespace {

constexpr std::size_t kMillion = 1'000'000;

Tier Choose(TierFacts facts) {
  if (facts.effort == 0) facts.effort = 100;
  facts.links = 32;
  return ChooseTier({}, facts);
}

TEST(SearchTier, FewRowsAreScannedAndManyGoThroughTheGraph) {
  EXPECT_EQ(Choose({.rows = 199'999}), Tier::kScan);
  EXPECT_EQ(Choose({.rows = 200'000}), Tier::kGraph);
  EXPECT_EQ(Choose({.rows = kMillion}), Tier::kGraph);
}

TEST(SearchTier, WhileTheGraphIsBeingBuiltTheScanAnswers) {
  EXPECT_EQ(Choose({.rows = kMillion, .unlinked = kMillion}), Tier::kScan);
  EXPECT_EQ(Choose({.rows = kMillion, .unlinked = 600'000}), Tier::kScan);
  EXPECT_EQ(Choose({.rows = kMillion, .unlinked = 1000}), Tier::kGraph);
}

TEST(SearchTier, FewMatchingRowsAreScannedAndMoreAreWalkedThroughInTwoHops) {
  EXPECT_EQ(Choose({.rows = kMillion, .passing = 0.5}), Tier::kGraph);
  EXPECT_EQ(Choose({.rows = kMillion, .passing = 0.05}), Tier::kGraphTwoHops);
  EXPECT_EQ(Choose({.rows = kMillion, .passing = 0.001}), Tier::kScanMatching);
  EXPECT_EQ(Choose({.rows = 210'000, .passing = 0.05, .effort = 400}), Tier::kScanMatching);
}

TEST(SearchTier, WithoutAGraphTheCodesAnswerWhereTheyAreCheaper) {
  const TierFacts plain{.rows = kMillion, .coded = true, .candidates = 1000, .unlinked = kMillion};
  EXPECT_EQ(Choose(plain), Tier::kCodes);
  auto facts = plain;
  facts.rows = facts.unlinked = 199'999;
  EXPECT_EQ(Choose(facts), Tier::kScan) << "exact while it is cheap";
  facts = plain;
  facts.passing = 0.5;
  EXPECT_EQ(Choose(facts), Tier::kCodes);
  facts.passing = 0.05;
  EXPECT_EQ(Choose(facts), Tier::kCodes);
  facts.passing = 0.001;
  EXPECT_EQ(Choose(facts), Tier::kScanMatching) << "nearly every row would be asked about anyway";
  facts = plain;
  facts.candidates = 300'000;
  EXPECT_EQ(Choose(facts), Tier::kScan) << "so many rows all over memory cost more";
}

TEST(SearchTier, AskingForMuchIsAScan) {
  EXPECT_EQ(Choose({.rows = kMillion, .effort = 20'000}), Tier::kScan);
}

TEST(SearchTier, AGraphAtTheEdgeStays) {
  const TierOptions options{.exact_below = 1000, .graph_from = 0, .memory_bytes_max = 500};
  EXPECT_FALSE(WantsGraph(options, 999, false, 400));
  EXPECT_TRUE(WantsGraph(options, 1000, false, 400));
  EXPECT_TRUE(WantsGraph(options, 500, true, 400));
  EXPECT_FALSE(WantsGraph(options, 499, true, 400));
  EXPECT_FALSE(WantsGraph(options, 1000, false, 501)) << "it would not fit";
  EXPECT_TRUE(WantsCodes(options, 1000, false, 400));
  EXPECT_FALSE(WantsCodes(options, 1000, false, 501));
  EXPECT_FALSE(WantsGraph({.exact_below = 10, .graph_from = 1000}, 999, false, 0));
  EXPECT_TRUE(WantsCodes({.exact_below = 10, .graph_from = 1000}, 10, false, 0));
}

}  // namespace
}  // namespace strata::vector
