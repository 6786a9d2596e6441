// Pools, spans, contexts, clocks and ids.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <filesystem>
#include <future>
#include <latch>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <vector>

#include "base/background.h"
#include "base/context.h"
#include "base/expect_errors.h"
#include "base/ids.h"
#include "base/iso_time.h"
#include "base/options.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/run_all.h"

namespace strata {
namespace {

namespace asio = boost::asio;

template <class T>
T RunOn(asio::io_context& io, Task<T> task) {
  auto future = asio::co_spawn(io, std::move(task), asio::use_future);
  io.run();
  io.restart();
  return future.get();
}

Task<Result<int>> Twice(Pool& pool, int value) {
  co_return co_await RunBlocking(pool, [value]() -> Result<int> { return value * 2; });
}

TEST(Pool, RunsWorkElsewhereAndResumesTheCaller) {
  asio::io_context io;
  Pool pool("test", 2, 8);
  auto doubled = RunOn(io, Twice(pool, 21));
  ASSERT_TRUE(doubled.has_value());
  EXPECT_EQ(*doubled, 42);
}

Task<Result<int>> Throwing(Pool& pool) {
  co_return co_await RunBlocking(pool, []() -> Result<int> { throw std::runtime_error("boom"); });
}

TEST(Pool, RethrowsWhatTheWorkThrows) {
  asio::io_context io;
  Pool pool("test", 1, 8);
  EXPECT_THROW(std::ignore = RunOn(io, Throwing(pool)), std::runtime_error);
}

// Waits on the pool for all the others to be there.
Task<void> Meet(Pool& pool, std::latch& met, int& ended) {
  std::ignore = co_await RunBlocking(pool, [&met]() -> Result<> {
    met.arrive_and_wait();
    return {};
  });
  ++ended;
}

Task<void> Leave() {
  throw std::runtime_error("boom");
  co_return;
}

Task<Result<int>> MeetAll(Pool& pool, int meeting, int leaving) {
  std::latch met(meeting);
  int ended = 0;
  std::vector<Task<void>> tasks;
  for (int i = 0; i < leaving; ++i) tasks.push_back(Leave());
  for (int i = 0; i < meeting; ++i) tasks.push_back(Meet(pool, met, ended));
  std::optional<std::string> thrown;
  try {
    co_await RunAll(std::move(tasks));
  } catch (const std::runtime_error& error) {
    thrown = error.what();
  }
  EXPECT_EQ(thrown.has_value(), leaving > 0);
  co_return ended;
}

TEST(RunAll, RunsThemAtOnceAndWaitsForAllAlsoWhenOneThrows) {
  asio::io_context io;
  Pool pool("test", 3, 8);
  EXPECT_EQ(RunOn(io, MeetAll(pool, 3, 0)), 3);
  EXPECT_EQ(RunOn(io, MeetAll(pool, 2, 1)), 2);
  EXPECT_EQ(RunOn(io, MeetAll(pool, 0, 0)), 0);
}

TEST(Pool, RefusesMoreThanItsQueueHolds) {
  std::promise<void> started;
  std::promise<void> release;
  Pool pool("test", 1, 1);
  ASSERT_TRUE(pool.Post([&] {
                    started.set_value();
                    release.get_future().wait();
                  })
                  .has_value());
  started.get_future().wait();
  EXPECT_TRUE(pool.Post([] {}).has_value());
  auto refused = pool.Post([] {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kUnavailable);
  EXPECT_TRUE(refused.error().retry_after().has_value());
  release.set_value();
}

// Posts ten items of each urgency in a random order to a pool whose lane of `urgency` is held.
// The other lane must get through all of its items before that one begins, in their order.
void ExpectTheOtherLaneGoesOn(Urgency held, std::uint64_t seed) {
  constexpr int kItems = 10;
  const auto other = held == Urgency::kInteractive ? Urgency::kBackground : Urgency::kInteractive;
  Rng rng(seed);
  std::promise<void> started;
  std::promise<void> release;
  std::promise<void> all;
  std::vector<int> others;
  int held_done = 0;
  {
    Pool pool("test", 1, 64);
    auto hold = [&] {
      started.set_value();
      release.get_future().wait();
    };
    ASSERT_TRUE(pool.Post(hold, held).has_value());
    started.get_future().wait();
    int left[] = {kItems, kItems};
    while (left[0] + left[1] > 0) {
      const auto which = left[0] == 0 || (left[1] > 0 && rng.Below(2) == 0) ? 1 : 0;
      const auto number = kItems - left[which]--;
      auto work = [&, number] {
        others.push_back(number);
        if (number == kItems - 1) all.set_value();
      };
      auto posted = which == 0 ? pool.Post([&] { ++held_done; }, held) : pool.Post(work, other);
      ASSERT_TRUE(posted.has_value());
    }
    all.get_future().wait();
    EXPECT_EQ(pool.waiting(), static_cast<std::size_t>(kItems));
    release.set_value();
  }
  EXPECT_EQ(held_done, kItems);
  std::vector<int> in_order(kItems);
  std::iota(in_order.begin(), in_order.end(), 0);
  EXPECT_EQ(others, in_order);
}

TEST(Pool, WorkThatThrowsEndsNeitherTheProcessNorItsThread) {
  ExpectErrors errors;
  std::promise<void> ran;
  Pool pool("test", 1, 8);
  ASSERT_TRUE(pool.Post([] { throw std::runtime_error("boom"); }).has_value());
  ASSERT_TRUE(pool.Post([&] { ran.set_value(); }).has_value());
  ran.get_future().wait();
  EXPECT_EQ(errors.errors(), 1);
}

TEST(Pool, InteractiveWorkOvertakesBackgroundWork) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    ExpectTheOtherLaneGoesOn(Urgency::kBackground, seed);
  }
}

TEST(Pool, BackgroundWorkGoesOnHoweverBusyTheOtherLaneIs) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    ExpectTheOtherLaneGoesOn(Urgency::kInteractive, seed);
  }
}

