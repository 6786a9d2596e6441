// Evaluation sets in eval.db: versions, what a repeat changes, limits, files of other versions.

#include "job/eval_sets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/run_task.h"
#include "store/testing.h"

namespace strata::job {
namespace {

using testing::ElementsAre;

EvalRow Row(const std::string& id, const std::string& question, const std::string& expected = "") {
  EvalRow row;
  row.id = id;
  row.messages.push_back({.role = EvalMessage::Role::kUser, .text = question});
  if (!expected.empty()) row.expected.push_back(expected);
  return row;
}

class Sets : public testing::Test {
 protected:
  void SetUp() override { Open(); }
  void Open() {
    sets_.reset();
    file_.reset();
    store::SqlFileOptions options;
    options.migrations = EvalMigrations();
    file_ = *store::SqlFile::Open(folder_ / "eval.db", options);
    sets_ = std::make_unique<EvalSets>(*file_);
  }
  Result<AddedRows> Add(std::vector<EvalRow> rows, AddRows::Mode mode = AddRows::Mode::kMerge,
                        const std::string& set = "faq") {
    AddRows add{.set = set, .rows = std::move(rows), .mode = mode, .what = "a test"};
    return RunTask(sets_->Add(std::move(add), default_));
  }
  std::vector<std::string> Ids(const std::string& ref) {
    auto rows = RunTask(sets_->Rows({.set = ParseEvalSetRef(ref)}, default_));
    std::vector<std::string> out;
    if (!rows.has_value()) return {rows.error().message()};
    for (const auto& row : *rows) out.push_back(row.id);
    return out;
  }

  store::TempFolder folder_;
  std::unique_ptr<store::SqlFile> file_;
  std::unique_ptr<EvalSets> sets_;
  const WorkspaceId default_{"default"};
};

TEST_F(Sets, EveryChangeIsAVersionAndOldOnesStay) {
  ASSERT_EQ(Add({Row("a", "A?"), Row("b", "B?")})->set.version, 1);
  auto second = Add({Row("b", "B!"), Row("c", "C?")});
  EXPECT_EQ(second->set.version, 2);
  EXPECT_EQ(second->added, 1);
  EXPECT_EQ(second->changed, 1);
  EXPECT_EQ(Add({Row("a", "A?")}, AddRows::Mode::kReplace)->removed, 2);
  Open();
  EXPECT_THAT(Ids("faq:1"), ElementsAre("a", "b"));
  EXPECT_THAT(Ids("faq:2"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Ids("faq"), ElementsAre("a"));
  auto set = RunTask(sets_->Get("faq", default_));
  EXPECT_EQ(set->versions.size(), 3);
  EXPECT_EQ(set->rows, 1);
  auto old = RunTask(sets_->Rows({.set = {.name = "faq", .version = 1}, .from = 1}, default_));
  EXPECT_EQ(QuestionOf(old->at(0)), "B?");
}

TEST_F(Sets, TheSameRowsAgainMakeNoVersion) {
  Add({Row("a", "A?"), Row("b", "B?")});
  auto again = Add({Row("b", "B?"), Row("a", "A?")});
  EXPECT_EQ(again->set.version, 1);
  EXPECT_EQ(again->unchanged, 2);
}

TEST_F(Sets, ARowThatComesBackHasItsOwnLife) {
  Add({Row("a", "A?")});
  Add({Row("b", "B?")}, AddRows::Mode::kReplace);
  Add({Row("a", "A?")});
  EXPECT_THAT(Ids("faq:1"), ElementsAre("a"));
  EXPECT_THAT(Ids("faq:2"), ElementsAre("b"));
  EXPECT_THAT(Ids("faq:3"), ElementsAre("b", "a"));
}

TEST_F(Sets, NothingIsAppliedWhenItWouldBeTooMuch) {
  std::vector<EvalRow> many;
  for (std::size_t i = 0; i <= kEvalRowsMax; ++i) many.push_back(Row(std::to_string(i), "q"));
  EXPECT_EQ(Add(std::move(many)).error().code(), Code::kTooLarge);
  EXPECT_EQ(RunTask(sets_->Get("faq", default_)).error().code(), Code::kNotFound);
}

TEST_F(Sets, NamesAreOfAWorkspaceAndTakenOnce) {
  ASSERT_TRUE(RunTask(sets_->Create("faq", "questions", default_)).has_value());
  EXPECT_EQ(RunTask(sets_->Create("faq", "", default_)).error().code(), Code::kConflict);
  EXPECT_EQ(RunTask(sets_->Get("faq", WorkspaceId{"other"})).error().code(), Code::kNotFound);
  EXPECT_EQ(RunTask(sets_->Create("a b", "", default_)).error().code(), Code::kInvalidArgument);
  EXPECT_EQ(RunTask(sets_->List(default_))->size(), 1);
  ASSERT_TRUE(RunTask(sets_->Delete("faq", default_)).has_value());
  EXPECT_EQ(RunTask(sets_->Delete("faq", default_)).error().code(), Code::kNotFound);
}

TEST_F(Sets, AVersionThatIsNotThereIsNotFound) {
  Add({Row("a", "A?")});
  EXPECT_THAT(Ids("faq:2"), ElementsAre(testing::HasSubstr("faq:2")));
  EXPECT_THAT(Ids("faq:x"), ElementsAre(testing::HasSubstr("faq:-1")));
}

TEST_F(Sets, AFileOfANewerStrataIsRefused) {
  sets_.reset();
  ASSERT_TRUE(file_
                  ->WriteBlocking([](store::Database& database) {
                    return database.Execute("PRAGMA user_version = 1000");
                  })
                  .has_value());
  file_.reset();
  store::SqlFileOptions options;
  options.migrations = EvalMigrations();
  EXPECT_EQ(store::SqlFile::Open(folder_ / "eval.db", options).error().code(), Code::kUnsupported);
}

}  // namespace
}  // namespace strata::job
