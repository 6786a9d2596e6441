#include "route/shadow_price.h"

#include <gtest/gtest.h>

#include <limits>

namespace strata::route {
namespace {

TEST(Headroom, TheScarcerOfQuotaAndQueueCounts) {
  EXPECT_FALSE(Headroom{}.known());
  EXPECT_EQ(Headroom{}.Used(), 0);
  EXPECT_NEAR((Headroom{.quota_left = 0.3}.Used()), 0.7, 1e-12);
  EXPECT_NEAR((Headroom{.quota_left = 0.3, .queue = 0.9}.Used()), 0.9, 1e-12);
  EXPECT_EQ((Headroom{.quota_left = 7}.Used()), 0);
}

TEST(ShadowPrices, RiseAsTheQuotaRunsOut) {
  ShadowPrices prices(2);
  prices.Learn(0, 3e-6);
  EXPECT_EQ(prices.PerToken(0, 0), 0);
  EXPECT_NEAR(prices.PerToken(0, 0.5), 3e-6, 1e-12) << "what is usually at stake";
  double last = -1;
  for (int i = 0; i <= 10; ++i) {
    double price = prices.PerToken(0, i / 10.0);
    EXPECT_GT(price, last);
    last = price;
  }
  EXPECT_GT(prices.PerToken(0, 1), 6 * 3e-6) << "when all is taken nobody ordinary is let in";
  EXPECT_EQ(prices.PerToken(1, 1), 0) << "nothing is known of what is at stake";
}

TEST(ShadowPrices, FollowWhatIsAtStake) {
  ShadowPrices prices(1);
  for (int i = 0; i < 200; ++i) prices.Learn(0, 1);
  for (int i = 0; i < 500; ++i) prices.Learn(0, 4);
  EXPECT_NEAR(prices.PerToken(0, 0.5), 4, 0.1);
  for (double useless : {0.0, -5.0, std::numeric_limits<double>::infinity(),
                         std::numeric_limits<double>::quiet_NaN()}) {
    prices.Learn(0, useless);
  }
  EXPECT_NEAR(prices.PerToken(0, 0.5), 4, 0.1);
}

}  // namespace
}  // namespace strata::route
