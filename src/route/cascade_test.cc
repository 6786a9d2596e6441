#include "route/cascade.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace strata::route {
namespace {

TEST(NormalizeAnswer, OneMeaningHasOneSpelling) {
  for (auto [a, b] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"17,800", "17800"},
           {"\\frac{1}{2}", "0.5"},
           {"\\dfrac12", "1/2"},
           {"x = 5", "5.0"},
           {"$\\text{Ian}$", " ian."},
           {"45^\\circ", "45"},
           {"(3, 4)", "(3,4)"},
           {"**B**", "b"},
       }) {
    EXPECT_TRUE(SameAnswer(a, b)) << a << " and " << b << ": " << NormalizeAnswer(a) << ", "
                                  << NormalizeAnswer(b);
  }
}

TEST(NormalizeAnswer, DifferentMeaningsStayApart) {
  for (auto [a, b] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{{"13.11", "13.8"},
                                                                            {"1,2", "12"},
                                                                            {"-5", "5"},
                                                                            {"(3,4)", "(4,3)"},
                                                                            {"", ""},
                                                                            {"$", "%"}}) {
    EXPECT_FALSE(SameAnswer(a, b)) << a << " and " << b;
  }
}

TEST(NormalizeAnswer, EndsForAnyBytes) {
  Rng rng(8);
  for (int trial = 0; trial < 500; ++trial) {
    std::string text;
    for (std::uint64_t i = rng.Below(40); i > 0; --i) {
      static constexpr std::string_view kParts[] = {"\\frac", "{", "}",      "1", ",",
                                                    "=",      "/", "\\text", "%", "*"};
      text += kParts[rng.Below(10)];
    }
    NormalizeAnswer(text);
  }
}

CascadeRow Row(std::uint32_t kind, std::vector<double> quality, std::vector<std::string> answer) {
  return {.kind = kind,
          .quality = std::move(quality),
          .cost = {10, 1, 1, 1},
          .answer = std::move(answer)};
}

const std::vector<std::string> kModels = {"gpt-large", "gpt-mini", "gemini-flash", "llama-small"};

TEST(RunCascade, PaysEveryCallAndAsksTheStrongOneOnlyWhereTheCheapDisagree) {
  const CascadeState plan{
      .strong = 0, .first = 1, .second = 2, .third = {-1}, .settled = {}, .scale = {}};
  auto agree = RunCascade(Row(0, {1, 0, 0, 1}, {"a", "b", "b", "c"}), plan, -1);
  EXPECT_TRUE(agree.settled);
  EXPECT_EQ(agree.cost, 2);
  EXPECT_EQ(agree.quality, 0);
  auto differ = RunCascade(Row(0, {1, 0, 0, 1}, {"a", "b", "c", "d"}), plan, -1);
  EXPECT_FALSE(differ.settled);
  EXPECT_EQ(differ.cost, 12);
  EXPECT_EQ(differ.quality, 1);
  auto tie = RunCascade(Row(0, {1, 0, 0.5, 0.5}, {"a", "b", "c", "c"}), plan, 3);
  EXPECT_TRUE(tie.settled);
  EXPECT_EQ(tie.cost, 3);
  EXPECT_EQ(tie.quality, 0.5);
  auto silent = RunCascade(Row(0, {1, 0, 0, 1}, {"a", "", "", ""}), plan, 3);
  EXPECT_FALSE(silent.settled);
  EXPECT_EQ(silent.cost, 13);
}

std::vector<CascadeRow> Rows(std::size_t n) {
  Rng rng(12);
  std::vector<CascadeRow> rows;
  for (std::size_t i = 0; i < n; ++i) {
    // Wrong answers seldom coincide; llama-small only knows the second kind.
    std::vector<double> quality;
    std::vector<std::string> answer;
    auto kind = static_cast<std::uint32_t>(i % 2);
    for (double chance : {0.9, 0.7, 0.65, kind == 0 ? 0.05 : 0.7}) {
      bool right = rng.Unit() < chance;
      quality.push_back(right ? 1 : 0);
      answer.push_back(right ? "right" : "wrong " + std::to_string(rng.Below(30)));
    }
    rows.push_back(Row(kind, quality, answer));
  }
  return rows;
}

TEST(PlanCascade, KeepsTheQualityAndUsesAThirdModelWhereItKnowsSomething) {
  const auto rows = Rows(2000);
  auto plan = PlanCascade(rows, kModels, 2, 0.995);
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->strong, 0U);
  EXPECT_NE(FamilyOf(kModels[plan->first]), FamilyOf(kModels[plan->second]));
  EXPECT_EQ(plan->third.size(), 2U);
  double policy = 0, strong = 0, cost = 0;
  for (const auto& row : rows) {
    auto result = RunCascade(row, *plan, plan->third[row.kind]);
    policy += result.quality;
    strong += row.quality[0];
    cost += result.cost;
  }
  EXPECT_GE(policy, 0.995 * strong);
  EXPECT_LT(cost, 0.8 * 10 * 2000);
}

TEST(PlanCascade, RefusesWhatLosesQualityOrHasTooLittleEvidence) {
  EXPECT_FALSE(PlanCascade(Rows(49), kModels, 2, 0.9).has_value());
  EXPECT_FALSE(PlanCascade(Rows(400), kModels, 2, 1.2).has_value());
  auto rows = Rows(100);
  for (auto& row : rows) row.quality[1] = row.quality[2] = std::nan("");
  EXPECT_FALSE(PlanCascade(rows, kModels, 2, 0.5).has_value());
}

TEST(FamilyOf, IsWhatTheNameBeginsWith) {
  EXPECT_EQ(FamilyOf("gpt-4o-mini"), "gpt");
  EXPECT_EQ(FamilyOf("openrouter/qwen2.5-7b"), "qwen");
  EXPECT_EQ(FamilyOf(""), "");
}

}  // namespace
}  // namespace strata::route
