// Asynchronous invocations over a real queue and a scripted model.

#include "server/async_invoke.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "base/expect_errors.h"
#include "base/run_task.h"
#include "store/testing.h"
#include "tests/fakes/fake_chat_model.h"

namespace strata::server {
namespace {

using testing::HasSubstr;

std::shared_ptr<const LiveState> Unconfigured() {
  return std::make_shared<LiveState>(LiveState{.config = {.options = *Options::Build({}, {}),
                                                          .providers = {},
                                                          .aliases = {},
                                                          .models = {},
                                                          .guardrails = {},
                                                          .hooks = {},
                                                          .file = {}},
                                               .settings = {},
                                               .guardrails = nullptr,
                                               .hooks = nullptr});
}

class AsyncInvoke : public testing::Test {
 protected:
  void SetUp() override {
    meta_ = *store::SqlFile::Open(folder_ / "meta.db", {});
    ring_.emplace(*store::KeyRing::Load("", folder_ / "secrets"));
    keys_ = *store::KeyStore::Open(*meta_, *ring_);
    routers_ = *RouterStore::Open(*meta_, nullptr);
    jobs_ = *store::JobQueue::Open(folder_ / "jobs.db");
    invokes_ = std::make_unique<AsyncInvokes>(
        AsyncInvokes::Parts{.jobs = *jobs_,
                            .keys = *keys_,
                            .routers = *routers_,
                            .chat = chat_,
                            .embed = embed_,
                            .trace_sinks = sinks_,
                            .live = live_,
                            .pool = pool_,
                            .s3_map = {{"answers", folder_.path()}}});
    runtime_ = std::make_unique<net::Runtime>(1);
    invokes_->Start(*runtime_);
  }
  void TearDown() override {
    invokes_->Stop();
    jobs_.reset();
    runtime_.reset();
  }

  std::shared_ptr<fakes::FakeChatModel> AddModel(const std::string& id) {
    auto model = std::make_shared<fakes::FakeChatModel>(id);
    auto added = registry_.Update(
        [&](provider::RegistrySnapshot& models) { return models.AddChat(model, WallTime{}); });
    EXPECT_TRUE(added.has_value());
    return model;
  }
  store::Job Ended(const std::string& model) {
    RequestContext ctx;
    ctx.request_id = NewRequestId();
    ctx.workspace = WorkspaceId{"default"};
    AsyncInvocation invocation;
    invocation.model = model;
    invocation.input.text = R"({"messages": [{"role": "user", "content": "hi"}]})";
    invocation.s3_uri = "s3://answers/out";
    auto job = RunTask(invokes_->Submit(std::move(invocation), ctx));
    EXPECT_TRUE(job.has_value()) << job.error().message();
    while (job.has_value() &&
           (job->state == store::JobState::kQueued || job->state == store::JobState::kLeased)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      job = RunTask(jobs_->Get(job->id));
    }
    return job.value_or(store::Job());
  }

  store::TempFolder folder_;
  std::unique_ptr<store::SqlFile> meta_;
  std::optional<store::KeyRing> ring_;
  std::unique_ptr<store::KeyStore> keys_;
  std::unique_ptr<RouterStore> routers_;
  provider::Registry registry_;
  gateway::ChatService chat_{registry_};
  gateway::EmbedService embed_{registry_};
  gateway::TraceSinks sinks_;
  LiveConfig live_{Unconfigured()};
  Pool pool_{"test", 1, 64};
  std::unique_ptr<store::JobQueue> jobs_;
  std::unique_ptr<AsyncInvokes> invokes_;
  std::unique_ptr<net::Runtime> runtime_;
};

TEST_F(AsyncInvoke, TheAnswerStandsInTheBucketsFolder) {
  AddModel("m/a")->Script().Text("hello");
  const auto job = Ended("m/a");
  EXPECT_EQ(job.state, store::JobState::kDone) << job.error;
  EXPECT_THAT(job.result.text, HasSubstr("output.json"));
}

TEST_F(AsyncInvoke, OneThatThrowsHasFailedAndTheNextOneRuns) {
  ExpectErrors errors;
  AddModel("m/buggy")->Script().Throw("slipped");
  AddModel("m/a")->Script().Text("hello");
  for (std::size_t i = 0; i < AsyncInvokes::kAtOnce; ++i) {
    const auto job = Ended("m/buggy");
    EXPECT_EQ(job.state, store::JobState::kFailed);
    EXPECT_THAT(job.error, HasSubstr("internal error"));
  }
  EXPECT_EQ(Ended("m/a").state, store::JobState::kDone);
  EXPECT_EQ(errors.errors(), static_cast<int>(AsyncInvokes::kAtOnce));
}

}  // namespace
}  // namespace strata::server
