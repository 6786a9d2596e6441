// Whole requests at scripted deployments: retries, fallbacks, hedging, and that a failure after the
// first token stays one.

#include "gateway/resilience/resilient_chat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>

#include "base/rng.h"
#include "net/runtime.h"
#include "tests/fakes/fake_chat_model.h"
#include "tests/fakes/fake_embedder.h"

namespace strata::gateway {
namespace {

using fakes::FakeChatModel;
using std::chrono::milliseconds;
using testing::HasSubstr;

Error ServerError() { return Error(Code::kUnavailable, "boom").FromUpstream(500); }
Error BrokenOff() { return Error(Code::kUnavailable, "cut").FromUpstream(-1); }

struct Reply {
  std::string text;
  std::optional<Error> error;
  std::string model;
  int starts = 0;
  bool ended = false;
};

domain::ChatRequest Says(bool stream) {
  domain::ChatRequest request;
  request.stream = stream;
  request.user = "u1";
  request.messages.push_back({.role = domain::Role::kUser, .content = {}});
  request.messages.back().content.push_back(domain::TextBlock{.text = "hi", .citations = {}});
  return request;
}

Task<Reply> Ask(provider::ChatModel& model, RequestContext& ctx, bool stream = true) {
  Reply reply;
  auto started = co_await model.Start(Says(stream), ctx);
  if (!started.has_value()) {
    reply.error = started.error();
    co_return reply;
  }
  while (!reply.ended) {
    auto event = co_await (*started)->Next();
    if (!event.has_value()) {
      reply.error = event.error();
      break;
    }
    if (auto* start = std::get_if<domain::StreamStart>(&*event)) {
      ++reply.starts;
      reply.model = start->model;
    }
    if (auto* text = std::get_if<domain::TextDelta>(&*event)) reply.text += text->text;
    reply.ended = std::holds_alternative<domain::StreamEnd>(*event);
  }
  co_return reply;
}

class Resilient : public testing::Test {
 protected:
  Resilient() {
    ResilienceEnv env;
    env.random = [this] { return rng_.Unit(); };
    env.sleep = [this](milliseconds wait, std::stop_token) -> Task<Result<>> {
      slept_ += wait;
      co_return Result<>{};
    };
    options_.breaker.faults_in_row = 1'000'000;
    options_.breaker.attempts_min = 1'000'000;
    resilience_ = std::make_unique<Resilience>(options_, std::move(env));
  }

  FakeChatModel& Add(const std::string& id) {
    auto& model = models_[id] = std::make_shared<FakeChatModel>(id);
    model->MutableInfo().cleared_for_all_labels = true;
    return *model;
  }

  // One without an id is not found by others.
  std::shared_ptr<provider::ChatModel> Pool(PoolSpec spec) {
    const bool named = !spec.id.empty();
    if (!named) spec.id = "pool";
    ModelFinder finder;
    finder.chat = [this](std::string_view id) -> Result<std::shared_ptr<provider::ChatModel>> {
      if (auto other = others_.find(id); other != others_.end()) return other->second;
      auto at = models_.find(std::string(id));
      if (at == models_.end()) return Fail(NotFound("model", id));
      return at->second;
    };
    domain::ModelInfo info;
    info.id = spec.id;
    auto pool = resilience_->MakeChat(spec, finder, std::move(info));
    if (named) others_[spec.id] = pool;
    return pool;
  }

  Reply Get(provider::ChatModel& model, bool stream = true) {
    return runtime_.Run(Ask(model, ctx_, stream));
  }

  std::uint64_t Outcomes(const std::string& id, AttemptOutcome outcome) {
    return resilience_->board()
        .Of(id, "fake")
        ->Report()
        .outcomes[static_cast<std::size_t>(outcome)];
  }

