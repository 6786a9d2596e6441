// The stores of prompts and inference profiles in meta.db, and the snapshot that they read.

#include "server/stored_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/run_task.h"
#include "server/profiles/profile_store.h"
#include "server/prompts/prompt_store.h"
#include "store/testing.h"

namespace strata::server {
namespace {

class Stored : public testing::Test {
 protected:
  void SetUp() override { file_ = *store::SqlFile::Open(folder_ / "meta.db", {}); }

  store::TempFolder folder_;
  std::unique_ptr<store::SqlFile> file_;
  const WorkspaceId ours_{"default"};
  const WorkspaceId theirs_{"other"};
};

TEST_F(Stored, ASnapshotThatWasTakenStaysAndAChangeThatFailsPublishesNothing) {
  constexpr store::Migration kMigrations[] = {{"makes a table", "CREATE TABLE t(n INTEGER);"}};
  StoredSnapshot<std::int64_t> sum(*file_, [](store::Database& database) -> Result<std::int64_t> {
    STRATA_TRY(auto n, database.Integer("SELECT coalesce(sum(n), 0) FROM t"));
    return n.value_or(0);
  });
  ASSERT_TRUE(sum.Open("test", kMigrations).has_value());
  const auto before = sum.Now();
  const auto add = [](std::int64_t n, bool fails) {
    return [=](store::Database& database) -> Result<> {
      STRATA_CHECK_OK(database.Run("INSERT INTO t(n) VALUES(?)", n));
      if (fails) return Fail(Code::kConflict, "no");
      return {};
    };
  };
  EXPECT_TRUE(RunTask(sum.Change(add(3, false))).has_value());
  EXPECT_FALSE(RunTask(sum.Change(add(5, true))).has_value());
  EXPECT_EQ(*before, 0);
  EXPECT_EQ(*sum.Now(), 3);
}

TEST_F(Stored, PromptsAreADraftWithVersionsOfOneWorkspace) {
  auto prompts = *PromptStore::Open(*file_);
  PromptContent content;
  content.name = "greet";
  const auto made = *RunTask(prompts->Create(content, ours_));
  EXPECT_THAT(made.id, testing::MatchesRegex("[A-Z0-9]{10}"));
  EXPECT_EQ(RunTask(prompts->Create(content, ours_)).error().code(), Code::kConflict);
  EXPECT_TRUE(RunTask(prompts->Create(content, theirs_)).has_value());
  EXPECT_EQ(RunTask(prompts->AddVersion(made.id, "first", ours_))->version, "1");
  EXPECT_EQ(prompts->Find(made.id, "", theirs_).error().code(), Code::kNotFound);
  prompts = *PromptStore::Open(*file_);
  EXPECT_EQ(prompts->Find(made.id, "1", ours_)->content.description, "first");
  EXPECT_EQ(prompts->List(made.id, ours_).size(), 2U);
  ASSERT_TRUE(RunTask(prompts->Delete(made.id, "", ours_)).has_value());
  EXPECT_TRUE(prompts->List("", ours_).empty());
}

TEST_F(Stored, ProfilesHaveTheirTagsAndGoWithThem) {
  auto tags = *ResourceTags::Open(*file_);
  auto profiles = *ProfileStore::Open(*file_, *tags);
  InferenceProfile profile;
  profile.workspace = ours_;
  profile.name = "team-a";
  profile.model = "builtin/extract";
  profile.tags = {{"team", "a"}};
  const auto made = *RunTask(profiles->Create(profile));
  EXPECT_THAT(made.id, testing::MatchesRegex("[a-z0-9]{12}"));
  EXPECT_EQ(RunTask(profiles->Create(profile)).error().code(), Code::kConflict);
  EXPECT_EQ(profiles->Find(made.id, theirs_).error().code(), Code::kNotFound);
  profiles = *ProfileStore::Open(*file_, *tags);
  EXPECT_EQ(profiles->Find(made.id, ours_)->tags, profile.tags);
  ASSERT_TRUE(RunTask(profiles->RemoveTags(made, {"team"})).has_value());
  EXPECT_TRUE(profiles->Find(made.id)->tags.empty());
  ASSERT_TRUE(RunTask(profiles->Delete(made.id, ours_)).has_value());
  EXPECT_TRUE(profiles->List(ours_).empty());
}

}  // namespace
}  // namespace strata::server
