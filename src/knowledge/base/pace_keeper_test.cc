#include "knowledge/base/pace_keeper.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kSize = 100'000;

TEST(PaceKeeper, TellsWhatIsLeftOnceThereIsSomethingToGoBy) {
  ManualClock clock;
  PaceKeeper keeper(clock);
  EXPECT_FALSE(keeper.Of("job"));
  keeper.Begin("job", 10, 10 * kSize);
  clock.Advance(seconds(2));
  keeper.Done("job", kSize);
  auto early = keeper.Of("job");
  ASSERT_TRUE(early);
  EXPECT_EQ(early->documents, 10);
  EXPECT_EQ(early->done, 1);
  EXPECT_FALSE(early->left) << "two seconds say little";
  for (int i = 0; i < 4; ++i) {
    clock.Advance(seconds(2));
    keeper.Done("job", kSize);
  }
  auto pace = keeper.Of("job");
  EXPECT_EQ(pace->done, 5);
  EXPECT_DOUBLE_EQ(*pace->documents_per_minute, 30);
  EXPECT_EQ(*pace->left, seconds(10));
  keeper.End("job");
  EXPECT_FALSE(keeper.Of("job"));
}

TEST(PaceKeeper, LargeDocumentsTakeLongerThanSmallOnes) {
  ManualClock clock;
  PaceKeeper keeper(clock);
  keeper.Begin("job", 2, 10 * kSize);
  clock.Advance(seconds(10));
  keeper.Done("job", kSize);
  EXPECT_NEAR(static_cast<double>(keeper.Of("job")->left->count()), 90, 3);
}

TEST(PaceKeeper, SeesInsideOfALargeDocument) {
  ManualClock clock;
  PaceKeeper keeper(clock);
  keeper.Begin("job", 1, kSize);
  for (int i = 1; i <= 4; ++i) {
    clock.Advance(seconds(5));
    keeper.Within("job", kSize, 0.1 * i);
  }
  EXPECT_EQ(*keeper.Of("job")->left, seconds(30));
}

TEST(PaceKeeper, GoesByTheLastMinutesAndSeesAStandstill) {
  ManualClock clock;
  PaceKeeper keeper(clock);
  keeper.Begin("job", 1000, 1000 * kSize);
  for (int i = 0; i < 100; ++i) {  // quick while the machine is free
    clock.Advance(seconds(1));
    keeper.Done("job", kSize);
  }
  EXPECT_EQ(*keeper.Of("job")->left, seconds(900));
  for (int i = 0; i < 30; ++i) {  // then a tenth of it
    clock.Advance(seconds(10));
    keeper.Done("job", kSize);
  }
  EXPECT_NEAR(static_cast<double>(keeper.Of("job")->left->count()), 8700, 100);
  clock.Advance(seconds(120));
  EXPECT_GT(keeper.Of("job")->left->count(), 15'000);
}

TEST(PaceKeeper, JobsThatWereNotBegunArePassedOver) {
  ManualClock clock;
  PaceKeeper keeper(clock);
  keeper.Done("job", 1);
  keeper.Within("job", 1, 0.5);
  keeper.End("job");
  EXPECT_FALSE(keeper.Of("job"));
}

}  // namespace
}  // namespace strata::knowledge
