// What a run says: means, pairs, prices, judges against people, rows to learn from.

#include "job/eval_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "route/outcome_rows.h"

namespace strata::job {
namespace {

EvalPlan Plan() {
  EvalPlan plan;
  plan.set = "sums";
  plan.version = 1;
  plan.targets = {"up/strong", "up/cheap"};
  plan.judges = {*ParseJudge("exact"), *ParseJudge("model:up/strong")};
  return plan;
}

EvalCase Case(const std::string& row, std::size_t target, std::optional<double> quality,
              std::optional<std::int64_t> picousd = 1'000'000) {
  EvalCase c;
  c.row = row;
  c.target = target;
  c.quality = quality;
  c.scores = {quality, std::nullopt};
  c.reasons = {"", ""};
  c.cost_picousd = picousd;
  c.latency_ms = 10 + static_cast<std::int64_t>(target);
  c.answer = "The answer is 4";
  c.input_tokens = 20;
  c.output_tokens = 3;
  return c;
}

TEST(EvalReports, CompareOnlyRowsThatBothWereJudgedOn) {
  std::vector<EvalCase> cases;
  for (int i = 0; i < 100; ++i) {
    auto row = std::to_string(i);
    cases.push_back(Case(row, 0, i < 80 ? 1.0 : 0.0, 4'000'000));
    if (i < 90) cases.push_back(Case(row, 1, i % 2 == 0 ? 1.0 : 0.0, 1'000'000));
  }
  auto report = ReportOf(Plan(), cases, {});
  ASSERT_EQ(report.targets.size(), 2);
  const auto& first = report.targets[0];
  const auto& other = report.targets[1];
  EXPECT_DOUBLE_EQ(first.quality.estimate, 0.8);
  EXPECT_LT(first.quality.low, 0.8);
  EXPECT_DOUBLE_EQ(first.ratio.estimate, 1);
  EXPECT_DOUBLE_EQ(first.ratio.low, 1) << "against itself there is no doubt";
  EXPECT_EQ(other.paired, 90);
  EXPECT_DOUBLE_EQ(other.ratio.estimate, 45.0 / 80);
  EXPECT_DOUBLE_EQ(other.difference.estimate, (45.0 - 80) / 90);
  EXPECT_LT(other.difference.high, 0);
  EXPECT_DOUBLE_EQ(other.cost_ratio->estimate, 0.25);
  EXPECT_EQ(other.latency_ms_p50, 11);
}

TEST(EvalReports, DoNotHideWhatFailedOrHasNoPriceOrJudge) {
  auto failed = Case("a", 1, 0);
  failed.error = "no answer";
  std::vector<EvalCase> cases{Case("a", 0, 1), failed, Case("b", 0, std::nullopt, std::nullopt)};
  auto report = ReportOf(Plan(), cases, {});
  EXPECT_EQ(report.targets[1].failed, 1);
  EXPECT_EQ(report.targets[1].quality.estimate, 0);
  EXPECT_EQ(report.targets[0].unjudged, 1);
  EXPECT_EQ(report.targets[0].unpriced, 1);
  EXPECT_EQ(report.targets[0].quality.estimate, 1) << "what nobody judged is in no mean";
}

TEST(EvalReports, SayHowFarAModelAgreesWithPeople) {
  std::vector<HumanCheck> checks;
  for (std::size_t i = 0; i < 20; ++i) {
    HumanCheck check;
    check.row = std::to_string(i);
    check.judge = 1;
    check.human = i < 10 ? 1 : 0;
    check.model = i < 9 || i == 19 ? 0.75 : 0.25;
    checks.push_back(check);
  }
  checks.push_back({.row = "silent", .judge = 1, .answer = 0, .human = 1, .model = {}});
  auto report = ReportOf(Plan(), {}, checks);
  ASSERT_EQ(report.judges.size(), 1);
  EXPECT_EQ(report.judges[0].people.n, 20);
  EXPECT_DOUBLE_EQ(report.judges[0].people.share.estimate, 0.9);
  EXPECT_DOUBLE_EQ(report.judges[0].people.kappa.estimate, 0.8);
  EXPECT_TRUE(report.judges[0].judges_itself);
}

TEST(EvalReports, RoutingRowsAreReadByTheTrainer) {
  EvalRow row;
  row.id = "a";
  row.messages = {{.role = EvalMessage::Role::kSystem, .text = "Be brief."},
                  {.role = EvalMessage::Role::kUser, .text = "What is 2 plus 2?"}};
  row.tags = {"arithmetic"};
  row.split = route::Split::kTest;
  auto unanswered = row;
  unanswered.id = "b";
  std::vector<EvalRow> rows{row, unanswered};
  auto failed = Case("b", 0, 0);
  failed.error = "no answer";
  std::vector<EvalCase> cases{Case("a", 0, 1), Case("a", 1, 0.25, std::nullopt), failed};
  auto text = RoutingRows(Plan(), rows, cases);
  auto read = route::ParseOutcomeRows(text, "rows", route::OutcomesAre::kRead);
  ASSERT_TRUE(read.has_value()) << read.error().message();
  ASSERT_EQ(read->size(), 1);
  const auto& out = read->front();
  EXPECT_EQ(out.source, "sums");
  EXPECT_EQ(out.domain, "arithmetic");
  EXPECT_EQ(out.split, route::Split::kTest);
  EXPECT_EQ(out.prompt, "What is 2 plus 2?") << "what a router decides by";
  EXPECT_EQ(out.Find("up/cheap")->quality, 0.25);
  EXPECT_FALSE(out.Find("up/cheap")->cost.has_value());
  EXPECT_DOUBLE_EQ(*out.Find("up/strong")->cost, 1e-6);
  EXPECT_EQ(out.Find("up/strong")->answer, "4");
}

}  // namespace
}  // namespace strata::job
