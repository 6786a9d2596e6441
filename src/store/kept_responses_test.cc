#include "store/kept_responses.h"

#include <gtest/gtest.h>

#include "base/run_task.h"
#include "store/testing.h"

namespace strata::store {
namespace {

class Kept : public testing::Test {
 protected:
  Kept() {
    file_ = std::move(*SqlFile::Open(folder_ / "meta.db", {}));
    Reopen();
  }
  void Reopen() {
    auto opened = KeptResponses::Open(*file_, limits_, clock_);
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    kept_ = std::move(*opened);
  }
  Result<> Note(std::string id, std::string label, ResponseOwner owner, bool pending = false) {
    KeptResponse response;
    response.id = std::move(id);
    response.deployment = "up/gpt-x";
    response.labels.Add(label);
    response.pending = pending;
    clock_.Advance(std::chrono::seconds(1));
    return RunTask(kept_->Note(std::move(owner), std::move(response)));
  }
  std::optional<KeptResponse> Find(std::string id) {
    auto found = RunTask(kept_->Find(Alice(), std::move(id)));
    return found.has_value() ? *found : std::nullopt;
  }
  static ResponseOwner Alice() { return {.workspace = {"w"}, .key = {"alice"}}; }
  static ResponseOwner Bob() { return {.workspace = {"w"}, .key = {"bob"}}; }

  TempFolder folder_;
  ManualClock clock_;
  ResponseLimits limits_;
  std::unique_ptr<SqlFile> file_;
  std::unique_ptr<KeptResponses> kept_;
};

TEST_F(Kept, APersonIsTakenOutOfTheRowsOfOneWorkspace) {
  const auto note = [&](std::string id, std::string subject, ResponseOwner owner) {
    KeptResponse response;
    response.id = std::move(id);
    response.subject = std::move(subject);
    return RunTask(kept_->Note(std::move(owner), std::move(response))).has_value();
  };
  ASSERT_TRUE(note("one", "person-1", Alice()));
  ASSERT_TRUE(note("two", "person-2", Alice()));
  ASSERT_TRUE(note("far", "person-1", {.workspace = {"v"}, .key = {"alice"}}));
  EXPECT_EQ(RunTask(kept_->EraseSubject("person-1", {"w"})).value(), 1);
  EXPECT_EQ(RunTask(kept_->EraseSubject("person-1", {"w"})).value(), 0);
  EXPECT_EQ(Find("one")->subject, "");
  EXPECT_EQ(Find("two")->subject, "person-2");
  EXPECT_EQ(RunTask(kept_->EraseSubject("person-1", {"v"})).value(), 1);
  EXPECT_EQ(RunTask(kept_->EraseSubject("", {"w"})).error().field(), "subject");
}

TEST_F(Kept, IsFoundByItsOwnKeyAndNoOther) {
  ASSERT_TRUE(Note("resp_up", "eu", Alice()));
  Reopen();
  auto found = Find("resp_up");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->deployment, "up/gpt-x");
  EXPECT_EQ(found->labels, LabelSet{"eu"});
  EXPECT_EQ(RunTask(kept_->Find(Bob(), "resp_up")).error().code(), Code::kNotFound);
  auto nobody = RunTask(kept_->Find(Bob(), "resp_other"));
  ASSERT_TRUE(nobody);
  EXPECT_FALSE(*nobody);
  ASSERT_TRUE(RunTask(kept_->Forget(Bob(), "resp_up")));
  EXPECT_TRUE(Find("resp_up"));
  ASSERT_TRUE(RunTask(kept_->Forget(Alice(), "resp_up")));
  EXPECT_FALSE(Find("resp_up"));
}

TEST_F(Kept, NotedAgainItHasTheNewLabelsAndAnothersNoteChangesNothing) {
  ASSERT_TRUE(Note("conv_1", "eu", Alice()));
  ASSERT_TRUE(Note("conv_1", "pii", Alice()));
  ASSERT_TRUE(Note("conv_1", "none", Bob()));
  EXPECT_EQ(Find("conv_1")->labels, LabelSet{"pii"});
  EXPECT_EQ(RunTask(kept_->Find(Bob(), "conv_1")).error().code(), Code::kNotFound);
}

TEST_F(Kept, WhatIsPendingIsSettledOnceAndByItsOwnKey) {
  ASSERT_TRUE(Note("resp_later", "eu", Alice(), true));
  EXPECT_TRUE(Find("resp_later")->pending);
  EXPECT_FALSE(*RunTask(kept_->Settle(Bob(), "resp_later")));
  EXPECT_TRUE(*RunTask(kept_->Settle(Alice(), "resp_later")));
  EXPECT_FALSE(*RunTask(kept_->Settle(Alice(), "resp_later")));
  EXPECT_FALSE(Find("resp_later")->pending);
}

TEST_F(Kept, WhatWasNotUsedForLongestIsForgotten) {
  limits_.count_max = 2;
  Reopen();
  ASSERT_TRUE(Note("a", "eu", Alice()));
  ASSERT_TRUE(Note("b", "eu", Alice()));
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_TRUE(Find("a"));
  ASSERT_TRUE(Note("c", "eu", Alice()));
  EXPECT_TRUE(Find("a"));
  EXPECT_FALSE(Find("b"));
  clock_.Advance(limits_.age_max + std::chrono::hours(1));
  ASSERT_TRUE(Note("d", "eu", Alice()));
  EXPECT_FALSE(Find("a"));
  EXPECT_TRUE(Find("d"));
}

}  // namespace
}  // namespace strata::store
