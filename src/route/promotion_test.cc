// Promotion of learned routers on made-up outcomes: what is won, what is not, and why.

#include "route/promotion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "route/made_up_rows.h"

namespace strata::route {
namespace {

using testing::HasSubstr;

const TrainOptions kPair{.models = {"strong", "cheap"}, .pair = true};
constexpr double kTolerance = 0.05;

std::shared_ptr<const Router> Trained(const std::vector<OutcomeRow>& rows) {
  auto state = TrainOn(rows, kPair);
  EXPECT_TRUE(state.has_value());
  return *Router::Make(std::move(*state), Embedder());
}

// The same questions, where the cheap model is always wrong: nothing may move.
std::vector<OutcomeRow> HopelessRows(std::size_t n) {
  auto rows = Rows(n, 5);
  for (auto& row : rows) {
    for (auto& outcome : row.outcomes) {
      if (outcome.model == "cheap") outcome.quality = 0;
    }
  }
  return rows;
}

TEST(Promotion, ARouterThatSavesWithinTheToleranceBeatsOneThatMovesNothing) {
  auto challenger = Trained(Rows(1500, 1));
  auto champion = Trained(HopelessRows(400));
  auto held_out = Rows(800, 9);
  auto judged = JudgeChallenger(*challenger, champion.get(), held_out, kTolerance);
  EXPECT_TRUE(judged.promoted) << judged.reason;
  EXPECT_EQ(judged.rows, 800);
  EXPECT_GT(judged.share_moved, 0.3);
  ASSERT_EQ(judged.contests.size(), 2);
  EXPECT_LT(judged.contests[0].cost.high, 1);
  EXPECT_EQ(judged.contests[1].against, "strong") << "the cheap one alone is not good enough";
}

TEST(Promotion, TheSameRouterAgainIsNotPromoted) {
  auto router = Trained(Rows(1500, 1));
  auto judged = JudgeChallenger(*router, router.get(), Rows(800, 9), kTolerance);
  EXPECT_FALSE(judged.promoted);
  EXPECT_THAT(judged.reason, HasSubstr("does not beat router-"));
}

TEST(Promotion, ASingleModelThatIsAsGoodAndCheaperIsNotBeaten) {
  auto challenger = Trained(Rows(1500, 1));
  auto held_out = Rows(800, 9);
  for (auto& row : held_out) {
    double strong = row.Find("strong")->quality;
    for (auto& outcome : row.outcomes) {
      if (outcome.model == "cheap") outcome.quality = strong;
    }
  }
  auto judged = JudgeChallenger(*challenger, nullptr, held_out, kTolerance);
  EXPECT_FALSE(judged.promoted);
  EXPECT_THAT(judged.reason, HasSubstr("does not beat cheap"));
}

TEST(Promotion, LostQualityIsNotPromotedHoweverCheap) {
  auto challenger = Trained(Rows(1500, 1));
  auto judged = JudgeChallenger(*challenger, nullptr, HopelessRows(800), kTolerance);
  EXPECT_FALSE(judged.promoted);
  EXPECT_THAT(judged.reason, HasSubstr("of strong's quality"));
}

TEST(Promotion, FewRowsDecideNothing) {
  auto challenger = Trained(Rows(1500, 1));
  auto judged = JudgeChallenger(*challenger, nullptr, Rows(99, 9), kTolerance);
  EXPECT_FALSE(judged.promoted);
  EXPECT_THAT(judged.reason, HasSubstr("99 held-out rows"));
}

}  // namespace
}  // namespace strata::route
