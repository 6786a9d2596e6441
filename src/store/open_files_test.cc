#include "store/open_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <vector>

#include "store/file.h"
#include "store/sqlite.h"
#include "store/testing.h"

namespace strata::store {
namespace {

class OpenFiles : public testing::Test {
 protected:
  OpenFiles() { ::getrlimit(RLIMIT_NOFILE, &before_); }
  ~OpenFiles() override { ::setrlimit(RLIMIT_NOFILE, &before_); }
  static void SetSoft(rlim_t soft) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = soft;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  rlimit before_{};
};

TEST_F(OpenFiles, TheLimitIsRaisedToWhatTheSystemGrants) {
  SetSoft(64);
  EXPECT_EQ(OpenFilesMax(), 64U);
  EXPECT_EQ(RaiseOpenFilesMax(), before_.rlim_max);
  EXPECT_EQ(OpenFilesMax(), before_.rlim_max);
}

// Wherever the opening of a database meets the limit.
TEST_F(OpenFiles, ADatabaseThatMeetsTheLimitSaysSo) {
  TempFolder folder;
  ASSERT_TRUE((*Database::Open(folder / "a.db"))->Execute("CREATE TABLE t(i)"));
  SetSoft(64);
  std::vector<FileHandle> taken;
  while (true) {
    FileHandle file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!file.valid()) break;
    taken.push_back(std::move(file));
  }
  int refused = 0;
  for (int left = 0; left < 8; ++left) {
    const auto database = Database::Open(folder / "a.db");
    if (!database.has_value()) {
      ++refused;
      EXPECT_EQ(database.error().code(), Code::kUnavailable) << left;
      EXPECT_NE(database.error().message().find("Too many open files"), std::string::npos)
          << left << ": " << database.error().message();
    }
    taken.pop_back();
  }
  EXPECT_GE(refused, 2);
  EXPECT_LT(refused, 8);
}

}  // namespace
}  // namespace strata::store
