#include "tests/fakes/reranker_contract.h"

#include <gtest/gtest.h>

#include <set>

namespace strata::fakes {
namespace {

void ExpectOrdered(const domain::Reranking& answer, std::size_t documents) {
  std::set<std::size_t> seen;
  for (std::size_t i = 0; i < answer.ranked.size(); ++i) {
    EXPECT_LT(answer.ranked[i].index, documents);
    EXPECT_TRUE(seen.insert(answer.ranked[i].index).second) << "an index comes twice";
    if (i > 0) {
      EXPECT_GE(answer.ranked[i - 1].score, answer.ranked[i].score);
    }
  }
}

}  // namespace

Task<bool> CheckRerankerContract(provider::Reranker& reranker, RequestContext& ctx) {
  EXPECT_TRUE(reranker.Info().can.rerank);
  EXPECT_FALSE(reranker.Info().id.empty());
  domain::RerankRequest request{.query = "red apples",
                                .documents = {"green pears", "red apples", "blue plums"}};
  auto all = co_await reranker.Rerank(request, ctx);
  EXPECT_TRUE(all.has_value()) << all.error().message();
  if (!all.has_value()) co_return false;
  EXPECT_EQ(all->ranked.size(), 3U);
  EXPECT_GT(all->input_tokens, 0);
  ExpectOrdered(*all, 3);
  EXPECT_EQ(all->ranked.front().index, 1U);

  request.top_n = 2;
  auto two = co_await reranker.Rerank(request, ctx);
  EXPECT_TRUE(two.has_value());
  if (two.has_value()) {
    EXPECT_EQ(two->ranked.size(), 2U);
    ExpectOrdered(*two, 3);
  }

  std::stop_source gone;
  gone.request_stop();
  RequestContext cancelled;
  cancelled.cancel = gone.get_token();
  auto none = co_await reranker.Rerank(request, cancelled);
  EXPECT_FALSE(none.has_value());
  if (!none.has_value()) {
    EXPECT_EQ(none.error().code(), Code::kCancelled);
  }
  co_return true;
}

}  // namespace strata::fakes
