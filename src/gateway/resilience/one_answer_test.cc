// Vectors, rankings and moderations through the same layer as chats: attempts, fallbacks, health.

#include "gateway/resilience/one_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "gateway/resilience.h"
#include "net/runtime.h"

namespace strata::gateway {
namespace {

using std::chrono::milliseconds;

Error ServerError() { return Error(Code::kUnavailable, "boom").FromUpstream(500); }

// Fails with what was prepared, then answers.
template <class Interface>
class Prepared : public Interface {
 public:
  explicit Prepared(const std::string& id) {
    info_.id = id;
    info_.provider = id;
    info_.cleared_for_all_labels = true;
  }
  const domain::ModelInfo& Info() const override { return info_; }
  Result<> Ask(const RequestContext& ctx) {
    ++calls;
    last_route = ctx.route;
    if (failures.empty()) return {};
    auto error = failures.front();
    failures.pop_front();
    return Fail(std::move(error));
  }

  std::deque<Error> failures;
  int calls = 0;
  std::string last_route;

 private:
  domain::ModelInfo info_;
};

class Ranks final : public Prepared<provider::Reranker> {
 public:
  using Prepared::Prepared;
  Task<Result<domain::Reranking>> Rerank(domain::RerankRequest request,
                                         RequestContext& ctx) override {
    STRATA_CO_CHECK_OK(Ask(ctx));
    domain::Reranking out;
    out.ranked.resize(request.documents.size());
    co_return out;
  }
};

class Moderates final : public Prepared<provider::Moderator> {
 public:
  using Prepared::Prepared;
  Task<Result<domain::Moderation>> Moderate(domain::ModerationRequest,
                                            RequestContext& ctx) override {
    STRATA_CO_CHECK_OK(Ask(ctx));
    domain::Moderation out;
    out.model = Info().id;
    co_return out;
  }
};

class OneAnswer : public testing::Test {
 protected:
  OneAnswer() {
    ResilienceEnv env;
    env.random = [] { return 0.5; };
    env.sleep = [this](milliseconds wait, std::stop_token) -> Task<Result<>> {
      slept_ += wait;
      co_return Result<>{};
    };
    resilience_ = std::make_unique<Resilience>(ResilienceOptions{}, std::move(env));
    finder_.rerank = [this](std::string_view id) { return Found<provider::Reranker>(ranks_, id); };
    finder_.moderate = [this](std::string_view id) {
      return Found<provider::Moderator>(moderates_, id);
    };
    ctx_.deadline = SystemClock().Steady() + std::chrono::seconds(60);
  }

  template <class Interface, class Model>
  static Result<std::shared_ptr<Interface>> Found(
      const std::map<std::string, std::shared_ptr<Model>, std::less<>>& models,
      std::string_view id) {
    auto at = models.find(id);
    if (at == models.end()) return Fail(NotFound("model", id));
    return std::shared_ptr<Interface>(at->second);
  }
  Ranks& AddRanker(const std::string& id) { return *(ranks_[id] = std::make_shared<Ranks>(id)); }
  Moderates& AddModerator(const std::string& id) {
    return *(moderates_[id] = std::make_shared<Moderates>(id));
  }
  std::shared_ptr<provider::Reranker> RankPool(PoolSpec spec) {
    domain::ModelInfo facts;
    facts.id = spec.id = "pool";
    return resilience_->MakeReranker(std::move(spec), finder_, std::move(facts));
  }
  Result<domain::Reranking> Rank(provider::Reranker& model) {
    domain::RerankRequest request{.query = "q", .documents = {"a", "b"}};
    return runtime_.Run(model.Rerank(std::move(request), ctx_));
  }

  std::map<std::string, std::shared_ptr<Ranks>, std::less<>> ranks_;
  std::map<std::string, std::shared_ptr<Moderates>, std::less<>> moderates_;
  milliseconds slept_{0};
  ModelFinder finder_;
  std::unique_ptr<Resilience> resilience_;
  net::Runtime runtime_;
  RequestContext ctx_;
};

TEST_F(OneAnswer, RankingIsTriedAgainAfterAWait) {
  auto& ranks = AddRanker("r");
  ranks.failures = {ServerError(), ServerError()};
  auto wrapped = resilience_->Wrap(std::shared_ptr<provider::Reranker>(ranks_["r"]));
  auto answer = Rank(*wrapped);
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_EQ(answer->ranked.size(), 2U);
  EXPECT_EQ(ranks.calls, 3);
  EXPECT_GT(slept_.count(), 0);
}

TEST_F(OneAnswer, WhatTheCallerAskedWronglyIsNotTriedAgain) {
  auto& ranks = AddRanker("r");
  ranks.failures = {Error(Code::kInvalidArgument, "no").FromUpstream(400)};
  auto wrapped = resilience_->Wrap(std::shared_ptr<provider::Reranker>(ranks_["r"]));
  EXPECT_EQ(Rank(*wrapped).error().code(), Code::kInvalidArgument);
  EXPECT_EQ(ranks.calls, 1);
}

TEST_F(OneAnswer, RankingGoesOnToOtherDeploymentsAndFallbacks) {
  auto& a = AddRanker("a");
  auto& b = AddRanker("b");
  auto& c = AddRanker("c");
  a.failures = b.failures = std::deque<Error>(10, ServerError());
  auto pool = RankPool({.deployments = {{"a"}, {"b"}}, .fallback = {"c"}, .retries = 1});
  auto answer = Rank(*pool);
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_EQ(c.calls, 1);
  EXPECT_EQ(a.calls + b.calls, 2);
  EXPECT_THAT(c.last_route, testing::HasSubstr("fallback"));
  a.failures.clear();
  b.failures.clear();
  c.failures = std::deque<Error>(10, ServerError());
  EXPECT_TRUE(Rank(*pool).has_value());
}

TEST_F(OneAnswer, LastErrorIsTheCallers) {
  AddRanker("a").failures = std::deque<Error>(10, ServerError());
  AddRanker("b").failures =
      std::deque<Error>(10, Error(Code::kRateLimited, "busy").FromUpstream(429));
  auto pool = RankPool({.deployments = {{"a"}}, .fallback = {"b"}, .retries = 0});
  EXPECT_EQ(Rank(*pool).error().code(), Code::kRateLimited);
}

TEST_F(OneAnswer, ModerationsComeThroughTheSameLayer) {
  AddModerator("a").failures = std::deque<Error>(10, ServerError());
  AddModerator("b");
  domain::ModelInfo facts;
  facts.id = "pool";
  auto pool = resilience_->MakeModerator(
      {.id = "pool", .deployments = {{"a"}}, .fallback = {"b"}, .retries = 0}, finder_, facts);
  auto answer = runtime_.Run(pool->Moderate({}, ctx_));
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_EQ(answer->model, "b");
}

}  // namespace
}  // namespace strata::gateway
