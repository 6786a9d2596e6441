#include "store/data_dir.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "store/file.h"
#include "store/sqlite.h"
#include "store/testing.h"

namespace strata::store {
namespace {

namespace fs = std::filesystem;

TEST(DataDir, MakesPrivateFoldersAndFiles) {
  TempFolder folder;
  auto dir = DataDir::Open(folder / "a/b");
  ASSERT_TRUE(dir.has_value()) << dir.error().message();
  EXPECT_EQ(fs::status(dir->path()).permissions(), fs::perms::owner_all);
  for (const auto& inside :
       {dir->journal(), dir->models(), dir->secrets(), dir->tls(), dir->run()}) {
    EXPECT_EQ(fs::status(inside).permissions(), fs::perms::owner_all) << inside;
  }
  EXPECT_EQ(fs::status(dir->run() + "/lock").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST(DataDir, TheSecondHolderIsToldWhoHasIt) {
  TempFolder folder;
  auto first = DataDir::Open(folder / "d");
  ASSERT_TRUE(first.has_value());
  ServerAddress address{.pid = ::getpid(), .url = "http://127.0.0.1:1", .control = "c\"1"};
  ASSERT_TRUE(first->PublishServer(address));
  auto second = DataDir::Open(folder / "d");
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), Code::kConflict);
  EXPECT_NE(second.error().message().find(std::to_string(::getpid())), std::string::npos);
  EXPECT_NE(second.error().message().find("http://127.0.0.1:1"), std::string::npos);
}

TEST(DataDir, TheCommandLineFindsTheServerWhileItRuns) {
  TempFolder folder;
  auto path = folder / "d";
  EXPECT_FALSE(DataDir::FindServer(path)->has_value()) << "no folder, no server";
  {
    auto dir = DataDir::Open(path);
    ASSERT_TRUE(dir.has_value());
    EXPECT_FALSE(DataDir::FindServer(path)->has_value()) << "held, but nothing serves";
    ServerAddress address{.pid = 42, .url = "http://127.0.0.1:1", .control = "c\"1"};
    ASSERT_TRUE(dir->PublishServer(address));
    auto found = DataDir::FindServer(path);
    ASSERT_TRUE(found.has_value() && found->has_value());
    EXPECT_EQ((*found)->url, address.url);
    EXPECT_EQ((*found)->control, address.control);
    EXPECT_EQ((*found)->pid, 42);
  }
  EXPECT_FALSE(DataDir::FindServer(path)->has_value());
  EXPECT_TRUE(DataDir::Open(path).has_value()) << "the lock is free again";
}

TEST(DataDir, AnAddressThatADeadServerLeftIsNotBelieved) {
  TempFolder folder;
  auto path = folder / "d";
  {
    ASSERT_TRUE(DataDir::Open(path).has_value());
  }
  ASSERT_TRUE(WriteFileAtomic(path + "/run/server.json", R"({"pid":1,"url":"http://x"})"));
  EXPECT_FALSE(DataDir::FindServer(path)->has_value());
  auto dir = DataDir::Open(path);
  ASSERT_TRUE(dir.has_value());
  EXPECT_FALSE(fs::exists(path + "/run/server.json"));
  ASSERT_TRUE(WriteFileAtomic(path + "/run/server.json", "{broken"));
  EXPECT_EQ(DataDir::FindServer(path).error().code(), Code::kCorruption);
}

TEST(DataDir, AFolderOfSomebodyElseIsRefusedAndStaysAsItIs) {
  TempFolder folder;
  fs::create_directories(folder / "home");
  fs::permissions(folder / "home", fs::perms(0755));
  ASSERT_TRUE(WriteFileAtomic(folder / "home/letter.txt", "x"));
  auto refused = DataDir::Open(folder / "home");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message().find("holds other things"), std::string::npos);
  EXPECT_EQ(fs::status(folder / "home").permissions(), fs::perms(0755));
  EXPECT_FALSE(fs::exists(folder / "home/journal"));
  EXPECT_FALSE(DataDir::Exists(folder / "home"));
  // One that an earlier start left half made is ours.
  fs::create_directories(folder / "half/journal");
  EXPECT_TRUE(DataDir::Open(folder / "half").has_value());
  EXPECT_TRUE(DataDir::Exists(folder / "half"));
}

// Names of ours beside other things do not make a folder ours.
TEST(DataDir, AFolderOfSomebodyElseWithNamesOfOursIsRefusedToo) {
  for (const char* name : {"lost+found/x", "journal/machine-id", "providers.yaml", "meta.db"}) {
    TempFolder folder;
    const auto path = folder / "x";
    fs::create_directories(fs::path(path + "/" + name).parent_path());
    ASSERT_TRUE(WriteFileAtomic(path + "/" + name, "x"));
    fs::create_directories(path + "/other");
    fs::permissions(path, fs::perms(0755));
    const auto before = *ListFolder(path);
    auto refused = DataDir::Open(path);
    ASSERT_FALSE(refused.has_value()) << name;
    EXPECT_NE(refused.error().message().find("holds other things"), std::string::npos) << name;
    EXPECT_EQ(fs::status(path).permissions(), fs::perms(0755)) << name;
    EXPECT_EQ(*ListFolder(path), before) << name;
    EXPECT_FALSE(DataDir::Exists(path)) << name;
  }
  // A database of another program's.
  TempFolder folder;
  fs::create_directories(folder / "x/other");
  ASSERT_TRUE((*Database::Open(folder / "x/meta.db"))->Execute("CREATE TABLE t(i)"));
  EXPECT_FALSE(DataDir::Open(folder / "x").has_value());
  // Journald's, alone.
  fs::create_directories(folder / "y/journal/0123");
  EXPECT_FALSE(DataDir::Open(folder / "y").has_value());
}

TEST(DataDir, AFolderWithoutALockIsKnownByItsDatabase) {
  TempFolder folder;
  const auto path = folder / "a #1?b%41";
  fs::create_directories(path + "/tls");
  ASSERT_TRUE(WriteFileAtomic(path + "/tls/key.pem", "x"));
  ASSERT_TRUE((*Database::Open(path + "/meta.db"))->Execute("CREATE TABLE strata_schema(i)"));
  EXPECT_TRUE(DataDir::Exists(path));
  EXPECT_TRUE(DataDir::Open(path).has_value());
}

TEST(DataDir, TheModeOfAFolderThatAnotherHoldsStays) {
  TempFolder folder;
  auto first = DataDir::Open(folder / "d");
  ASSERT_TRUE(first.has_value());
  fs::permissions(folder / "d", fs::perms(0750));
  EXPECT_FALSE(DataDir::Open(folder / "d").has_value());
  EXPECT_EQ(fs::status(folder / "d").permissions(), fs::perms(0750));
}

TEST(DataDir, AnEmptyDiskIsTaken) {
  TempFolder folder;
  fs::create_directories(folder / "disk/lost+found");
  EXPECT_TRUE(DataDir::Open(folder / "disk").has_value());
}

TEST(DataDir, AServerThatStopsIsNoLongerFound) {
  TempFolder folder;
  auto dir = DataDir::Open(folder / "d");
  ASSERT_TRUE(dir.has_value());
  ASSERT_TRUE(dir->PublishServer({.pid = 1, .url = "http://127.0.0.1:1", .control = "c"}));
  dir->UnpublishServer();
  EXPECT_FALSE(DataDir::FindServer(folder / "d")->has_value());
  EXPECT_FALSE(DataDir::Open(folder / "d").has_value()) << "the lock is still held";
}

TEST(DataDir, AFolderThatCannotBeMadeIsAClearError) {
  TempFolder folder;
  ASSERT_TRUE(WriteFileAtomic(folder / "file", "x"));
  auto refused = DataDir::Open(folder / "file");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message().find("file is not a folder"), std::string::npos);
  EXPECT_EQ(DataDir::Open("").error().field(), "data");
}

}  // namespace
}  // namespace strata::store
