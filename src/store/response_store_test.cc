#include "store/response_store.h"

#include <gtest/gtest.h>

#include "base/run_task.h"
#include "store/testing.h"

namespace strata::store {
namespace {

class Responses : public testing::Test {
 protected:
  Responses() {
    file_ = std::move(*SqlFile::Open(folder_ / "meta.db", {}));
    Reopen();
  }
  void Reopen() {
    auto opened = ResponseStore::Open(*file_, limits_, clock_);
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    responses_ = std::move(*opened);
  }
  Result<> Append(std::string id, std::string previous = {}, ResponseOwner owner = Alice()) {
    StoredResponse response{.id = id,
                            .previous_id = std::move(previous),
                            .subject = "subject-" + id,
                            .labels = {},
                            .response = "{\"id\":\"" + id + "\"}",
                            .input = "[\"in " + id + "\"]",
                            .output = "[\"out " + id + "\"]"};
    response.labels.Add("label-" + id);
    clock_.Advance(std::chrono::seconds(1));
    return RunTask(responses_->Append(std::move(owner), std::move(response)));
  }
  bool Has(std::string id, ResponseOwner owner = Alice()) {
    return RunTask(responses_->Get(std::move(owner), std::move(id))).has_value();
  }
  static ResponseOwner Alice() { return {.workspace = {"w"}, .key = {"alice"}}; }
  static ResponseOwner Bob() { return {.workspace = {"w"}, .key = {"bob"}}; }

  TempFolder folder_;
  ManualClock clock_;
  ResponseLimits limits_;
  std::unique_ptr<SqlFile> file_;
  std::unique_ptr<ResponseStore> responses_;
};

TEST_F(Responses, WhatAResponseWasMadeFromComesWithItsItems) {
  ASSERT_TRUE(Append("a"));
  StoredResponse next{.id = "b",
                      .previous_id = "a",
                      .subject = {},
                      .labels = {},
                      .response = "{}",
                      .input = "[1]",
                      .output = "[2]",
                      .sources = R"({"chunks":["c"]})"};
  ASSERT_TRUE(RunTask(responses_->Append(Alice(), next)));
  Reopen();
  auto history = RunTask(responses_->Chain(Alice(), "b"));
  ASSERT_TRUE(history) << history.error().message();
  EXPECT_EQ(history->sources, (std::vector<std::string>{"", R"({"chunks":["c"]})"}));
  EXPECT_EQ(history->items[3], "[2]");
}

TEST_F(Responses, AChainIsReadOldestFirstWithItsLabels) {
  ASSERT_TRUE(Append("a"));
  ASSERT_TRUE(Append("b", "a"));
  Reopen();
  ASSERT_TRUE(Append("c", "b"));
  auto history = RunTask(responses_->Chain(Alice(), "c"));
  ASSERT_TRUE(history) << history.error().message();
  EXPECT_EQ(history->items, (std::vector<std::string>{"[\"in a\"]", "[\"out a\"]", "[\"in b\"]",
                                                      "[\"out b\"]", "[\"in c\"]", "[\"out c\"]"}));
  EXPECT_EQ(history->labels, (LabelSet{"label-a", "label-b", "label-c"}));
  auto stored = RunTask(responses_->Get(Alice(), "b"));
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->response, "{\"id\":\"b\"}");
  EXPECT_EQ(stored->previous_id, "a");
}

TEST_F(Responses, AnotherKeyFindsNothing) {
  ASSERT_TRUE(Append("a"));
  EXPECT_FALSE(Has("a", Bob()));
  EXPECT_EQ(RunTask(responses_->Chain(Bob(), "a")).error().code(), Code::kNotFound);
  EXPECT_EQ(RunTask(responses_->Delete(Bob(), "a")).error().code(), Code::kNotFound);
  EXPECT_EQ(Append("b", "a", Bob()).error().code(), Code::kNotFound);
  EXPECT_TRUE(Has("a"));
}

TEST_F(Responses, DeletingOneEndsTheChainsThroughIt) {
  ASSERT_TRUE(Append("a"));
  ASSERT_TRUE(Append("b", "a"));
  ASSERT_TRUE(RunTask(responses_->Delete(Alice(), "a")));
  EXPECT_FALSE(Has("a"));
  EXPECT_TRUE(Has("b"));
  auto history = RunTask(responses_->Chain(Alice(), "b"));
  ASSERT_FALSE(history);
  EXPECT_EQ(history.error().code(), Code::kNotFound);
  EXPECT_EQ(history.error().field(), "previous_response_id");
  EXPECT_EQ(RunTask(responses_->Delete(Alice(), "a")).error().code(), Code::kNotFound);
}

TEST_F(Responses, TheNumberIsBoundedAndAChainInUseStays) {
  limits_.count_max = 3;
  Reopen();
  ASSERT_TRUE(Append("a"));
  ASSERT_TRUE(Append("old"));
  ASSERT_TRUE(Append("b", "a"));
  ASSERT_TRUE(Append("c", "b"));
  EXPECT_FALSE(Has("old"));
  EXPECT_TRUE(RunTask(responses_->Chain(Alice(), "c")));
  Reopen();  // counts what is there
  ASSERT_TRUE(Append("new"));
  int left = 0;
  for (auto id : {"a", "b", "c", "new"}) left += Has(id) ? 1 : 0;
  EXPECT_EQ(left, 3);
}

TEST_F(Responses, WhatIsTooOldIsForgotten) {
  ASSERT_TRUE(Append("a"));
  clock_.Advance(limits_.age_max + std::chrono::hours(1));
  ASSERT_TRUE(Append("b"));
  EXPECT_FALSE(Has("a"));
  EXPECT_TRUE(Has("b"));
}

TEST_F(Responses, LimitsSayWhatTheyAre) {
  limits_.bytes_max = 10;
  limits_.chain_max = 1;
  Reopen();
  auto large = Append("a");
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code(), Code::kTooLarge);
  EXPECT_EQ(large.error().field(), "store");
  limits_.bytes_max = 1000;
  Reopen();
  ASSERT_TRUE(Append("a"));
  ASSERT_TRUE(Append("b", "a"));
  EXPECT_TRUE(RunTask(responses_->Chain(Alice(), "a")));
  EXPECT_EQ(RunTask(responses_->Chain(Alice(), "b")).error().code(), Code::kTooLarge);
}

TEST_F(Responses, AnEndUserIsErased) {
  ASSERT_TRUE(Append("a"));
  ASSERT_TRUE(Append("b"));
  EXPECT_EQ(*RunTask(responses_->EraseSubject("subject-a", {"other"})), 0);
  EXPECT_TRUE(Has("a"));
  auto erased = RunTask(responses_->EraseSubject("subject-a", Alice().workspace));
  ASSERT_TRUE(erased);
  EXPECT_EQ(*erased, 1);
  EXPECT_FALSE(Has("a"));
  EXPECT_TRUE(Has("b"));
  EXPECT_EQ(*RunTask(responses_->EraseSubject("subject-a", Alice().workspace)), 0) << "repeated";
  EXPECT_EQ(RunTask(responses_->EraseSubject("", Alice().workspace)).error().field(), "subject");
}

}  // namespace
}  // namespace strata::store
