#include "store/jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/run_task.h"
#include "store/file.h"
#include "store/testing.h"

namespace strata::store {
namespace {

using std::chrono::seconds;

class Jobs : public testing::Test {
 protected:
  Jobs() { queue_ = std::move(*JobQueue::Open(folder_ / "jobs.db", clock_)); }
  Job Enqueue(const std::string& key, int attempts_max = 3) {
    JobSpec spec{.kind = "k",
                 .key = key,
                 .workspace = {"w"},
                 .payload = {"{\"a\":1}"},
                 .attempts_max = attempts_max};
    auto job = RunTask(queue_->Enqueue(std::move(spec)));
    EXPECT_TRUE(job.has_value()) << job.error().message();
    return *job;
  }
  std::optional<Job> Lease() { return *RunTask(queue_->Lease({"other", "k"}, seconds(10))); }
  // Of kind "k", in the workspace "w" unless another is named.
  std::vector<Job> Listing(JobFilter filter) {
    filter.kind = "k";
    if (filter.workspace.value.empty()) filter.workspace = {"w"};
    return *RunTask(queue_->List(std::move(filter)));
  }
  std::string Listed(JobFilter filter) {
    std::string keys;
    for (const auto& job : Listing(std::move(filter))) keys += job.key;
    return keys;
  }
  JobState StateOf(const Job& job) { return RunTask(queue_->Get(job.id))->state; }

  TempFolder folder_;
  ManualClock clock_;
  std::unique_ptr<JobQueue> queue_;
};

TEST_F(Jobs, TheSameKeyIsOneJob) {
  auto first = Enqueue("a");
  EXPECT_EQ(Enqueue("a").id, first.id);
  EXPECT_NE(Enqueue("b").id, first.id);
  EXPECT_EQ(first.payload.text, "{\"a\":1}");
  EXPECT_EQ(RunTask(queue_->Enqueue({.kind = "", .key = "x", .workspace = {}, .payload = {}}))
                .error()
                .field(),
            "kind");
}

TEST_F(Jobs, OneWorkerAtATimeAndTheOldestFirst) {
  auto a = Enqueue("a");
  clock_.Advance(seconds(1));
  auto b = Enqueue("b");
  EXPECT_EQ(Lease()->id, a.id);
  auto second = Lease();
  EXPECT_EQ(second->id, b.id);
  EXPECT_FALSE(Lease());
  ASSERT_TRUE(RunTask(queue_->Complete(*second, {"{\"ok\":true}"})));
  ASSERT_TRUE(RunTask(queue_->Complete(*second, {"{}"}))) << "twice with the same lease";
  auto done = RunTask(queue_->Get(b.id));
  EXPECT_EQ(done->state, JobState::kDone);
  EXPECT_EQ(done->result.text, "{\"ok\":true}");
}

TEST_F(Jobs, AWorkerThatDiedLosesItsJobToTheNextAndProgressStays) {
  Enqueue("a");
  auto dead = Lease();
  ASSERT_TRUE(RunTask(queue_->Heartbeat(*dead, {"{\"done\":5}"}, seconds(10))));
  clock_.Advance(seconds(9));
  EXPECT_FALSE(Lease()) << "the heartbeat renewed it";
  clock_.Advance(seconds(2));
  auto next = Lease();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->progress.text, "{\"done\":5}");
  EXPECT_EQ(next->attempts, 2);
  EXPECT_EQ(RunTask(queue_->Heartbeat(*dead, {}, seconds(10))).error().code(), Code::kConflict);
  EXPECT_EQ(RunTask(queue_->Complete(*dead, {})).error().code(), Code::kConflict);
  EXPECT_TRUE(RunTask(queue_->Complete(*next, {})));
}

TEST_F(Jobs, LeasesOfADeadProcessAreTakenBackAtOnce) {
  auto mine = Enqueue("a");
  ASSERT_TRUE(Lease());
  EXPECT_FALSE(Lease());
  ASSERT_TRUE(RunTask(queue_->TakeBackLeases({"other"})));
  EXPECT_FALSE(Lease()) << "leases of other kinds stay";
  ASSERT_TRUE(RunTask(queue_->TakeBackLeases({"k"})));
  auto again = Lease();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id, mine.id);
  EXPECT_EQ(again->attempts, 2);
}

TEST_F(Jobs, FailuresAreRetriedLaterAndThenGivenUp) {
  auto job = Enqueue("a", 2);
  auto first = Lease();
  ASSERT_TRUE(RunTask(queue_->Fail(*first, "disk", JobQueue::Retry::kYes, seconds(4))));
  EXPECT_FALSE(Lease());
  clock_.Advance(seconds(4));
  auto second = Lease();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->error, "disk");
  ASSERT_TRUE(RunTask(queue_->Fail(*second, "disk again", JobQueue::Retry::kYes)));
  EXPECT_EQ(StateOf(job), JobState::kFailed);
  auto other = Enqueue("b", 9);
  ASSERT_TRUE(RunTask(queue_->Fail(*Lease(), "bad input", JobQueue::Retry::kPermanent)));
  EXPECT_EQ(StateOf(other), JobState::kFailed);
}

TEST_F(Jobs, AJobThatIsGivenBackIsDueAtOnceHoweverOftenItWasLeased) {
  auto job = Enqueue("a", 3);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Lease());
    clock_.Advance(seconds(11));  // its worker died
  }
  auto last = Lease();
  ASSERT_TRUE(last);
  ASSERT_TRUE(RunTask(queue_->GiveBack(*last)));
  EXPECT_EQ(StateOf(job), JobState::kQueued);
  auto again = Lease();
  ASSERT_TRUE(again) << "not after a wait, and not out of attempts";
  EXPECT_EQ(again->attempts, 3);
  auto late = RunTask(queue_->GiveBack(*last));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code(), Code::kConflict);
}