TEST(Pool, OnlyBackgroundThreadsHaveALoweredPriority) {
  const int own = ::getpriority(PRIO_PROCESS, 0);
  int interactive = 100;
  int background = 100;
  int nested = 100;
  {
    Pool inner("inner", 1, 8);
    // The inner pool's thread is started by one that is lowered already.
    auto look_inside = [&] { nested = ::getpriority(PRIO_PROCESS, 0); };
    auto look = [&] {
      background = ::getpriority(PRIO_PROCESS, 0);
      EXPECT_TRUE(inner.Post(look_inside, Urgency::kBackground).has_value());
    };
    Pool pool("test", 1, 8);
    ASSERT_TRUE(pool.Post([&] { interactive = ::getpriority(PRIO_PROCESS, 0); }).has_value());
    ASSERT_TRUE(pool.Post(look, Urgency::kBackground).has_value());
  }
  EXPECT_EQ(interactive, own);
  EXPECT_EQ(background, std::min(own + 10, 19));
  EXPECT_EQ(nested, background);
}

TEST(Pool, TheNicenessOfBackgroundThreadsCanBeSet) {
  const int own = ::getpriority(PRIO_PROCESS, 0);
  const int usual = BackgroundNice();
  SetBackgroundNice(3);
  int background = 100;
  {
    Pool pool("test", 1, 8);
    auto look = [&] { background = ::getpriority(PRIO_PROCESS, 0); };
    ASSERT_TRUE(pool.Post(look, Urgency::kBackground).has_value());
  }
  SetBackgroundNice(usual);
  EXPECT_EQ(background, std::min(own + 3, 19));
}

TEST(Pool, WhatBackgroundThreadsGotIsMeasuredAlsoWhenTheyHaveEnded) {
  if (!std::filesystem::exists("/proc/self/schedstat")) GTEST_SKIP() << "the kernel does not say";
  using std::chrono::milliseconds;
  auto burn = [] {
    timespec used{};
    while (used.tv_nsec < 30'000'000 && used.tv_sec == 0) {
      ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    }
  };
  const auto before = MeasureBackground();
  {
    Pool pool("test", 1, 8);
    ASSERT_TRUE(pool.Post(burn).has_value());
  }
  EXPECT_EQ(MeasureBackground().ran, before.ran) << "interactive work is not counted";
  {
    Pool pool("test", 1, 8);
    ASSERT_TRUE(pool.Post(burn, Urgency::kBackground).has_value());
  }
  EXPECT_GE(MeasureBackground().ran - before.ran, milliseconds(25));
  EXPECT_GE(MeasureBackground().waited, before.waited);
}

