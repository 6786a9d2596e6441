// Breaker, budget, balance and the decisions of one request, under a clock and a chance of our own.

#include "gateway/resilience/attempts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <list>
#include <map>
#include <set>

#include "base/encoding.h"
#include "base/rng.h"

namespace strata::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using Kind = AttemptOutcome;

Error ServerError() { return Error(Code::kUnavailable, "boom").FromUpstream(500); }
Error Throttling(milliseconds wait) {
  return Error(Code::kRateLimited, "slow down").RetryAfter(wait).FromUpstream(429);
}

BreakerOptions Fast() {
  return {.faults_in_row = 3,
          .fault_share = 0.5,
          .attempts_min = 10,
          .open = milliseconds(1000),
          .open_max = milliseconds(8000)};
}

// Some deployments, their models' facts, and what a request needs to be decided.
class World {
 public:
  explicit World(std::uint64_t seed = 1, BreakerOptions breaker = Fast())
      : rng(seed), board(breaker, clock) {
    ctx.clock = &clock;
    random = [this] { return rng.Unit(); };
    rules.id = "pool";
  }

  void Add(const std::string& id, int weight = 1, int tier = 0) {
    auto& info = infos.emplace_back();
    info.id = id;
    info.region = "eu-central-1";
    lanes.push_back(std::make_unique<Lane>(info, board.Of(id, "up"), weight, tier));
  }

  Attempts Request(std::optional<std::uint64_t> sticky = std::nullopt) {
    return Attempts(lanes, rules, budget, ctx, random, true, sticky);
  }

  const std::string& IdOf(const Choice& choice) { return lanes[choice.lane]->health->id(); }

  // Faults until the breaker opens.
  void Break(std::size_t lane, Kind fault = Kind::kServerError) {
    while (auto ticket = lanes[lane]->health->Admit()) ticket->End(fault);
  }

  ManualClock clock;
  Rng rng;
  HealthBoard board;
  std::list<domain::ModelInfo> infos;
  Lanes lanes;
  AttemptRules rules;
  RetryBudget budget{{.share = 0.2, .per_second = 10}, clock};
  RequestContext ctx;
  Random random;
};

TEST(Breaker, OpensAfterFaultsInARowAndLetsOneTryAfterAWhile) {
  World world;
  world.Add("a");
  auto& health = *world.lanes[0]->health;
  for (int i = 0; i < 3; ++i) {
    auto ticket = health.Admit();
    ASSERT_TRUE(ticket);
    ticket->End(Kind::kConnect);
  }
  EXPECT_EQ(health.State(), BreakerState::kOpen);
  EXPECT_FALSE(health.Admit());
  world.clock.Advance(seconds(1));
  EXPECT_EQ(health.State(), BreakerState::kHalfOpen);
  auto probe = health.Admit();
  ASSERT_TRUE(probe);
  EXPECT_FALSE(health.Admit()) << "one at a time while half open";
  probe->End(Kind::kOk);
  EXPECT_EQ(health.State(), BreakerState::kClosed);
}

TEST(Breaker, StaysOpenLongerEachTimeTheFirstTryFailsUpToALimit) {
  World world;
  world.Add("a");
  auto& health = *world.lanes[0]->health;
  world.Break(0);
  auto before = milliseconds(0);
  for (int i = 0; i < 8; ++i) {
    auto open = health.OpenFor();
    EXPECT_LE(open, milliseconds(8000));
    if (i > 0 && i < 3) EXPECT_GT(open, before * 3 / 2);
    before = open;
    world.clock.Advance(open);
    auto probe = health.Admit();
    ASSERT_TRUE(probe);
    probe->End(Kind::kTimeout);
  }
  EXPECT_GE(before, milliseconds(7000));
}