TEST_F(Jobs, AJobWhoseWorkersAllDieEndsAsFailed) {
  auto job = Enqueue("a", 2);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(Lease());
    clock_.Advance(seconds(11));
  }
  EXPECT_FALSE(Lease());
  EXPECT_EQ(StateOf(job), JobState::kFailed);
}

TEST_F(Jobs, CancellingReachesQueuedAndRunningJobs) {
  auto queued = Enqueue("a");
  EXPECT_EQ(RunTask(queue_->Cancel(queued.id))->state, JobState::kCancelled);
  auto running = Enqueue("b");
  auto lease = Lease();
  EXPECT_TRUE(RunTask(queue_->Cancel(running.id))->cancel_asked);
  EXPECT_EQ(RunTask(queue_->Heartbeat(*lease, {}, seconds(10))).error().code(), Code::kCancelled);
  ASSERT_TRUE(RunTask(queue_->Cancelled(*lease)));
  EXPECT_EQ(StateOf(running), JobState::kCancelled);
  EXPECT_EQ(RunTask(queue_->Cancel("none")).error().code(), Code::kNotFound);
}

TEST_F(Jobs, ListingIsPagedAndFilteredAndOldJobsArePruned) {
  std::vector<WallTime> made;
  for (const char* key : {"a", "b", "c", "d"}) {
    made.push_back(Enqueue(key).created);
    clock_.Advance(seconds(1));
  }
  EXPECT_EQ(Listed({}), "dcba");
  EXPECT_EQ(Listed({.order = JobFilter::Order::kOldestFirst}), "abcd");
  EXPECT_EQ(Listed({.created_after = made[0], .created_before = made[3]}), "cb");
  EXPECT_EQ(Listed({.workspace = {"other"}}), "");
  ASSERT_TRUE(RunTask(queue_->Complete(*Lease(), {})));
  ASSERT_TRUE(RunTask(queue_->Fail(*Lease(), "bad", JobQueue::Retry::kPermanent)));
  ASSERT_TRUE(Lease());
  EXPECT_EQ(Listed({.states = {JobState::kDone, JobState::kFailed}}), "ba");
  EXPECT_EQ(Listed({.states = {JobState::kQueued}}), "d");
  // The job that the second page begins behind is removed between the two.
  auto first = Listing({.order = JobFilter::Order::kOldestFirst, .limit = 2});
  EXPECT_EQ(*RunTask(queue_->Prune(clock_.Wall() + seconds(1))), 2);
  EXPECT_EQ(Listed({.order = JobFilter::Order::kOldestFirst, .after = first.back().number}), "cd");
  EXPECT_EQ(Listed({.limit = 1, .after = Listing({}).front().number}), "c");
}

// A listing goes through all jobs, however many they are.
TEST_F(Jobs, AListingReachesTheOldestOfMany) {
  constexpr int kJobs = 1100;
  for (int i = 0; i < kJobs; ++i) Enqueue(std::to_string(i));
  EXPECT_EQ(Listing({.limit = 2 * kJobs}).size(), kJobs);
  int seen = 0;
  std::int64_t after = 0;
  for (auto page = Listing({.limit = 400}); !page.empty();
       page = Listing({.limit = 400, .after = after})) {
    seen += static_cast<int>(page.size());
    after = page.back().number;
  }
  EXPECT_EQ(seen, kJobs);
}

TEST_F(Jobs, AListingLeavesOutWhatMakesPayloadsLarge) {
  RunTask(queue_->Enqueue({.kind = "k",
                           .key = "1",
                           .workspace = {"w"},
                           .payload = {R"({"model":"m","input":{"text":"long"},"token":"t"})"}}))
      .value();
  EXPECT_EQ(Listing({.leave_out = "input"}).at(0).payload.text, R"({"model":"m","token":"t"})");
  EXPECT_THAT(Listing({}).at(0).payload.text, testing::HasSubstr("long"));
}

TEST_F(Jobs, APersonsJobsAreErasedInEveryStateAndTheirsAlone) {
  auto add = [&](const std::string& key, const char* payload, const char* workspace) {
    JobSpec spec{.kind = "k", .key = key, .workspace = {workspace}, .payload = {payload}};
    return *RunTask(queue_->Enqueue(std::move(spec)));
  };
  auto held = add("1", R"({"subject":"ada","input":"xyzzy"})", "w");
  add("2", R"({"subject":"bob"})", "w");
  add("3", R"({"subject":"ada"})", "other");
  add("4", "[\"ada\"]", "w");
  auto leased = Lease();
  ASSERT_EQ(leased->id, held.id);
  EXPECT_EQ(*RunTask(queue_->EraseSubject("ada", {"w"})), 1);
  EXPECT_EQ(RunTask(queue_->Complete(*leased, {"{}"})).error().code(), Code::kNotFound);
  EXPECT_EQ(Listed({}), "42");
  EXPECT_EQ(Listed({.workspace = {"other"}}), "3");
  EXPECT_EQ(*RunTask(queue_->EraseSubject("ada", {"w"})), 0) << "repeated";
  for (const char* suffix : {"", "-wal"}) {
    auto bytes = *ReadWholeFile(folder_ / "jobs.db" + suffix, 1 << 24);
    EXPECT_EQ(bytes.find("xyzzy"), bytes.npos) << suffix;
  }
}

}  // namespace
}  // namespace strata::store
