#include "provider/reranker.h"

#include <gtest/gtest.h>

#include "base/run_task.h"
#include "provider/registry.h"
#include "tests/fakes/fake_reranker.h"
#include "tests/fakes/reranker_contract.h"

namespace strata::provider {
namespace {

TEST(Reranker, TheFakeKeepsTheContract) {
  fakes::FakeReranker fake;
  RequestContext ctx;
  EXPECT_TRUE(RunTask(fakes::CheckRerankerContract(fake, ctx)));
  EXPECT_EQ(fake.calls(), 3);
}

TEST(Reranker, EqualScoresKeepTheOrderOfTheRequest) {
  auto ranked = RankByScore({0.5, 0.75, 0.5}, 0);
  ASSERT_EQ(ranked.size(), 3U);
  EXPECT_EQ(ranked[0].index, 1U);
  EXPECT_EQ(ranked[1].index, 0U);
  EXPECT_EQ(ranked[2].index, 2U);
  EXPECT_EQ(RankByScore({0.5, 0.75}, 1).size(), 1U);
}

TEST(Reranker, IsFoundByItsIdAndNotTakenForAnotherSort) {
  RegistrySnapshot models;
  ASSERT_TRUE(models.AddReranker(std::make_shared<fakes::FakeReranker>("judge"), {}));
  EXPECT_EQ(models.AddReranker(std::make_shared<fakes::FakeReranker>("judge"), {}).error().code(),
            Code::kConflict);
  EXPECT_TRUE(models.Rerank("judge"));
  EXPECT_EQ(models.Rerank("judges").error().code(), Code::kNotFound);
  EXPECT_EQ(models.Chat("judge").error().message(),
            "model: 'judge' is a rerank model, it cannot chat");
  ASSERT_EQ(models.List().size(), 1U);
  EXPECT_TRUE(models.List()[0].info.can.rerank);
}

}  // namespace
}  // namespace strata::provider
