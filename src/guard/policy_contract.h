#pragma once
// What every guard::Policy promises, as tests: TEST(MyPolicy, Contract) { CheckPolicy(*policy,
// "text with a finding"); }

#include <gtest/gtest.h>

#include "base/run_task.h"
#include "base/utf8.h"
#include "guard/policy.h"

namespace strata::guard {

inline std::vector<Finding> FindingsIn(const Policy& policy, std::string_view text, Side side) {
  RequestContext ctx;
  auto findings = RunTask(policy.Judge(text, side, ctx));
  EXPECT_TRUE(findings.has_value());
  return findings.has_value() ? std::move(*findings) : std::vector<Finding>();
}

inline void CheckFindings(const Policy& policy, std::string_view text, Side side) {
  std::size_t last = 0;
  for (const auto& finding : FindingsIn(policy, text, side)) {
    EXPECT_LE(last, finding.start) << "findings come in order";
    EXPECT_LT(finding.start, finding.end);
    ASSERT_LE(finding.end, text.size());
    EXPECT_LE(finding.end - finding.start, policy.reach());
    EXPECT_TRUE(IsValidUtf8(text.substr(finding.start, finding.end - finding.start)));
    if (finding.action == Action::kMask) EXPECT_TRUE(policy.MayMask(side));
    last = finding.start;
  }
}

// `hit`: a text in which the policy finds something, on a side that it judges.
inline void CheckPolicy(const Policy& policy, std::string_view hit) {
  EXPECT_FALSE(policy.name().empty());
  EXPECT_TRUE(policy.Judges(Side::kInput) || policy.Judges(Side::kOutput));
  for (auto side : {Side::kInput, Side::kOutput}) {
    if (!policy.Judges(side)) continue;
    EXPECT_TRUE(FindingsIn(policy, "", side).empty());
    EXPECT_FALSE(FindingsIn(policy, hit, side).empty());
    CheckFindings(policy, hit, side);
    const std::string far(2 * policy.reach(), '.');
    auto moved = FindingsIn(policy, far + std::string(hit) + far, side);
    auto plain = FindingsIn(policy, hit, side);
    ASSERT_EQ(moved.size(), plain.size()) << "what is farther off than reach() changes nothing";
    for (std::size_t i = 0; i < plain.size(); ++i) {
      EXPECT_EQ(moved[i].start, plain[i].start + far.size());
    }
    // Any bytes are taken.
    FindingsIn(policy, std::string("\xff\xc3(\x80 \0 x", 8) + std::string(hit), side);
  }
}

}  // namespace strata::guard
