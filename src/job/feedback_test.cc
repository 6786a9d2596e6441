// What users say of answers: kept by trace and workspace, bounded, and what it adds up to.

#include "job/feedback.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/run_task.h"
#include "job/eval_sets.h"
#include "store/testing.h"

namespace strata::job {
namespace {

Feedback Said(const std::string& trace, double value, double weight = 1) {
  Feedback feedback;
  feedback.trace = trace;
  feedback.value = value;
  feedback.weight = weight;
  return feedback;
}

class FeedbackStore : public testing::Test {
 protected:
  void SetUp() override {
    store::SqlFileOptions options;
    options.migrations = EvalMigrations();
    file_ = *store::SqlFile::Open(folder_ / "eval.db", options);
    feedback_ = std::make_unique<Feedbacks>(*file_);
  }
  Result<Feedback> Add(const Feedback& feedback) {
    return RunTask(feedback_->Add(feedback, workspace_));
  }

  store::TempFolder folder_;
  std::unique_ptr<store::SqlFile> file_;
  std::unique_ptr<Feedbacks> feedback_;
  const WorkspaceId workspace_{"default"};
};

TEST_F(FeedbackStore, IsOfATraceAndAWorkspace) {
  ASSERT_TRUE(Add(Said("a", 1)).has_value());
  ASSERT_TRUE(Add(Said("a", -2)).has_value());
  ASSERT_TRUE(Add(Said("b", -1)).has_value());
  EXPECT_EQ(RunTask(feedback_->OfTrace("a", workspace_))->size(), 2);
  EXPECT_TRUE(RunTask(feedback_->OfTrace("a", WorkspaceId{"other"}))->empty());
  auto blame = RunTask(feedback_->List(Feedbacks::Which::kBlame, 10, workspace_));
  ASSERT_EQ(blame->size(), 2);
  EXPECT_EQ(blame->front().trace, "b") << "newest first";
  EXPECT_EQ(RunTask(feedback_->List(Feedbacks::Which::kAll, 1, workspace_))->size(), 1);
}

TEST_F(FeedbackStore, OfOneTraceIsBounded) {
  for (std::size_t i = 0; i < Feedbacks::kOfATraceMax; ++i) {
    ASSERT_TRUE(Add(Said("a", 1)).has_value());
  }
  EXPECT_EQ(Add(Said("a", 1)).error().code(), Code::kTooLarge);
  EXPECT_TRUE(Add(Said("b", 1)).has_value());
}

TEST_F(FeedbackStore, OfATestIsOneNumberAUnit) {
  auto said = [](std::string arm, std::string unit, double value) {
    auto feedback = Said("t", value);
    feedback.test = "test1";
    feedback.arm = std::move(arm);
    feedback.unit = std::move(unit);
    return feedback;
  };
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Add(said("a", "u1", 1)).has_value());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Add(said("a", "u1", -1)).has_value());
  ASSERT_TRUE(Add(said("a", "u2", 3)).has_value());
  ASSERT_TRUE(Add(said("b", "u3", -3)).has_value());
  ASSERT_TRUE(Add(said("b", "u3", 0)).has_value()) << "neither praise nor blame";
  ASSERT_TRUE(Add(Said("t", 1)).has_value()) << "of no test";
  auto outcomes = RunTask(feedback_->OfTest("test1", workspace_));
  std::ranges::sort(outcomes->a);
  EXPECT_EQ(outcomes->a, (std::vector<double>{0.5, 1}));
  EXPECT_EQ(outcomes->b, std::vector<double>{0});
  EXPECT_EQ(outcomes->feedback_a, 11U);
  EXPECT_EQ(outcomes->feedback_b, 1U);
  EXPECT_TRUE(RunTask(feedback_->OfTest("test1", WorkspaceId{"other"}))->a.empty());
}

TEST(FeedbackScore, IsTheWeightedShareOfPraise) {
  EXPECT_FALSE(ScoreOf({}).has_value());
  EXPECT_FALSE(ScoreOf({Said("a", 0)}).has_value()) << "neither praise nor blame";
  EXPECT_EQ(ScoreOf({Said("a", 10)}), 1);
  EXPECT_EQ(ScoreOf({Said("a", 1), Said("a", -10, 0.25)}), 0.8);
}

}  // namespace
}  // namespace strata::job
