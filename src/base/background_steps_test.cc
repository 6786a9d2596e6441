#include "base/background_steps.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <thread>

namespace strata {
namespace {

TEST(BackgroundSteps, GoOnUntilNothingIsLeftAndAgainWhenWoken) {
  Pool pool("steps", 1, 10);
  std::atomic<int> left = 5;
  std::latch emptied(2);
  BackgroundSteps steps(&pool, "test.steps", [&] {
    if (--left == 0) emptied.count_down();
    return left > 0;
  });
  steps.Wake();
  while (left > 0) std::this_thread::yield();
  left = 1;
  steps.Wake();
  emptied.wait();  // both times
}

TEST(BackgroundSteps, TheirOwnerGoesOnceTheRunningStepHasEnded) {
  Pool pool("steps", 1, 10);
  std::latch begun(1);
  std::atomic<int> ended = 0;
  BackgroundSteps* seen = nullptr;
  auto steps = std::make_unique<BackgroundSteps>(&pool, "test.steps", [&] {
    begun.count_down();
    while (!seen->closing()) std::this_thread::yield();
    ++ended;
    return true;  // there is more, but nobody is there any more to do it for
  });
  seen = steps.get();
  steps->Wake();
  begun.wait();
  steps.reset();
  EXPECT_EQ(ended, 1);
}

TEST(BackgroundSteps, WithoutAPoolNothingIsDone) {
  BackgroundSteps steps(nullptr, "test.steps", [] { return true; });
  steps.Wake();
  EXPECT_FALSE(steps.possible());
}

}  // namespace
}  // namespace strata
