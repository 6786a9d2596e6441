#include "store/file_store.h"

#include <gtest/gtest.h>

#include "base/run_task.h"
#include "store/testing.h"

namespace strata::store {
namespace {

class Files : public testing::Test {
 protected:
  Files() { Reopen(); }
  void Reopen() {
    files_.reset();
    auto opened = FileStore::Open(folder_ / "files.db", limits_, clock_);
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    files_ = std::move(*opened);
  }
  Result<StoredFile> Put(std::string_view content, std::string purpose = "assistants",
                         FileOwner owner = Alice()) {
    NewFile file{.filename = "a.txt",
                 .purpose = std::move(purpose),
                 .content = content,
                 .lifetime = lifetime_};
    return RunTask(files_->Put(std::move(owner), std::move(file)));
  }
  Result<std::string> Content(std::string id, FileOwner owner = Alice()) {
    return RunTask(files_->Content(std::move(owner), std::move(id)));
  }
  static FileOwner Alice() { return {.workspace = {"w"}, .key = {"alice"}}; }
  static FileOwner Bob() { return {.workspace = {"w"}, .key = {"bob"}}; }

  TempFolder folder_;
  ManualClock clock_;
  FileLimits limits_;
  std::optional<std::chrono::seconds> lifetime_;
  std::unique_ptr<FileStore> files_;
};

TEST_F(Files, BytesAreKeptAsTheyCameAndSurviveAReopening) {
  const std::string bytes("a\0b\xff\r\n", 6);
  auto put = Put(bytes);
  ASSERT_TRUE(put.has_value()) << put.error().message();
  EXPECT_TRUE(put->id.starts_with(kFileIdPrefix));
  EXPECT_EQ(put->bytes, 6);
  Reopen();
  EXPECT_EQ(Content(put->id).value_or("gone"), bytes);
  auto got = RunTask(files_->Get(Alice(), put->id));
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->filename, "a.txt");
  EXPECT_EQ(got->purpose, "assistants");
}

TEST_F(Files, AnotherKeyFindsNothing) {
  auto put = Put("secret");
  ASSERT_TRUE(put.has_value());
  EXPECT_EQ(Content(put->id, Bob()).error().code(), Code::kNotFound);
  EXPECT_EQ(RunTask(files_->Get(Bob(), put->id)).error().code(), Code::kNotFound);
  EXPECT_EQ(RunTask(files_->Delete(Bob(), put->id)).error().code(), Code::kNotFound);
  EXPECT_TRUE(RunTask(files_->List(Bob(), {}))->files.empty());
  EXPECT_TRUE(Content(put->id).has_value());
}

TEST_F(Files, ListsGoOnBehindAFileInBothOrders) {
  std::vector<std::string> ids;
  ids.reserve(5);
  for (int i = 0; i < 5; ++i) ids.push_back(Put("x")->id);
  auto page = RunTask(files_->List(Alice(), {.after = {}, .purpose = {}, .limit = 2}));
  ASSERT_TRUE(page.has_value());
  EXPECT_TRUE(page->more);
  EXPECT_EQ(page->files.at(0).id, ids[4]);
  page = RunTask(files_->List(Alice(), {.after = ids[1], .purpose = {}, .limit = 2}));
  EXPECT_FALSE(page->more);
  EXPECT_EQ(page->files.at(0).id, ids[0]);
  page = RunTask(
      files_->List(Alice(), {.after = ids[1], .purpose = {}, .limit = 3, .ascending = true}));
  EXPECT_FALSE(page->more);
  ASSERT_EQ(page->files.size(), 3u);
  EXPECT_EQ(page->files[0].id, ids[2]);
  auto unknown = RunTask(files_->List(Alice(), {.after = "file-none", .purpose = {}}));
  EXPECT_EQ(unknown.error().field(), "after");
  ASSERT_TRUE(Put("y", "user_data"));
  page = RunTask(files_->List(Alice(), {.after = {}, .purpose = "user_data"}));
  EXPECT_EQ(page->files.size(), 1u);
}

TEST_F(Files, LimitsOfOneFileAndOfAWorkspaceAreNamed) {
  limits_ = {.bytes_max = 10, .total_bytes_max = 15};
  Reopen();
  EXPECT_NE(Put("12345678901").error().message().find("files.bytes_max"), std::string::npos);
  ASSERT_TRUE(Put("1234567890"));
  auto beyond = Put("123456", "assistants", Bob());
  ASSERT_FALSE(beyond.has_value());
  EXPECT_EQ(beyond.error().code(), Code::kTooLarge);
  EXPECT_NE(beyond.error().message().find("files.total_bytes_max"), std::string::npos);
}

TEST_F(Files, ExpiredOnesAreGoneAndMakeRoom) {
  limits_ = {.bytes_max = 10, .total_bytes_max = 10};
  Reopen();
  lifetime_ = std::chrono::hours(1);
  auto put = Put("1234567890");
  ASSERT_TRUE(put.has_value());
  EXPECT_FALSE(Put("1").has_value());
  clock_.Advance(std::chrono::hours(1));
  EXPECT_EQ(Content(put->id).error().code(), Code::kNotFound);
  EXPECT_TRUE(RunTask(files_->List(Alice(), {}))->files.empty());
  EXPECT_TRUE(Put("1").has_value());
}

TEST_F(Files, DeletedOnesAreGone) {
  auto put = Put("x");
  ASSERT_TRUE(RunTask(files_->Delete(Alice(), put->id)));
  EXPECT_EQ(Content(put->id).error().code(), Code::kNotFound);
  EXPECT_EQ(RunTask(files_->Delete(Alice(), put->id)).error().field(), "file_id");
}

}  // namespace
}  // namespace strata::store