  net::Runtime runtime_;  // outlives the gates in scripts, whose timers belong to it
  Rng rng_{1};
  milliseconds slept_{0};
  ResilienceOptions options_;
  std::unique_ptr<Resilience> resilience_;
  std::map<std::string, std::shared_ptr<FakeChatModel>> models_;
  // What pools find beside them.
  std::map<std::string, std::shared_ptr<provider::ChatModel>, std::less<>> others_;
  RequestContext ctx_;
};

TEST_F(Resilient, AModelNamedDirectlyIsTriedAgainAndAnswersOnce) {
  auto& a = Add("a");
  a.Script().Text("hello");
  a.Next().Refuse(ServerError());
  a.Next().Fail(BrokenOff());
  auto reply = Get(*resilience_->Wrap(models_["a"]));
  EXPECT_FALSE(reply.error);
  EXPECT_EQ(reply.text, "hello");
  EXPECT_EQ(reply.starts, 1);
  EXPECT_EQ(a.calls(), 3);
  EXPECT_EQ(Outcomes("a", AttemptOutcome::kServerError), 1U);
  EXPECT_EQ(Outcomes("a", AttemptOutcome::kCut), 1U);
  EXPECT_EQ(Outcomes("a", AttemptOutcome::kOk), 1U);
}

TEST_F(Resilient, NeverTriesAgainAfterTheFirstToken) {
  auto& a = Add("a");
  a.Script().Text("Hel").Fail(BrokenOff());
  auto& b = Add("b");
  auto direct = resilience_->Wrap(models_["a"]);
  auto pool = Pool({.deployments = {{"a"}}, .fallback = {"b"}});
  for (auto* model : {direct.get(), pool.get()}) {
    auto calls = a.calls();
    auto reply = Get(*model);
    ASSERT_TRUE(reply.error);
    EXPECT_EQ(reply.error->code(), Code::kUnavailable);
    EXPECT_EQ(reply.text, "Hel");
    EXPECT_FALSE(reply.ended);
    EXPECT_EQ(a.calls(), calls + 1);
  }
  EXPECT_EQ(b.calls(), 0);
  EXPECT_EQ(Outcomes("a", AttemptOutcome::kCut), 2U);
}

TEST_F(Resilient, TheFallbackAnswersWhenTheModelDoesNot) {
  Add("a").Script().Refuse(ServerError());
  Add("b").Script().Text("from b");
  auto pool = Pool({.deployments = {{"a"}}, .fallback = {"b"}});
  auto reply = Get(*pool);
  EXPECT_EQ(reply.text, "from b");
  EXPECT_EQ(models_["a"]->calls(), 3);
  EXPECT_EQ(models_["b"]->calls(), 1);
  EXPECT_EQ(resilience_->board().Of("b", "fake")->Report().fallbacks, 1U);
}

TEST_F(Resilient, ModelsMayBeEachOthersFallbacks) {
  Add("x").Script().Refuse(ServerError());
  Add("y").Script().Refuse(ServerError());
  auto a = Pool({.id = "a", .deployments = {{"x"}}, .fallback = {"b"}, .retries = 0});
  auto b = Pool({.id = "b", .deployments = {{"y"}}, .fallback = {"a"}, .retries = 0});
  for (auto* pool : {a.get(), b.get()}) EXPECT_TRUE(Get(*pool).error);
  EXPECT_EQ(models_["x"]->calls(), 2) << "once for each request";
  EXPECT_EQ(models_["y"]->calls(), 2);
  models_["y"]->Next().Text("from y");
  EXPECT_EQ(Get(*a).text, "from y");
  models_["x"]->Next().Text("from x");
  EXPECT_EQ(Get(*b).text, "from x");
}

TEST_F(Resilient, AModelThatIsItsOwnFallbackByAnAliasIsAskedOnce) {
  Add("x").Script().Refuse(ServerError());
  auto a = Pool({.id = "a", .deployments = {{"x"}}, .fallback = {"alias"}, .retries = 0});
  others_["alias"] = a;
  EXPECT_TRUE(Get(*a).error);
  EXPECT_EQ(models_["x"]->calls(), 1);
}

TEST_F(Resilient, AnUnknownDeploymentIsLeftOutUntilItIsThere) {
  Add("b").Script().Text("b");
  auto pool = Pool({.deployments = {{"a"}}, .fallback = {"b"}});
  EXPECT_EQ(Get(*pool).text, "b");
  auto empty = Pool({.deployments = {{"nobody"}}});
  auto reply = Get(*empty);
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->code(), Code::kNotFound);
}

TEST_F(Resilient, HedgesASlowAttemptAndCancelsTheLoser) {
  fakes::Gate never;
  Add("slow").Script().Wait(never).Text("late");
  Add("quick").Script().Text("soon");
  auto pool = Pool({.deployments = {{"slow", 1000}, {"quick"}}, .hedge_after = milliseconds(5)});
  auto reply = Get(*pool);
  EXPECT_EQ(reply.text, "soon");
  EXPECT_EQ(reply.starts, 1);
  EXPECT_EQ(models_["slow"]->open_streams(), 0) << "the loser's stream is gone";
  EXPECT_EQ(Outcomes("slow", AttemptOutcome::kCancelled), 1U);
  EXPECT_EQ(resilience_->board().Of("quick", "fake")->Report().hedges, 1U);
  EXPECT_EQ(resilience_->board().Of("slow", "fake")->in_flight(), 0);
}

TEST_F(Resilient, ARaceThatBothLoseEndsWithOneError) {
  fakes::Gate gate;
  Add("slow").Script().Wait(gate).Fail(BrokenOff());
  auto& quick = Add("quick");
  quick.Script().Refuse(ServerError());
  auto pool = Pool(
      {.deployments = {{"slow", 1000}, {"quick"}}, .retries = 0, .hedge_after = milliseconds(5)});
  ctx_.deadline = ctx_.clock->Steady() + std::chrono::seconds(20);
  std::thread opener([&] {
    while (quick.calls() == 0) std::this_thread::yield();
    gate.Open();
  });
  auto reply = Get(*pool);
  opener.join();
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->code(), Code::kUnavailable);
  EXPECT_EQ(quick.calls(), 1);
}

