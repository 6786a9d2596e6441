// The worker over a real queue: what becomes of jobs however their handlers end.

#include "knowledge/base/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/check.h"
#include "base/expect_errors.h"
#include "base/run_task.h"
#include "store/testing.h"

namespace strata::knowledge {
namespace {

class WorkerTest : public ::testing::Test {
 protected:
  void SetUp() override { jobs_ = *store::JobQueue::Open(folder_ / "jobs.db"); }

  std::string Enqueue(const std::string& key) {
    store::JobSpec spec;
    spec.kind = "kb.test";
    spec.key = key;
    return RunTask(jobs_->Enqueue(std::move(spec)))->id;
  }
  store::Job Ended(const std::string& id) {
    while (true) {
      auto job = RunTask(jobs_->Get(id));
      EXPECT_TRUE(job.has_value());
      const bool runs = job.has_value() && (job->state == store::JobState::kQueued ||
                                            job->state == store::JobState::kLeased);
      if (!runs) return job.value_or(store::Job());
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  store::TempFolder folder_;
  std::unique_ptr<store::JobQueue> jobs_;
};

TEST_F(WorkerTest, AJobThatThrowsHasFailedAndTheNextOneRuns) {
  ExpectErrors errors;
  const auto bad = Enqueue("bad");
  const auto good = Enqueue("good");
  Worker worker(*jobs_, {"kb.test"},
                [](store::Job job, std::stop_token, std::function<bool()>) -> Task<JobOutcome> {
                  if (job.key == "bad") throw Bug("slipped");
                  co_return JobOutcome{};
                });
  worker.Start();
  const auto failed = Ended(bad);
  EXPECT_EQ(failed.state, store::JobState::kFailed);
  EXPECT_THAT(failed.error, ::testing::HasSubstr("internal error"));
  EXPECT_EQ(failed.attempts, 1) << "it would only throw again";
  EXPECT_EQ(Ended(good).state, store::JobState::kDone);
  worker.Stop();
  EXPECT_EQ(errors.errors(), 1);
}

}  // namespace
}  // namespace strata::knowledge