TEST(Breaker, TheFirstTokenOfATryDecidesAndNotTheEndOfItsStream) {
  for (auto end : {Kind::kOk, Kind::kCut}) {
    World world;
    world.Add("a");
    auto& health = *world.lanes[0]->health;
    world.Break(0);
    world.clock.Advance(seconds(1));
    auto stream = health.Admit();
    ASSERT_TRUE(stream);
    stream->FirstToken(true);
    EXPECT_EQ(health.State(), BreakerState::kClosed);
    if (end == Kind::kOk) world.Break(0);
    const auto before = health.State();
    const auto open_for = health.OpenFor();
    stream->End(end);
    EXPECT_EQ(health.State(), before) << OutcomeName(end);
    EXPECT_EQ(health.OpenFor(), open_for);
  }
}

TEST(Breaker, CallersFaultsAndThrottlingNeverOpenIt) {
  for (auto outcome : {Kind::kCallers, Kind::kCancelled, Kind::kOurs, Kind::kThrottled}) {
    World world;
    world.Add("a");
    for (int i = 0; i < 1000; ++i) {
      auto ticket = world.lanes[0]->health->Admit();
      ASSERT_TRUE(ticket) << OutcomeName(outcome) << " " << i;
      ticket->End(outcome);
    }
  }
}

TEST(Breaker, OpensOnTheShareOfFaultsEvenWhenSuccessesComeBetween) {
  World world(1, {.faults_in_row = 1000, .fault_share = 0.5, .attempts_min = 10});
  world.Add("a");
  auto& health = *world.lanes[0]->health;
  for (int i = 0; i < 100 && health.State() == BreakerState::kClosed; ++i) {
    health.Admit()->End(i % 2 == 0 ? Kind::kOk : Kind::kServerError);
  }
  EXPECT_EQ(health.State(), BreakerState::kOpen);
}

TEST(Breaker, OldFaultsAreForgotten) {
  World world(1, {.faults_in_row = 1000, .fault_share = 0.5, .attempts_min = 10});
  world.Add("a");
  auto& health = *world.lanes[0]->health;
  for (int i = 0; i < 200; ++i) {
    auto ticket = health.Admit();
    ASSERT_TRUE(ticket) << i;
    ticket->End(Kind::kServerError);
    world.clock.Advance(milliseconds(1500));  // fewer than ten in ten seconds
  }
}

TEST(Breaker, ARefusedKeyOpensItAtOnce) {
  World world;
  world.Add("a");
  world.lanes[0]->health->Admit()->End(Kind::kRefusedKey);
  EXPECT_EQ(world.lanes[0]->health->State(), BreakerState::kOpen);
  EXPECT_EQ(world.lanes[0]->health->LastFault(), Kind::kRefusedKey);
  auto choice = world.Request().Choose();
  ASSERT_FALSE(choice.has_value());
  EXPECT_THAT(choice.error().message(), HasSubstr("refuses our key"));
  EXPECT_TRUE(choice.error().retry_after());
}

TEST(Breaker, AnAttemptOfBeforeItOpenedDoesNotCloseIt) {
  World world;
  world.Add("a");
  auto& health = *world.lanes[0]->health;
  auto slow = health.Admit();
  world.Break(0);
  slow->End(Kind::kOk);
  EXPECT_EQ(health.State(), BreakerState::kOpen);
  EXPECT_EQ(health.in_flight(), 0);
}

TEST(Breaker, AProbeThatWasCancelledMakesRoomForTheNext) {
  World world;
  world.Add("a");
  auto& health = *world.lanes[0]->health;
  world.Break(0);
  world.clock.Advance(seconds(1));
  {
    auto dropped = health.Admit();
  }
  EXPECT_TRUE(health.Admit());
}

TEST(Breaker, AHealthProbesSuccessLetsTheNextRequestDecide) {
  World world;
  world.Add("a");
  auto& health = *world.lanes[0]->health;
  world.Break(0);
  health.Probed(Kind::kOk);
  EXPECT_EQ(health.State(), BreakerState::kHalfOpen);
  health.Admit()->End(Kind::kServerError);
  EXPECT_EQ(health.State(), BreakerState::kOpen);
}