TEST_F(Resilient, AQuickAnswerIsNotHedged) {
  Add("a").Script().Text("a");
  Add("b").Script().Text("b");
  auto pool = Pool({.deployments = {{"a"}, {"b"}}, .hedge_after = std::chrono::seconds(30)});
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(Get(*pool).error);
  EXPECT_EQ(models_["a"]->calls() + models_["b"]->calls(), 20);
}

TEST_F(Resilient, AnAttemptThatGivesNoTokenInItsTimeIsGivenUpForAnother) {
  fakes::Gate never;
  Add("silent").Script().Wait(never);
  Add("b").Script().Text("b");
  auto pool =
      Pool({.deployments = {{"silent"}}, .fallback = {"b"}, .first_token_max = milliseconds(10)});
  auto reply = Get(*pool);
  EXPECT_EQ(reply.text, "b");
  EXPECT_EQ(models_["silent"]->open_streams(), 0);
}

TEST_F(Resilient, AHedgedAttemptIsGivenUpInItsTimeToo) {
  fakes::Gate never;
  Add("silent").Script().Wait(never);
  Add("mute").Script().Wait(never);
  Add("b").Script().Text("b");
  auto pool = Pool({.deployments = {{"silent"}, {"mute"}},
                    .fallback = {"b"},
                    .hedge_after = milliseconds(5),
                    .first_token_max = milliseconds(30)});
  ctx_.deadline = ctx_.clock->Steady() + std::chrono::seconds(5);
  EXPECT_EQ(Get(*pool).text, "b");
  EXPECT_EQ(resilience_->board().Of("silent", "fake")->Report().hedges +
                resilience_->board().Of("mute", "fake")->Report().hedges,
            1U);
  for (const char* id : {"silent", "mute"}) EXPECT_EQ(models_[id]->open_streams(), 0) << id;
}

TEST_F(Resilient, AHedgedRequestEndsWhenItsCallerNoLongerWaitsForTheFirstByte) {
  fakes::Gate never;
  Add("silent").Script().Wait(never);
  Add("mute").Script().Wait(never);
  auto pool = Pool({.deployments = {{"silent"}, {"mute"}}, .hedge_after = milliseconds(5)});
  const auto start = ctx_.clock->Steady();
  ctx_.deadline = start + std::chrono::seconds(5);
  ctx_.first_byte_deadline = start + milliseconds(60);
  const auto reply = Get(*pool);
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->code(), Code::kDeadlineExceeded);
  EXPECT_LT(ctx_.clock->Steady() - start, std::chrono::seconds(3));
}

