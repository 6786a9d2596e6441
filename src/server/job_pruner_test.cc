#include "server/job_pruner.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "store/testing.h"

namespace strata::server {
namespace {

TEST(JobPruner, JobsOfEveryKindGoAWeekAfterTheirEnd) {
  const store::TempFolder folder;
  ManualClock clock;
  net::Runtime runtime;
  auto opened = store::JobQueue::Open(folder / "jobs.db", clock);
  ASSERT_TRUE(opened.has_value());
  auto& jobs = **opened;
  const auto enqueue = [&](const std::string& kind) {
    store::JobSpec spec{.kind = kind, .key = "1", .workspace = {"w"}, .payload = {"{}"}};
    return runtime.Run(jobs.Enqueue(std::move(spec)))->id;
  };
  const auto end = [&](const std::string& kind) {
    auto leased = runtime.Run(jobs.Lease({kind}, std::chrono::minutes(1)));
    ASSERT_TRUE(leased.has_value() && leased->has_value()) << kind;
    ASSERT_TRUE(runtime.Run(jobs.Complete(**leased, {"{}"})).has_value());
  };
  const auto old = enqueue("kb.ingest");
  const auto other = enqueue("bedrock.async-invoke");
  const auto waits = enqueue("waits");
  const auto later = enqueue("later");
  end("kb.ingest");
  end("bedrock.async-invoke");
  clock.Advance(std::chrono::hours(2 * 24));
  end("later");
  clock.Advance(std::chrono::hours(6 * 24));

  const JobPruner pruner(jobs, clock, runtime);
  const auto is_there = [&](const std::string& id) {
    return runtime.Run(jobs.Get(id)).has_value();
  };
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while ((is_there(old) || is_there(other)) && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(is_there(old));
  EXPECT_FALSE(is_there(other));
  EXPECT_TRUE(is_there(waits));
  EXPECT_TRUE(is_there(later)) << "it ended six days ago";
}

}  // namespace
}  // namespace strata::server
