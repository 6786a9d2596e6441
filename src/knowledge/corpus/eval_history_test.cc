#include "knowledge/eval_history.h"

#include <gmock/gmock.h>

#include <string>

#include "knowledge/base/service_fixture.h"

namespace strata::knowledge {
namespace {

class EvalHistoryTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    base_ = MakeBase();
    history_ = std::make_unique<EvalHistory>(*meta_, clock_);
  }

  // `queries` queries, each with this nDCG@10; `asked` tells one wording of them from another.
  static EvalReport Report(double ndcg, int queries, std::uint64_t asked = 7, int depth = 10) {
    EvalReport report;
    report.depth = depth;
    report.queries = queries;
    report.index_version = "index-1";
    for (int i = 0; i < queries; ++i) {
      EvaluatedQuery row{.id = "q" + std::to_string(i), .asked = asked};
      row.figures[0] = ndcg + (i % 2 == 0 ? 0.01 : -0.01);
      report.rows.push_back(row);
    }
    report.variants.resize(1);
    report.variants[0].figures[0].estimate = ndcg;
    return report;
  }
  KeptEvaluation Keep(EvalReport report, std::string filter = {}) {
    clock_.Advance(std::chrono::seconds(1));
    return Get(history_->Keep(base_.id, std::move(filter), std::move(report), pool_));
  }

  ManualClock clock_;
  KnowledgeBase base_;
  std::unique_ptr<EvalHistory> history_;
};

TEST_F(EvalHistoryTest, AFallIsToldFromChance) {
  EXPECT_FALSE(Keep(Report(0.8, 40)).change.has_value());
  const auto same = Keep(Report(0.8, 40));
  ASSERT_TRUE(same.change.has_value());
  EXPECT_EQ(same.change->paired, 40);
  EXPECT_FALSE(same.change->fell());
  const auto worse = Keep(Report(0.7, 40));
  ASSERT_TRUE(worse.change.has_value());
  EXPECT_TRUE(worse.change->fell());
  EXPECT_NEAR(worse.change->difference[0].estimate, -0.1, 1e-9);
  EXPECT_FALSE(Keep(Report(0.9, 40)).change->fell());
}

TEST_F(EvalHistoryTest, FewQueriesTellNothing) {
  Keep(Report(0.8, 4));
  const auto worse = Keep(Report(0.2, 4));
  ASSERT_TRUE(worse.change.has_value());
  EXPECT_FALSE(worse.change->fell());
}

TEST_F(EvalHistoryTest, OnlyTheSameQuestionsAreCompared) {
  Keep(Report(0.8, 40));
  EXPECT_FALSE(Keep(Report(0.2, 40, 8)).change.has_value()) << "other words or judgements";
  EXPECT_FALSE(Keep(Report(0.2, 40, 7, 5)).change.has_value()) << "another depth";
  EXPECT_FALSE(Keep(Report(0.2, 40), R"({"equals":{"key":"a","value":1}})").change.has_value());
  const auto grown = Keep(Report(0.7, 60));
  ASSERT_TRUE(grown.change.has_value());
  EXPECT_EQ(grown.change->paired, 40) << "with the newest that has them, not the newest";
}

TEST_F(EvalHistoryTest, WhatIsKeptIsReadBackNewestFirst) {
  Keep(Report(0.8, 40));
  const auto kept = Keep(Report(0.7, 40));
  const auto all = Get(history_->List(base_.id));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].at, kept.at);
  EXPECT_EQ(all[0].index_version, "index-1");
  EXPECT_EQ(all[0].figures[0], 0.7);
  ASSERT_TRUE(all[0].change.has_value());
  EXPECT_EQ(all[0].change->before, all[1].at);
  EXPECT_TRUE(all[0].change->fell());
  const auto standings = history_->StandingsBlocking();
  ASSERT_TRUE(standings.has_value());
  ASSERT_EQ(standings->size(), 1U);
  EXPECT_EQ((*standings)[0].base, "docs");
  EXPECT_EQ((*standings)[0].newest.at, kept.at);
}

TEST_F(EvalHistoryTest, ItsSizeIsBoundedAndItGoesWithItsBase) {
  for (int i = 0; i < EvalHistory::kKept + 3; ++i) Keep(Report(0.8, 2));
  EXPECT_EQ(Get(history_->List(base_.id)).size(), static_cast<std::size_t>(EvalHistory::kKept));
  const auto with_queries = meta_->ReadBlocking([](store::Database& db) {
    return db.Integer("SELECT COUNT(*) FROM kb_evaluations WHERE query_figures <> ''");
  });
  EXPECT_EQ(with_queries.value(), EvalHistory::kWithQueries);
  ASSERT_TRUE(Run(bases_->Delete(base_.id, ctx_)).has_value());
  CloseService();
  OpenService();
  history_ = std::make_unique<EvalHistory>(*meta_, clock_);
  EXPECT_TRUE(Get(history_->List(base_.id)).empty());
}

}  // namespace
}  // namespace strata::knowledge