// As a model that asks others does: takes some numbers, then does what its script says.
class CallsSeveral final : public provider::ChatModel {
 public:
  CallsSeveral(std::shared_ptr<FakeChatModel> inner, std::vector<int>& numbers)
      : inner_(std::move(inner)), numbers_(numbers) {}

  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& request,
                                                            RequestContext& ctx) override {
    for (int i = 0; i < 3; ++i) numbers_.push_back(ctx.calls++);
    co_return co_await inner_->Start(std::move(request), ctx);
  }
  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest, RequestContext&) override {
    co_return 0;
  }
  const domain::ModelInfo& Info() const override { return inner_->Info(); }

 private:
  const std::shared_ptr<FakeChatModel> inner_;
  std::vector<int>& numbers_;
};

TEST_F(Resilient, NoTwoCallsOfARequestHaveOneNumber) {
  fakes::Gate never;
  std::vector<int> numbers;
  Add("failing").Script().Refuse(ServerError());
  Add("slow").Script().Wait(never);
  Add("quick");
  for (const char* id : {"failing", "slow", "quick"}) {
    others_[id] = std::make_shared<CallsSeveral>(models_[id], numbers);
  }
  auto in_turn = Pool({.deployments = {{"failing"}}, .fallback = {"quick"}, .retries = 2});
  EXPECT_EQ(Get(*in_turn).text, "ok");
  EXPECT_EQ(numbers.size(), 12U) << "three attempts that failed, and the fallback's";
  EXPECT_EQ(ctx_.calls, 12) << "without gaps where none run side by side";
  auto racing = Pool({.deployments = {{"slow", 1000}, {"quick"}}, .hedge_after = milliseconds(5)});
  EXPECT_EQ(Get(*racing).text, "ok");
  EXPECT_EQ(numbers.size(), 18U);
  numbers.push_back(ctx_.calls);  // the request's next
  EXPECT_EQ(std::set(numbers.begin(), numbers.end()).size(), numbers.size());
}

// What judges an answer while it comes makes calls of the same request.
TEST_F(Resilient, CallsMadeWhileTheAnswerComesHaveNumbersOfTheirOwn) {
  std::vector<int> numbers;
  Add("quick");
  others_["quick"] = std::make_shared<CallsSeveral>(models_["quick"], numbers);
  auto pool = Pool({.deployments = {{"quick"}},
                    .fallback = {"none"},
                    .first_token_max = std::chrono::seconds(5)});
  auto request = Says(true);
  auto stream = runtime_.Run(pool->Start(std::move(request), ctx_));
  ASSERT_TRUE(stream.has_value()) << stream.error().message();
  EXPECT_EQ(numbers, std::vector({0, 1, 2}));
  EXPECT_EQ(ctx_.calls, 3);
}

TEST_F(Resilient, AClientThatLeavesEndsTheAttemptAndNoOtherIsMade) {
  fakes::Gate never;
  Add("a").Script().Wait(never);
  Add("b").Script().Text("b");
  auto pool = Pool({.deployments = {{"a"}}, .fallback = {"b"}});
  std::stop_source gone;
  ctx_.cancel = gone.get_token();
  std::thread leaver([&] {
    never.AwaitArrival();
    gone.request_stop();
  });
  auto reply = Get(*pool);
  leaver.join();
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->code(), Code::kCancelled);
  EXPECT_EQ(models_["a"]->open_streams(), 0);
  EXPECT_EQ(models_["b"]->calls(), 0);
  EXPECT_EQ(Outcomes("a", AttemptOutcome::kCancelled), 1U);
}

TEST_F(Resilient, ASessionStaysWithItsDeployment) {
  for (const char* id : {"a", "b", "c"}) Add(id);
  auto pool = Pool({.deployments = {{"a"}, {"b"}, {"c"}}, .sticky = Sticky::kSession});
  std::set<std::string> used;
  for (int session = 0; session < 20; ++session) {
    ctx_.session = "s" + std::to_string(session);
    auto first = Get(*pool).model;
    used.insert(first);
    for (int turn = 0; turn < 5; ++turn) EXPECT_EQ(Get(*pool).model, first);
  }
  EXPECT_EQ(used.size(), 3U) << "sessions are spread";
}

