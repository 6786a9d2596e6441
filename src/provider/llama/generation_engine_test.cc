#include "provider/llama/generation_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <future>
#include <thread>

#include "base/expect_errors.h"
#include "provider/llama/chat_testing.h"
#include "tests/fakes/chat_model_contract.h"

namespace strata::provider::llama {
namespace {

using testing::Answer;
using testing::Ask;
using testing::LoadTestModel;
using testing::TestSpec;

std::string Words(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "river ";
  return text;
}

// Answers all requests at once on one io_context; the results are in order.
std::vector<Result<domain::ChatResponse>> AnswerTogether(
    ChatModel& model, std::vector<domain::ChatRequest> requests) {
  auto& io = testing::TestIo();
  std::vector<RequestContext> contexts(requests.size());
  std::vector<Result<domain::ChatResponse>> out(requests.size());
  auto one = [&](std::size_t i) -> Task<void> {
    out[i] = co_await Answer(model, requests[i], contexts[i]);
  };
  for (std::size_t i = 0; i < requests.size(); ++i) {
    boost::asio::co_spawn(io, one(i), boost::asio::detached);
  }
  io.run();
  return out;
}

TEST(GenerationEngine, AnswersOfManyRequestsAreDecodedTogether) {
  auto model = LoadTestModel(TestSpec());
  std::vector<domain::ChatRequest> requests;
  for (auto animal : {"fox", "owl", "bee", "cat", "cow"}) {
    requests.push_back(Ask(std::string("Describe a ") + animal + ".", 12));
  }
  for (const auto& answer : AnswerTogether(*model, requests)) {
    ASSERT_TRUE(answer.has_value()) << answer.error().message();
    EXPECT_FALSE(domain::TextOf(answer->content).empty());
  }
  EXPECT_GE(model->engine().counters().running_max, 3);
}

TEST(GenerationEngine, APromptIsReadInSmallStepsSoThatOthersGoOn) {
  auto spec = TestSpec();
  spec.generation.prefill_tokens = 16;
  auto model = LoadTestModel(spec);
  std::vector<domain::ChatRequest> requests = {Ask(Words(150), 2), Ask("Hi", 8)};
  for (const auto& answer : AnswerTogether(*model, requests)) {
    ASSERT_TRUE(answer.has_value()) << answer.error().message();
  }
  auto counters = model->engine().counters();
  EXPECT_LE(counters.batch_max, 16);
  EXPECT_GE(counters.steps, 10);
}

TEST(GenerationEngine, WhenTheQueueIsFullTheCallerIsToldWhenToComeBack) {
  auto spec = TestSpec();
  spec.generation.sequences_max = 1;
  spec.generation.queue_max = 1;
  auto model = LoadTestModel(spec);
  auto run = [&]() -> Task<Error> {
    RequestContext ctx;
    auto running = co_await model->Start(Ask("Tell a long story.", 500), ctx);
    EXPECT_TRUE(running.has_value());
    EXPECT_TRUE((co_await (*running)->Next()).has_value()) << "it has its place";
    auto waiting = co_await model->Start(Ask("Another one.", 500), ctx);
    EXPECT_TRUE(waiting.has_value());
    auto refused = co_await model->Start(Ask("One too many.", 500), ctx);
    EXPECT_FALSE(refused.has_value());
    co_return refused.error();
  };
  auto error = testing::RunTask(run());
  EXPECT_EQ(error.code(), Code::kRateLimited);
  ASSERT_TRUE(error.retry_after().has_value());
  EXPECT_GE(*error.retry_after(), std::chrono::seconds(1));
}

TEST(GenerationEngine, ACancelledAnswerGivesItsPlaceToTheNext) {
  auto spec = TestSpec();
  spec.generation.sequences_max = 1;
  auto model = LoadTestModel(spec);
  auto run = [&]() -> Task<void> {
    std::stop_source gone;
    RequestContext leaving;
    leaving.cancel = gone.get_token();
    RequestContext staying;
    auto first = co_await model->Start(Ask("Tell a very long story.", 1500), leaving);
    EXPECT_TRUE(first.has_value());
    EXPECT_TRUE((co_await (*first)->Next()).has_value());
    auto second = co_await model->Start(Ask("Say hello.", 4), staying);
    EXPECT_TRUE(second.has_value());
    gone.request_stop();
    Code ended = Code::kInternal;
    for (;;) {
      auto event = co_await (*first)->Next();
      if (event.has_value()) continue;
      ended = event.error().code();
      break;
    }
    EXPECT_EQ(ended, Code::kCancelled);
    EXPECT_GT((*first)->UsageSoFar().PromptTokens(), 0) << "what was used is still known";
    EXPECT_TRUE((co_await (*second)->Next()).has_value());
    co_return;
  };
  auto& io = testing::TestIo();
  boost::asio::co_spawn(io, run(), boost::asio::detached);
  io.run();
}

TEST(GenerationEngine, ADeadlineEndsAnAnswerThatIsBeingGenerated) {
  auto model = LoadTestModel(TestSpec());
  RequestContext ctx;
  ctx.deadline = ctx.clock->Steady() + std::chrono::milliseconds(400);
  auto answer = testing::RunTask(Answer(*model, Ask("Count to ten thousand.", 1500), ctx));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code(), Code::kDeadlineExceeded);
}

TEST(GenerationEngine, WhenTheCacheIsFullTheYoungestWaitsAndEveryoneFinishes) {
  auto spec = TestSpec();
  spec.generation.context_tokens = 256;
  spec.generation.sequences_max = 3;
  auto model = LoadTestModel(spec);
  std::vector<domain::ChatRequest> requests;
  for (auto topic : {"the sea", "a city", "the moon"}) {
    requests.push_back(Ask(std::string("Write a long essay about ") + topic + ".", 60));
    requests.back().seed = 1;
  }
  for (const auto& answer : AnswerTogether(*model, requests)) {
    ASSERT_TRUE(answer.has_value()) << answer.error().message();
    EXPECT_EQ(answer->usage.output_tokens, 60);
    EXPECT_EQ(answer->stop_reason, domain::StopReason::kMaxTokens);
  }
  EXPECT_GE(model->engine().counters().preempted, 1);
}

TEST(GenerationEngine, AnAnswerThatFillsTheContextSaysSo) {
  auto spec = TestSpec();
  spec.generation.context_tokens = 256;
  auto model = LoadTestModel(spec);
  RequestContext ctx;
  auto request = Ask(Words(195) + "and", 1000);
  auto counted = testing::RunTask(model->CountTokens(request, ctx));
  auto answer = testing::RunTask(Answer(*model, request, ctx));
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  if (answer->stop_reason == domain::StopReason::kContextWindow) {
    EXPECT_EQ(answer->usage.TotalTokens(), 256);
  }
  EXPECT_LE(*counted + answer->usage.output_tokens, 256);
}

// In a process of its own, where the n-th passage of a named point throws.
void ExpectThrownAt(const char* passage, Code code) {
  ::setenv("STRATA_THROW_AT", passage, 1);
  const ExpectErrors expected;
  auto model = LoadTestModel(TestSpec());
  const auto first = AnswerTogether(*model, {Ask("Describe a fox.", 4)});
  const bool failed = !first[0].has_value() && first[0].error().code() == code;
  const auto next = AnswerTogether(*model, {Ask("Describe an owl.", 4)});
  if (!failed || !next[0].has_value() || expected.errors() != 1) std::abort();
  std::exit(0);
}

TEST(GenerationEngineDeathTest, AnExceptionEndsTheAnswerAndNotTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(ExpectThrownAt("llama.token:2", Code::kInternal), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(ExpectThrownAt("llama.place:1", Code::kInternal), ::testing::ExitedWithCode(0), "");
}

TEST(GenerationEngine, ShuttingDownEndsWhatIsRunning) {
  auto model = LoadTestModel(TestSpec());
  boost::asio::io_context io;
  RequestContext ctx;
  Code ended = Code::kInternal;
  std::promise<void> begun;
  auto run = [&]() -> Task<void> {
    auto stream = co_await model->Start(Ask("Tell a very long story.", 1500), ctx);
    EXPECT_TRUE((co_await (*stream)->Next()).has_value());
    begun.set_value();
    for (;;) {
      auto event = co_await (*stream)->Next();
      if (event.has_value()) continue;
      ended = event.error().code();
      co_return;
    }
  };
  boost::asio::co_spawn(io, run(), boost::asio::detached);
  std::thread thread([&] { io.run(); });
  begun.get_future().wait();
  model.reset();
  thread.join();
  EXPECT_EQ(ended, Code::kUnavailable);
}

// The promises that every ChatModel keeps. One model serves all of them: loading is what costs.
class LlamaSubject final : public fakes::ChatModelSubject {
 public:
  ChatModel& model() override {
    static auto shared = LoadTestModel(TestSpec());
    return *shared;
  }
  // Outlives the model, whose thread posts to it; leaked, as the model is static.
  net::Runtime& runtime() override {
    static auto* shared = new net::Runtime();
    return *shared;
  }
};

STRATA_CHAT_MODEL_CONTRACT(Llama, [] { return std::make_unique<LlamaSubject>(); });

}  // namespace
}  // namespace strata::provider::llama
