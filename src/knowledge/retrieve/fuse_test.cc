#include "knowledge/retrieve/fuse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "knowledge/retrieve/smooth.h"

namespace strata::knowledge {
namespace {

TEST(Fuse, BlendsNormalisedScoresOfBothLegs) {
  const std::vector<LegHit> lexical = {{.row = 1, .score = 20}, {.row = 2, .score = 10}};
  const std::vector<LegHit> dense = {{.row = 2, .score = 0.9}, {.row = 3, .score = 0.5}};
  const auto fused = Fuse(lexical, dense, 0.5, 100);
  ASSERT_EQ(fused.size(), 3U);
  EXPECT_EQ(fused[0].row, 2U);
  EXPECT_DOUBLE_EQ(fused[0].score, 0.5 * 0.5 + 0.5 * 1);
  EXPECT_EQ(fused[1].row, 1U);
  EXPECT_DOUBLE_EQ(fused[1].score, 0.5);
  EXPECT_FALSE(fused[1].dense.has_value());
  EXPECT_EQ(fused[2].row, 3U);
  EXPECT_FALSE(fused[2].lexical.has_value());
}

TEST(Fuse, TiesGoByRow) {
  const std::vector<LegHit> lexical = {{.row = 9, .score = 1}};
  const std::vector<LegHit> dense = {{.row = 4, .score = 0.7}};
  const auto fused = Fuse(lexical, dense, 0.5, 100);
  ASSERT_EQ(fused.size(), 2U);
  EXPECT_EQ(fused[0].row, 4U);
}

TEST(Fuse, EmptyLegsGiveNothing) {
  EXPECT_TRUE(Fuse({}, {}, 0.5, 100).empty());
  EXPECT_TRUE(Blend({}, {}).empty());
}

std::vector<std::uint64_t> RowsOf(const std::vector<FusedHit>& hits) {
  std::vector<std::uint64_t> rows;
  rows.reserve(hits.size());
  for (const auto& hit : hits) rows.push_back(hit.row);
  return rows;
}

Candidate Found(std::uint64_t row, std::optional<double> lexical, std::optional<double> dense,
                LegScores words, LegScores vectors) {
  return {.row = row, .lexical = lexical, .dense = dense, .words = words, .vectors = vectors};
}

TEST(Blend, BothLegsScoreWhatOnlyOneOfThemFound) {
  const std::vector<Candidate> candidates = {
      Found(1, 10.0, {}, {.own = 10, .around = 0}, {.own = 0.4, .around = 0}),
      Found(2, {}, 0.8, {.own = 5, .around = 0}, {.own = 0.8, .around = 0}),
      Found(3, {}, 0.5, {.own = 0, .around = 0}, {.own = 0.5, .around = 0})};
  const auto hits = Blend(candidates, {.dense_weight = 0.5, .context_share = 0});
  EXPECT_EQ(RowsOf(hits), (std::vector<std::uint64_t>{2, 1, 3}));
  EXPECT_DOUBLE_EQ(hits[0].score, 0.5 * 0.5 + 0.5 * 1);
  EXPECT_NEAR(hits[1].score, 0.5 * 1 + 0.5 * (0.4 - 0.5) / 0.3,
              1e-12);  // below the dense leg's last
  EXPECT_DOUBLE_EQ(hits[2].score, 0);
  EXPECT_EQ(hits[1].lexical, 10.0);
  EXPECT_FALSE(hits[1].dense.has_value());
}

TEST(Blend, WhatStandsAroundDecidesBetweenEquals) {
  const std::vector<Candidate> candidates = {Found(1, 4.0, {}, {.own = 4, .around = 2}, {}),
                                             Found(2, 4.0, {}, {.own = 4, .around = 8}, {})};
  const auto hits = Blend(candidates, {.dense_weight = 0, .context_share = 0.5});
  EXPECT_EQ(RowsOf(hits), (std::vector<std::uint64_t>{2, 1}));
  EXPECT_DOUBLE_EQ(hits[0].score, 1);
  EXPECT_DOUBLE_EQ(hits[1].score, 0.5 + 0.5 * 0.25);
  EXPECT_EQ(RowsOf(Blend(candidates, {.dense_weight = 0, .context_share = 0})),
            (std::vector<std::uint64_t>{1, 2}));
}

TEST(Blend, ALegThatFoundNothingCountsNothing) {
  const std::vector<Candidate> candidates = {Found(1, {}, 0.7, {}, {.own = 0.7, .around = 0.6})};
  const auto hits = Blend(candidates, {.dense_weight = 0.5, .context_share = 0.5});
  ASSERT_EQ(hits.size(), 1U);
  EXPECT_DOUBLE_EQ(hits[0].score, 0.5);
}

// Two passages that the legs disagree about, the second the better one for vectors by 0.2.
std::vector<Candidate> Disputed() {
  return {Found(1, 10.0, 0.5, {.own = 10, .around = 0}, {.own = 0.5, .around = 0}),
          Found(2, 7.0, 0.7, {.own = 7, .around = 0}, {.own = 0.7, .around = 0})};
}

TEST(Blend, VectorsDecideWhereTheirBestStandsOut) {
  const auto hits = Blend(Disputed(), {.dense_weight = 0.5,
                                       .context_share = 0,
                                       .spread = {{.mean = 0.1, .deviation = 0.1, .rows = 100}}});
  EXPECT_EQ(RowsOf(hits), (std::vector<std::uint64_t>{2, 1}));
}

TEST(Blend, WordsDecideWhereVectorsSayTheSameOfEverything) {
  const auto hits = Blend(Disputed(), {.dense_weight = 0.5,
                                       .context_share = 0,
                                       .spread = {{.mean = 0.6, .deviation = 0.2, .rows = 100}}});
  EXPECT_EQ(RowsOf(hits), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_GT(hits[1].score, 0.35) << "what words give stays";
}

TEST(Blend, ScoresStayWithinOneHoweverFarTheBestStandsOut) {
  const auto hits = Blend(Disputed(), {.dense_weight = 0.5,
                                       .context_share = 0.5,
                                       .spread = {{.mean = 0, .deviation = 0.01, .rows = 100}}});
  EXPECT_DOUBLE_EQ(hits[0].score, 1);
  EXPECT_GE(hits[1].score, 0);
}

TEST(StandsOut, GrowsFromTwoDeviationsOn) {
  const vector::ScoreSpread spread{.mean = 0.2, .deviation = 0.1, .rows = 100};
  EXPECT_NEAR(StandsOut(0.4, spread), std::log(2) / 4, 1e-12);
  EXPECT_NEAR(StandsOut(0.8, spread), 1, 0.01);
  EXPECT_LT(StandsOut(0.2, spread), 0.04);
  EXPECT_GT(StandsOut(0.1, spread), StandsOut(0.0, spread)) << "the order stays";
  EXPECT_TRUE(std::isfinite(StandsOut(1000, spread)));
  EXPECT_GE(StandsOut(-1000, spread), 0);
}

TEST(Fuse, TheOrderDoesNotDependOnHowManyHitsWereAskedFor) {
  const std::vector<LegHit> lexical = {{.row = 1, .score = 4}, {.row = 5, .score = 3}};
  std::vector<LegHit> dense = {{.row = 2, .score = 0.9}, {.row = 1, .score = 0.5}};
  const auto few = Fuse(lexical, dense, 0.5, 2);
  dense.push_back({.row = 3, .score = 0.1});
  dense.push_back({.row = 4, .score = -0.2});
  auto many = Fuse(lexical, dense, 0.5, 2);
  ASSERT_EQ(many.size(), 5U);
  for (std::size_t i = 0; i < few.size(); ++i) {
    EXPECT_EQ(many[i].row, few[i].row);
    EXPECT_DOUBLE_EQ(many[i].score, few[i].score);
  }
  EXPECT_LT(many[4].score, 0);
  const auto order = RowsOf(many);
  Rescale(many);
  EXPECT_EQ(RowsOf(many), order);
  EXPECT_DOUBLE_EQ(many.back().score, 0);
  EXPECT_LE(many.front().score, 1);
}

TEST(Fuse, NamesLeadAndTheRestFollowsInItsOrder) {
  const std::vector<FusedHit> hits = {{.row = 1, .score = 0.9, .lexical = 3.0, .dense = {}},
                                      {.row = 2, .score = 0.8, .lexical = {}, .dense = 0.4},
                                      {.row = 3, .score = 0.1, .lexical = {}, .dense = 0.3}};
  const auto led =
      LeadWithNames(hits, {{.passage = 7, .share = 0.4}, {.passage = 2, .share = 0.1}});
  EXPECT_EQ(RowsOf(led), (std::vector<std::uint64_t>{7, 2, 1, 3}));
  EXPECT_DOUBLE_EQ(led[0].score, 1);
  EXPECT_EQ(led[1].dense, 0.4);
  EXPECT_TRUE(std::ranges::is_sorted(led, BetterHit));
}

TEST(Smooth, WhatLiesAmongGoodHitsPassesWhatStandsAlone) {
  std::vector<FusedHit> hits = {{.row = 1, .score = 1, .lexical = {}, .dense = {}},
                                {.row = 2, .score = 0.8, .lexical = {}, .dense = {}},
                                {.row = 3, .score = 0.7, .lexical = {}, .dense = {}}};
  // Row 2 points away from the others, 1 and 3 the same way.
  const std::vector<float> vectors = {1, 0, 0, 1, 1, 0};
  SmoothByNeighbours(hits, vectors, 2, {.neighbours = 1, .share = 0.5, .candidates = 10});
  EXPECT_EQ(RowsOf(hits), (std::vector<std::uint64_t>{1, 3, 2}));
  EXPECT_DOUBLE_EQ(hits[0].score, 1);
  EXPECT_DOUBLE_EQ(hits[1].score, 0.85);
  EXPECT_DOUBLE_EQ(hits[2].score, 0.8);
}

TEST(Smooth, HitsBehindTheCandidatesStayBehindThem) {
  std::vector<FusedHit> hits;
  hits.reserve(5);
  for (std::uint64_t row = 0; row < 5; ++row) {
    hits.push_back(
        {.row = row, .score = 1 - 0.1 * static_cast<double>(row), .lexical = {}, .dense = {}});
  }
  const std::vector<float> vectors = {1, 0, 0, 1};
  SmoothByNeighbours(hits, vectors, 2, {.neighbours = 5, .share = 0.5, .candidates = 2});
  EXPECT_EQ(RowsOf(hits), (std::vector<std::uint64_t>{0, 1, 2, 3, 4}));
  EXPECT_TRUE(std::ranges::is_sorted(hits, BetterHit));
}

}  // namespace
}  // namespace strata::knowledge