// Whatever happens, in flight returns to zero and every attempt has one outcome.
TEST(Health, CountsAddUpUnderRandomHistories) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    World world(seed);
    world.Add("a");
    auto& health = *world.lanes[0]->health;
    std::vector<DeploymentHealth::Ticket> open;
    std::uint64_t admitted = 0;
    for (int step = 0; step < 500; ++step) {
      world.clock.Advance(milliseconds(world.rng.Below(400)));
      if (auto ticket = health.Admit()) {
        ++admitted;
        open.push_back(std::move(*ticket));
      }
      if (!open.empty() && world.rng.Unit() < 0.7) {
        auto at = world.rng.Below(open.size());
        if (world.rng.Unit() < 0.5) open[at].FirstToken(true);
        if (world.rng.Unit() < 0.8) open[at].End(static_cast<Kind>(world.rng.Below(10)));
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
      }
      EXPECT_EQ(health.in_flight(), static_cast<std::int64_t>(open.size()));
    }
    open.clear();
    auto report = health.Report();
    std::uint64_t ended = 0;
    for (auto count : report.outcomes) ended += count;
    EXPECT_EQ(ended, admitted) << "seed " << seed;
    EXPECT_EQ(report.in_flight, 0) << "seed " << seed;
  }
}

TEST(PeakEwma, RisesAtOnceAndSinksWithTime) {
  PeakEwma ewma;
  std::int64_t now = 1'000'000;
  ewma.Observe(1000, now);
  ewma.Observe(50'000, now);
  EXPECT_EQ(ewma.At(now), 50'000);
  now += 10'000'000;
  EXPECT_NEAR(static_cast<double>(ewma.At(now)), 50'000 / std::exp(1.0), 2);
  ewma.Observe(1000, now);
  EXPECT_NEAR(static_cast<double>(ewma.At(now)),
              50'000 / std::exp(1.0) + (1 - 1 / std::exp(1.0)) * 1000, 3);
}

TEST(RetryBudget, GivesNoMoreThanItsShareOfTheRequests) {
  ManualClock clock;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    RetryBudget budget({.share = 0.2, .per_second = 0}, clock);
    Rng rng(seed);
    int requests = 0;
    int retries = 0;
    for (int i = 0; i < 5000; ++i) {
      if (rng.Unit() < 0.5) {
        budget.Request();
        ++requests;
      } else if (budget.Take()) {
        ++retries;
      }
      ASSERT_LE(retries, 0.2 * requests) << "seed " << seed;
    }
    EXPECT_GT(retries, 0.15 * requests);
  }
}

TEST(RetryBudget, AQuietModelMayRepeatSomeTimesASecond) {
  ManualClock clock;
  RetryBudget budget({.share = 0, .per_second = 10}, clock);
  int burst = 0;
  while (budget.Take()) ++burst;
  EXPECT_LE(burst, 100);
  clock.Advance(seconds(1));
  int second = 0;
  while (budget.Take()) ++second;
  EXPECT_EQ(second, 10);
}

TEST(Balance, WeightsAreTheSharesInEveryWindow) {
  World world;
  world.Add("a", 5);
  world.Add("b", 1);
  world.Add("c", 2);
  std::vector<std::size_t> all = {0, 1, 2};
  std::map<std::size_t, int> taken;
  for (int round = 0; round < 10; ++round) {
    std::map<std::size_t, int> window;
    for (int i = 0; i < 8; ++i) {
      ++window[ChooseLane(world.lanes, all, Balance::kWeight, true, world.random)];
    }
    EXPECT_EQ(window, (std::map<std::size_t, int>{{0, 5}, {1, 1}, {2, 2}}));
  }
}

TEST(Balance, QuotaSendsWhereSomethingIsLeft) {
  World world;
  world.Add("a");
  world.Add("b");
  world.lanes[0]->health->SetQuotaShare(0.1);
  world.lanes[1]->health->SetQuotaShare(0.9);
  std::vector<std::size_t> all = {0, 1};
  int a = 0;
  for (int i = 0; i < 1000; ++i) {
    a += ChooseLane(world.lanes, all, Balance::kQuota, true, world.random) == 0;
  }
  EXPECT_NEAR(a, 100, 2);
  world.clock.Advance(seconds(61));
  EXPECT_EQ(world.lanes[0]->health->QuotaShare(), -1) << "limits are per minute";
}

TEST(Balance, LoadTakesTheLeastBusyForItsWeight) {
  World world;
  world.Add("a", 2);
  world.Add("b", 1);
  std::vector<std::size_t> all = {0, 1};
  std::vector<DeploymentHealth::Ticket> open;
  std::map<std::size_t, int> taken;
  for (int i = 0; i < 30; ++i) {
    auto at = ChooseLane(world.lanes, all, Balance::kLoad, true, world.random);
    ++taken[at];
    open.push_back(*world.lanes[at]->health->Admit());
  }
  EXPECT_EQ(taken[0], 20);
}

TEST(Balance, LatencyPrefersTheQuickAndStillLeavesTheSlowSomething) {
  World world(7);
  for (const char* id : {"quick", "slow", "slower"}) world.Add(id);
  int wait = 10;
  for (auto& lane : world.lanes) {
    auto ticket = lane->health->Admit();
    world.clock.Advance(milliseconds(wait));
    ticket->FirstToken(true);
    ticket->End(Kind::kOk);
    wait *= 10;
  }
  std::vector<std::size_t> all = {0, 1, 2};
  std::map<std::size_t, int> taken;
  for (int i = 0; i < 3000; ++i) {
    ++taken[ChooseLane(world.lanes, all, Balance::kLatency, true, world.random)];
  }
  EXPECT_NEAR(taken[0], 2000, 150);
  EXPECT_NEAR(taken[1], 1000, 150);
  EXPECT_EQ(taken[2], 0);
}

TEST(Sticky, ALaneThatGoesMovesOnlyItsOwnKeys) {
  World world;
  for (const char* id : {"a", "b", "c", "d"}) world.Add(id, id[0] == 'a' ? 3 : 1);
  std::vector<std::size_t> all = {0, 1, 2, 3};
  std::vector<std::size_t> without = {0, 1, 3};
  std::map<std::size_t, int> taken;
  for (std::uint64_t i = 0; i < 6000; ++i) {
    auto key = Hash64(std::to_string(i));
    auto before = StickyLane(world.lanes, all, key);
    ++taken[before];
    auto after = StickyLane(world.lanes, without, key);
    if (before != 2) EXPECT_EQ(after, before);
  }
  EXPECT_NEAR(taken[0], 3000, 200);
  EXPECT_NEAR(taken[2], 1000, 150);
}

TEST(Attempts, AFailureIsTriedAtAnotherDeploymentAtOnce) {
  World world;
  world.Add("a");
  world.Add("b");
  auto request = world.Request();
  auto first = request.Choose();
  ASSERT_TRUE(first.has_value());
  auto at = world.IdOf(*first);
  auto wait = request.Failed(std::move(*first), ServerError(), AttemptStage::kStart);
  ASSERT_TRUE(wait);
  EXPECT_EQ(wait->count(), 0);
  auto second = request.Choose();
  ASSERT_TRUE(second.has_value());
  EXPECT_NE(world.IdOf(*second), at);
  EXPECT_EQ(second->why, "retry");
}

TEST(Attempts, TheSameDeploymentIsTriedAgainAfterAWaitWithinItsLimits) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    World world(seed);
    world.Add("a");
    auto request = world.Request();
    auto ceiling = milliseconds(200);
    for (int i = 0; i < 2; ++i) {
      auto choice = request.Choose();
      ASSERT_TRUE(choice.has_value());
      auto wait = request.Failed(std::move(*choice), ServerError(), AttemptStage::kStart);
      ASSERT_TRUE(wait);
      EXPECT_LE(*wait, ceiling);
      ceiling *= 2;
    }
    auto last = request.Choose();
    EXPECT_FALSE(request.Failed(std::move(*last), ServerError(), AttemptStage::kStart));
    EXPECT_THAT(request.Final().message(), HasSubstr("3 attempts failed"));
    EXPECT_EQ(request.Final().upstream_status(), 500);
  }
}

TEST(Attempts, ARequestCountsOnceForTheBreakerHoweverOftenItRepeats) {
  World world(1, {.faults_in_row = 3, .fault_share = 0.5, .attempts_min = 4});
  world.Add("a");
  world.rules.retries = 9;
  const auto& health = *world.lanes[0]->health;
  for (int requests = 1; requests <= 3; ++requests) {
    auto request = world.Request();
    while (true) {
      auto choice = request.Choose();
      if (!choice.has_value()) break;  // the breaker
      if (!request.Failed(std::move(*choice), ServerError(), AttemptStage::kStart)) break;
    }
    if (requests < 3) EXPECT_GE(request.made(), 3) << "it has repeated";
    EXPECT_EQ(health.State() == BreakerState::kOpen, requests == 3) << requests;
  }
}

TEST(Attempts, ARepetitionThatProbesAnOpenBreakerDecides) {
  World world;
  world.Add("a");
  const auto& health = *world.lanes[0]->health;
  auto request = world.Request();
  auto first = request.Choose();
  ASSERT_TRUE(request.Failed(std::move(*first), ServerError(), AttemptStage::kStart));
  world.Break(0);
  world.clock.Advance(seconds(1));
  ASSERT_EQ(health.State(), BreakerState::kHalfOpen);
  auto probe = request.Choose();
  ASSERT_TRUE(probe.has_value());
  request.Failed(std::move(*probe), ServerError(), AttemptStage::kStart);
  EXPECT_EQ(health.State(), BreakerState::kOpen);
}

// A file that one caller may not read, time and again.
TEST(Attempts, WhatOneCallerIsDeniedDoesNotCloseTheDeploymentForTheOthers) {
  World world;
  world.Add("a");
  auto& health = *world.lanes[0]->health;
  auto denied = Error(Code::kPermissionDenied, "no access to the file").FromUpstream(403);
  auto ask = [&] {
    auto request = world.Request();
    auto choice = request.Choose();
    ASSERT_TRUE(choice.has_value());
    EXPECT_FALSE(request.Failed(std::move(*choice), denied, AttemptStage::kStart));
  };
  ask();
  EXPECT_EQ(health.State(), BreakerState::kClosed) << "once says nothing of the others";
  auto good = health.Admit();
  good->FirstToken(true);
  good->End(Kind::kOk);
  for (int i = 0; i < 20; ++i) ask();
  EXPECT_EQ(health.State(), BreakerState::kClosed) << "the key could use it a moment ago";
  world.clock.Advance(std::chrono::minutes(10));
  for (int i = 0; i < 3; ++i) ask();
  EXPECT_EQ(health.State(), BreakerState::kOpen) << "nobody gets through";
  EXPECT_EQ(health.LastFault(), Kind::kDenied);
}

TEST(Attempts, ADeploymentThatDeniesIsLeftForAnother) {
  World world;
  world.Add("a");
  world.Add("b");
  auto request = world.Request();
  auto choice = request.Choose();
  auto denied = Error(Code::kPermissionDenied, "model access").FromUpstream(403);
  ASSERT_TRUE(request.Failed(std::move(*choice), denied, AttemptStage::kStart));
  EXPECT_TRUE(request.Choose().has_value());
}

TEST(Attempts, WhoWaitsForLessThanAnAnswerTakesClosesTheDeploymentForNobody) {
  World world;
  world.Add("a");
  auto& health = *world.lanes[0]->health;
  auto hurry = [&](milliseconds patience) {
    auto request = world.Request();
    auto choice = request.Choose();
    ASSERT_TRUE(choice.has_value());
    world.clock.Advance(patience);
    request.Failed(std::move(*choice), Error(Code::kDeadlineExceeded, "late").FromUpstream(-1),
                   AttemptStage::kStart);
  };
  for (int i = 0; i < 10; ++i) hurry(milliseconds(1200));
  EXPECT_EQ(health.State(), BreakerState::kClosed) << "how long it takes is not known yet";
  auto patient = health.Admit();
  world.clock.Advance(seconds(2));
  patient->FirstToken(true);
  patient->End(Kind::kOk);
  for (int i = 0; i < 10; ++i) hurry(milliseconds(1200));
  EXPECT_EQ(health.State(), BreakerState::kClosed) << "it takes two seconds";
  for (int i = 0; i < 3; ++i) hurry(seconds(3));
  EXPECT_EQ(health.State(), BreakerState::kOpen) << "it hangs";
}

TEST(Attempts, RetryAfterIsWaitedForWhenShortAndPassedOnWhenLong) {
  World world;
  world.Add("a");
  auto patient = world.Request();
  auto choice = patient.Choose();
  auto wait =
      patient.Failed(std::move(*choice), Throttling(milliseconds(1500)), AttemptStage::kStart);
  ASSERT_TRUE(wait);
  EXPECT_GT(*wait, milliseconds(1500)) << "all who were told the same would come back at once";

  auto other = world.Request();
  choice = other.Choose();
  ASSERT_TRUE(choice.has_value()) << "a deployment that stands alone is asked all the same";
  EXPECT_FALSE(other.Failed(std::move(*choice), Throttling(seconds(30)), AttemptStage::kStart));
  EXPECT_EQ(other.Final().retry_after(), seconds(30));

  auto hurried = world.Request();
  world.ctx.deadline = world.clock.Steady() + milliseconds(1000);
  choice = hurried.Choose();
  EXPECT_FALSE(
      hurried.Failed(std::move(*choice), Throttling(milliseconds(1500)), AttemptStage::kStart))
      << "the deadline comes first";
}

TEST(Attempts, AThrottledDeploymentIsSpared) {
  World world;
  world.Add("a");
  world.Add("b");
  world.lanes[0]->health->Admit()->End(Kind::kThrottled, seconds(20));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(world.IdOf(*world.Request().Choose()), "b");
  world.clock.Advance(seconds(21));
  std::set<std::string> taken;
  for (int i = 0; i < 10; ++i) taken.insert(world.IdOf(*world.Request().Choose()));
  EXPECT_EQ(taken.size(), 2U);
}

TEST(Attempts, TheFallbackIsAskedWhenTheModelFailsAndWhenItsBreakersAreOpen) {
  World world;
  world.rules.retries = 0;
  world.Add("a");
  world.Add("other", 1, 1);
  auto request = world.Request();
  auto choice = request.Choose();
  ASSERT_EQ(world.IdOf(*choice), "a");
  ASSERT_TRUE(request.Failed(std::move(*choice), ServerError(), AttemptStage::kStart));
  choice = request.Choose();
  ASSERT_EQ(world.IdOf(*choice), "other");
  EXPECT_EQ(choice->why, "fallback");
  EXPECT_FALSE(request.Failed(std::move(*choice), ServerError(), AttemptStage::kStart));

  world.Break(0);
  auto direct = world.Request().Choose();
  EXPECT_EQ(world.IdOf(*direct), "other");
  EXPECT_EQ(direct->why, "fallback");
}

TEST(Attempts, CallersFaultsAreNotTriedAnywhereElse) {
  for (auto code : {Code::kInvalidArgument, Code::kTooLarge, Code::kBlocked, Code::kUnsupported,
                    Code::kCancelled}) {
    World world;
    world.Add("a");
    world.Add("b");
    world.Add("other", 1, 1);
    auto request = world.Request();
    auto choice = request.Choose();
    EXPECT_FALSE(request.Failed(std::move(*choice), Error(code, "x").FromUpstream(400),
                                AttemptStage::kStart))
        << CodeName(code);
    EXPECT_EQ(request.Final().code(), code);
  }
}

TEST(Attempts, ForbiddenDeploymentsAreSkippedAndAllNamedWhenNoneIsLeft) {
  World world;
  world.Add("a");
  world.Add("b");
  world.Add("c", 1, 1);
  world.infos.front().clearance.Add("pii");
  world.ctx.labels.Add("pii");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(world.IdOf(*world.Request().Choose()), "a");
  world.ctx.labels.Add("secret");
  world.ctx.regions_allowed = {"eu-central-1"};
  world.infos.back().region = "us-east-1";
  auto choice = world.Request().Choose();
  ASSERT_FALSE(choice.has_value());
  EXPECT_EQ(choice.error().code(), Code::kPermissionDenied);
  for (const char* part :
       {"label 'secret' forbids a", "label 'pii' forbids b", "c runs in us-east-1"}) {
    EXPECT_THAT(choice.error().message(), HasSubstr(part));
  }
}

TEST(Attempts, DividesWhatIsLeftWhileThereIsAnotherToTurnTo) {
  World world;
  world.Add("a");
  world.Add("b");
  world.ctx.deadline = world.clock.Steady() + seconds(8);
  auto request = world.Request();
  auto first = request.Choose();
  EXPECT_EQ(request.Patience(), seconds(4));
  world.clock.Advance(seconds(4));
  auto late = Error(Code::kDeadlineExceeded, "no first token").FromUpstream(-1);
  ASSERT_TRUE(request.Failed(std::move(*first), late, AttemptStage::kStart));
  auto second = request.Choose();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(request.Patience(), std::nullopt) << "the last one has all that is left";
}

// One answer a request, no matter what fails: never more attempts than allowed, never one at a
// deployment whose breaker is open, never one after the request is over.
TEST(Attempts, KeepTheirPromisesUnderRandomFaults) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    World world(seed);
    int own = 1 + static_cast<int>(world.rng.Below(4));
    int fallbacks = static_cast<int>(world.rng.Below(3));
    for (int i = 0; i < own; ++i) world.Add("own" + std::to_string(i));
    for (int i = 0; i < fallbacks; ++i) world.Add("other" + std::to_string(i), 1, i + 1);
    world.rules.balance = static_cast<Balance>(world.rng.Below(4));
    double fault = world.rng.Unit();
    for (int n = 0; n < 200; ++n) {
      world.clock.Advance(milliseconds(world.rng.Below(500)));
      auto request = world.Request();
      int attempts = 0;
      while (true) {
        auto choice = request.Choose();
        if (!choice.has_value()) break;
        ASSERT_LE(++attempts, 1 + world.rules.retries + fallbacks) << "seed " << seed;
        ASSERT_NE(choice->breaker, BreakerState::kOpen) << "seed " << seed;
        if (world.rng.Unit() >= fault) {
          choice->ticket.FirstToken(true);
          choice->ticket.End(Kind::kOk);
          break;
        }
        auto error = world.rng.Unit() < 0.3 ? Throttling(milliseconds(world.rng.Below(3000)))
                                            : ServerError();
        auto wait = request.Failed(std::move(*choice), error, AttemptStage::kStart);
        if (!wait) break;
        world.clock.Advance(*wait);
      }
    }
    for (const auto& report : world.board.List()) EXPECT_EQ(report.in_flight, 0);
  }
}

}  // namespace
}  // namespace strata::gateway