TEST_F(Resilient, CountingAsksTheNextWhenOneCannot) {
  Add("b");
  auto pool = Pool({.deployments = {{"missing"}, {"b"}}});
  domain::ChatRequest request;
  request.messages.push_back({.role = domain::Role::kUser, .content = {}});
  request.messages.back().content.push_back(domain::TextBlock{.text = "hi", .citations = {}});
  auto count = runtime_.Run(pool->CountTokens(request, ctx_));
  ASSERT_TRUE(count.has_value());
  EXPECT_EQ(*count, 1);
}

TEST_F(Resilient, APoolWithoutDeploymentsSaysWhyOfEachAndIsNotTriedAgain) {
  auto pool = Pool({.deployments = {{"missing"}}, .fallback = {"gone"}});
  const auto reply = Get(*pool);
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->code(), Code::kNotFound);
  EXPECT_EQ(reply.error->field(), "model");
  EXPECT_EQ(reply.error->message(),
            "no deployment of 'pool' can be asked: model 'missing' does not exist; model 'gone' "
            "does not exist");
  EXPECT_EQ(slept_, milliseconds(0));
}

TEST_F(Resilient, EmbeddingsComeThroughTheSameLayer) {
  auto embedder = std::make_shared<fakes::FakeEmbedder>("e", 8);
  auto wrapped = resilience_->Wrap(std::shared_ptr<provider::Embedder>(embedder));
  auto vectors = runtime_.Run(wrapped->Embed({"one", "two"}, provider::EmbedPurpose::kQuery, ctx_));
  ASSERT_TRUE(vectors.has_value());
  EXPECT_EQ(vectors->count(), 2U);
  EXPECT_EQ(Outcomes("e", AttemptOutcome::kOk), 1U);
  ctx_.labels.Add("secret");
  auto refused = runtime_.Run(wrapped->Embed({"one"}, provider::EmbedPurpose::kQuery, ctx_));
  EXPECT_EQ(refused.error().code(), Code::kPermissionDenied);
  EXPECT_EQ(embedder->calls(), 1);
}

// Whatever the deployments do: one StreamStart, and either an end or an error, never both; what was
// read is the beginning of what one deployment said.
TEST_F(Resilient, EveryRequestHasOneAnswerUnderRandomFaults) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    rng_ = Rng(seed);
    models_.clear();
    for (const char* id : {"a", "b", "c"}) {
      auto& script = Add(std::string(id) + std::to_string(seed));
      for (int call = 0; call < 60; ++call) {  // more than five requests can make
        auto& next = script.Next();
        switch (rng_.Below(5)) {
          case 0:
            next.Refuse(ServerError());
            break;
          case 1:
            next.Refuse(Error(Code::kRateLimited, "busy").FromUpstream(429));
            break;
          case 2:
            next.Fail(BrokenOff());
            break;
          case 3:
            next.Text(id).Text("-one").Fail(BrokenOff());
            break;
          default:
            next.Text(id).Text("-one").Text("-two");
        }
      }
    }
    auto name = [&](const char* id) { return std::string(id) + std::to_string(seed); };
    auto pool = Pool({.deployments = {{name("a")}, {name("b")}},
                      .balance = static_cast<Balance>(rng_.Below(4)),
                      .fallback = {name("c")}});
    for (int n = 0; n < 5; ++n) {
      auto reply = Get(*pool, rng_.Below(2) == 0);
      ASSERT_NE(reply.ended, reply.error.has_value()) << "seed " << seed;
      ASSERT_EQ(reply.starts, reply.text.empty() ? 0 : 1) << "seed " << seed;
      if (reply.text.empty()) continue;
      auto whole = reply.text.substr(0, 1) + "-one-two";
      ASSERT_TRUE(reply.ended ? reply.text == whole : whole.starts_with(reply.text))
          << "seed " << seed << ": " << reply.text;
    }
    for (const auto& [id, model] : models_) ASSERT_EQ(model->open_streams(), 0) << "seed " << seed;
  }
  for (const auto& report : resilience_->board().List()) EXPECT_EQ(report.in_flight, 0);
}

}  // namespace
}  // namespace strata::gateway
