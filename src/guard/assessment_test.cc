#include "guard/assessment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/run_task.h"
#include "guard/guardrails.h"
#include "guard/word_policy.h"

namespace strata::guard {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::shared_ptr<const Policy> Words(std::string name, std::string word, Action action) {
  auto policy = MakeWordPolicy(
      {.name = std::move(name), .words = {std::move(word)}, .action = action, .mask = "[x]"});
  EXPECT_TRUE(policy.has_value());
  return std::move(*policy);
}

class Assessing : public ::testing::Test {
 protected:
  Result<std::vector<Finding>> Judge(std::string_view text, Side side,
                                     std::size_t limit = std::string_view::npos) {
    const Guardrails plain({Words("people", "Ada", Action::kMask),
                            Words("birds", "kestrel", Action::kBlock),
                            Words("noted", "hello", Action::kNote)});
    const Guardrails noting(plain, found_);
    EXPECT_EQ(noting.names(), plain.names());
    return RunTask(noting.Judge(text, side, ctx_, limit));
  }

  RequestContext ctx_;
  std::shared_ptr<Assessment> found_ = std::make_shared<Assessment>();
};

TEST_F(Assessing, TellsWhatWasFoundOnEachSideAsItStood) {
  EXPECT_TRUE(Judge("HELLO, who is ADA?", Side::kInput).has_value());
  EXPECT_FALSE(Judge("a Kestrel", Side::kOutput).has_value());
  EXPECT_THAT(found_->Of(Side::kInput), ElementsAre(Assessed{"people", "ADA", Action::kMask},
                                                    Assessed{"noted", "HELLO", Action::kNote}));
  EXPECT_THAT(found_->Of(Side::kOutput), ElementsAre(Assessed{"birds", "Kestrel", Action::kBlock}));
  EXPECT_TRUE(found_->intervened());
}

TEST_F(Assessing, WhatIsOnlyNotedDoesNotIntervene) {
  EXPECT_TRUE(Judge("hello", Side::kInput).has_value());
  EXPECT_FALSE(found_->intervened());
}

TEST_F(Assessing, OverlappingWindowsTellOnceAndNothingBehindTheirLimit) {
  EXPECT_TRUE(Judge("Ada and Ada", Side::kOutput).has_value());
  EXPECT_TRUE(Judge("Ada and", Side::kOutput).has_value());
  EXPECT_EQ(found_->Of(Side::kOutput).size(), 1u);
  EXPECT_TRUE(Judge("It is kestrel", Side::kInput, 4).has_value());
  EXPECT_THAT(found_->Of(Side::kInput), IsEmpty());
}

TEST_F(Assessing, IsBounded) {
  for (int i = 0; i < 200; ++i) found_->Note("p", Side::kInput, std::to_string(i), Action::kMask);
  EXPECT_EQ(found_->Of(Side::kInput).size(), 100u);
}

}  // namespace
}  // namespace strata::guard