TEST(RequestContext, StopsAtItsDeadlineAndWhenCancelled) {
  ManualClock clock;
  RequestContext ctx;
  ctx.clock = &clock;
  EXPECT_TRUE(ctx.CheckAlive().has_value());
  ctx.deadline = clock.Steady() + std::chrono::milliseconds(10);
  EXPECT_EQ(ctx.TimeLeft(), std::chrono::milliseconds(10));
  clock.Advance(std::chrono::milliseconds(10));
  EXPECT_EQ(ctx.CheckAlive().error().code(), Code::kDeadlineExceeded);
  std::stop_source gone;
  ctx.cancel = gone.get_token();
  gone.request_stop();
  EXPECT_EQ(ctx.CheckAlive().error().code(), Code::kCancelled);
}

TEST(Clock, FormatsIso8601WithMilliseconds) {
  EXPECT_EQ(FormatIso8601(FromUnixMicros(1'763'799'819'123'456)), "2025-11-22T08:23:39.123Z");
}

TEST(Clock, ReadsWhatItWritesAndNothingElse) {
  const auto time = FromUnixMicros(1'763'799'819'123'000);
  EXPECT_EQ(ParseIso8601(FormatIso8601(time)), time);
  EXPECT_EQ(ParseIso8601("2025-11-22T08:23:39Z"), FromUnixMicros(1'763'799'819'000'000));
  EXPECT_EQ(ParseIso8601("2025-11-22T08:23:39.5Z"), FromUnixMicros(1'763'799'819'500'000));
  EXPECT_EQ(ParseIso8601("2025-11-22T08:23:39.123456789Z"), FromUnixMicros(1'763'799'819'123'456));
  EXPECT_EQ(ParseIso8601("2024-02-29T00:00:00Z"), FromUnixMicros(1'709'164'800'000'000));
  for (const char* text : {"", "2025-11-22", "2025-11-22T08:23:39", "2025-11-22 08:23:39Z",
                           "2025-11-22T08:23:39.Z", "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z",
                           "2025-11-22T24:00:00Z", "2025-11-22T08:60:00Z", "+025-11-22T08:23:39Z",
                           "2025-11-22T08:23:39.1234567890Z", "2025-11-22T08:23:39+02:00"}) {
    EXPECT_FALSE(ParseIso8601(text).has_value()) << text;
  }
}

TEST(Ids, AreDistinctAndOfTheirShape) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    auto id = NewRequestId().value;
    EXPECT_THAT(id, testing::MatchesRegex("[0-9a-f]{32}"));
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), 1000U);
  EXPECT_THAT(NewResourceId(), testing::MatchesRegex("[A-Z0-9]{10}"));
}

TEST(Ids, OfRequestsBeginWithTheTime) {
  auto prefix_now = [] {
    return static_cast<std::uint64_t>(ToUnixMicros(SystemClock().Wall()) / 1000);
  };
  auto before = prefix_now();
  auto made = std::stoull(NewRequestId().value.substr(0, 12), nullptr, 16);
  EXPECT_GE(made, before);
  EXPECT_LE(made, prefix_now());
}

TEST(Rng, ReplaysAndStaysInRange) {
  Rng a(1);
  Rng b(1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.Next(), b.Next());
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    auto unit = a.Unit();
    ASSERT_GE(unit, 0);
    ASSERT_LT(unit, 1);
    ASSERT_LT(a.Below(7), 7U);
    sum += unit;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.02);
}

TEST(NearestName, FindsATypoButNotAStranger) {
  std::string_view known[] = {"listen", "models.folder"};
  EXPECT_EQ(NearestName("lisen", known), "listen");
  EXPECT_EQ(NearestName("completely_else", known), "");
}

}  // namespace
}  // namespace strata
