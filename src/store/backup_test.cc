#include "store/backup.h"

#include <gtest/gtest.h>

#include <fstream>
#include <utility>

#include "store/file.h"
#include "store/sqlite.h"
#include "store/tar.h"
#include "store/testing.h"

namespace strata::store {
namespace {

namespace fs = std::filesystem;

// A small data folder whose database is in use.
class Backups : public testing::Test {
 protected:
  Backups() {
    for (const char* name : {"models/ab", "secrets", "run"}) {
      EXPECT_TRUE(MakeFolder(folder_ / "data/" + name));
    }
    live_ = std::move(*Database::Open(folder_ / "data/meta.db"));
    EXPECT_TRUE(
        live_->Execute("CREATE TABLE t(i); INSERT INTO t VALUES(42);"
                       "CREATE TABLE needs(name TEXT)"));
    EXPECT_TRUE(WriteFileAtomic(folder_ / "data/providers.yaml", "providers: []\n"));
    EXPECT_TRUE(MakeFolder(folder_ / "data/kb-A.lex"));
    EXPECT_TRUE(WriteFileAtomic(folder_ / "data/kb-A.lex/1", "made again"));
    EXPECT_TRUE(WriteFileAtomic(folder_ / "data/models/ab/cd", std::string(700, 'b')));
    EXPECT_TRUE(WriteFileAtomic(folder_ / "data/models/half.tmp", "half"));
    EXPECT_TRUE(WriteFileAtomic(folder_ / "data/secrets/master.key", "k"));
    EXPECT_TRUE(WriteFileAtomic(folder_ / "data/run/lock", "1"));
  }
  Result<BackupReport> BackUp(const std::string& target) {
    return Backup(folder_ / "data", folder_ / target, FilesOfNeeds());
  }
  // As a table of the names says it.
  static FilesOfMeta FilesOfNeeds() {
    return {.needed = NamesNeeded, .forget = [](Database& meta, const std::string& name) {
              return meta.Run("DELETE FROM needs WHERE name = ?", name);
            }};
  }
  static Result<std::vector<std::string>> NamesNeeded(Database& meta) {
    STRATA_TRY(auto rows, meta.Prepare("SELECT name FROM needs ORDER BY name"));
    std::vector<std::string> names;
    while (true) {
      STRATA_TRY(const bool found, rows.Step());
      if (!found) return names;
      names.emplace_back(rows.Text(0));
    }
  }
  void Need(const std::string& name) {
    auto made = Database::Open(folder_ / ("data/" + name));
    ASSERT_TRUE(made.has_value());
    ASSERT_TRUE((*made)->Execute("CREATE TABLE IF NOT EXISTS t(i)"));
    ASSERT_TRUE(live_->Run("INSERT INTO needs VALUES(?)", name));
  }
  void ExpectRestored(const std::string& backup) {
    auto back = Restore(backup, folder_ / "back");
    ASSERT_TRUE(back.has_value()) << back.error().message();
    EXPECT_EQ(back->files, 4);
    EXPECT_EQ(*ReadWholeFile(folder_ / "back/providers.yaml", 1000), "providers: []\n");
    auto db = Database::Open(folder_ / "back/meta.db");
    EXPECT_EQ(*(*db)->Integer("SELECT i FROM t"), 42);
    EXPECT_EQ(*ReadWholeFile(folder_ / "back/models/ab/cd", 1000), std::string(700, 'b'));
    EXPECT_FALSE(fs::exists(folder_ / "back/run/lock"));
    EXPECT_FALSE(fs::exists(folder_ / "back/models/half.tmp"));
    EXPECT_EQ(fs::status(folder_ / "back").permissions(), fs::perms::owner_all);
  }

  TempFolder folder_;
  std::unique_ptr<Database> live_;
};

TEST_F(Backups, AFolderComesBackAsItWasWhileTheServerWrites) {
  auto report = BackUp("copy");
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ(report->databases, 1);
  EXPECT_EQ(report->files, 4);
  ASSERT_TRUE(live_->Run("INSERT INTO t VALUES(43)"));
  ExpectRestored(folder_ / "copy");
}

TEST_F(Backups, FoldersThatWereNotMadeAreNotMadeForIt) {
  for (const char* target : {"nowhere/copy", "nowhere/copy.tar"}) {
    auto refused = BackUp(target);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), Code::kNotFound);
    EXPECT_NE(refused.error().message().find("nowhere"), std::string::npos);
  }
  EXPECT_FALSE(fs::exists(folder_ / "nowhere"));
  auto inside = BackUp("data/models/copy");
  ASSERT_FALSE(inside.has_value());
  EXPECT_EQ(inside.error().field(), "to");
}

TEST_F(Backups, AnArchiveComesBackAsItWas) {
  ASSERT_TRUE(BackUp("copy.tar").has_value());
  auto listed = std::system(("tar tf " + (folder_ / "copy.tar") + " >/dev/null").c_str());
  EXPECT_EQ(listed, 0) << "other programs read it";
  ExpectRestored(folder_ / "copy.tar");
  EXPECT_EQ(ListFolder(folder_.path())->size(), 3U) << "no working folder is left";
}

// One comes and one goes while the rest is copied.
TEST_F(Backups, WhatIsRestoredHasEveryFileThatItsMetaNeeds) {
  for (const char* target : {"copy", "copy.tar"}) {
    Need("kb-a.db");
    Need("kb-b.db");
    auto meta = FilesOfNeeds();
    bool first = true;
    meta.needed = [&](Database& db) -> Result<std::vector<std::string>> {
      STRATA_TRY(auto names, NamesNeeded(db));
      if (!std::exchange(first, false)) return names;
      Need("kb-c.db");
      EXPECT_TRUE(live_->Run("DELETE FROM needs WHERE name = 'kb-a.db'"));
      fs::remove(folder_ / "data/kb-a.db");
      return names;
    };
    auto report = Backup(folder_ / "data", folder_ / target, meta);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    const auto back = folder_ / (std::string("back of ") + target);
    ASSERT_TRUE(Restore(folder_ / target, back).has_value());
    auto db = Database::Open(back + "/meta.db");
    EXPECT_EQ(*NamesNeeded(**db), std::vector<std::string>{"kb-b.db"});
    EXPECT_TRUE(fs::exists(back + "/kb-b.db"));
    EXPECT_FALSE(fs::exists(back + "/kb-c.db"));
    EXPECT_FALSE(fs::exists(folder_ / "data/kb-a.db-shm"));
    ASSERT_TRUE(live_->Run("DELETE FROM needs"));
  }
}

TEST_F(Backups, OneThatFailsLeavesNothingAndCanBeRepeated) {
  Need("kb-a.db");
  fs::rename(folder_ / "data/kb-a.db", folder_ / "kb-a.db");
  for (const char* target : {"copy", "copy.tar"}) {
    auto failed = BackUp(target);
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().code(), Code::kCorruption);
    EXPECT_NE(failed.error().message().find("kb-a.db"), std::string::npos);
  }
  EXPECT_EQ(ListFolder(folder_.path())->size(), 2U);
  fs::rename(folder_ / "kb-a.db", folder_ / "data/kb-a.db");
  EXPECT_TRUE(BackUp("copy").has_value());
  EXPECT_EQ(ListFolder(folder_.path())->size(), 2U);
}

TEST_F(Backups, NothingIsOverwritten) {
  ASSERT_TRUE(BackUp("copy").has_value());
  EXPECT_EQ(BackUp("copy").error().code(), Code::kConflict);
  EXPECT_EQ(Restore(folder_ / "copy", folder_ / "data").error().code(), Code::kConflict);
}

TEST_F(Backups, AChangedMissingOrUnfinishedBackupIsRefusedWhole) {
  ASSERT_TRUE(BackUp("copy").has_value());
  {
    std::ofstream(folder_ / "copy/models/ab/cd") << "changed";
  }
  EXPECT_EQ(Restore(folder_ / "copy", folder_ / "back").error().code(), Code::kCorruption);
  fs::remove(folder_ / "copy/models/ab/cd");
  EXPECT_EQ(Restore(folder_ / "copy", folder_ / "back").error().code(), Code::kCorruption);
  fs::remove(folder_ / "copy/manifest.json");
  EXPECT_EQ(Restore(folder_ / "copy", folder_ / "back").error().code(), Code::kCorruption);
  EXPECT_FALSE(fs::exists(folder_ / "back"));
}

TEST_F(Backups, AnArchiveThatIsCutIsRefused) {
  ASSERT_TRUE(BackUp("copy.tar").has_value());
  auto size = fs::file_size(folder_ / "copy.tar");
  for (std::uintmax_t keep : {size / 2, std::uintmax_t{700}, std::uintmax_t{100}}) {
    fs::resize_file(folder_ / "copy.tar", keep);
    EXPECT_EQ(Restore(folder_ / "copy.tar", folder_ / "back").error().code(), Code::kCorruption);
  }
}

TEST_F(Backups, AManifestThatLeavesTheFolderIsRefused) {
  ASSERT_TRUE(BackUp("copy").has_value());
  ASSERT_TRUE(WriteFileAtomic(folder_ / "copy/manifest.json",
                              R"({"format":1,"files":{"../evil":{"bytes":1,"sha256":"x"}}})"));
  EXPECT_EQ(Restore(folder_ / "copy", folder_ / "back").error().code(), Code::kInvalidArgument);
}

TEST(Tar, HeadersComeBack) {
  for (const TarEntry& entry :
       {TarEntry{"a", 0}, TarEntry{"models/ab/" + std::string(62, 'c'), 1ULL << 40},
        TarEntry{std::string(120, 'd') + "/" + std::string(90, 'e'), 077777777777ULL}}) {
    auto header = TarHeader(entry);
    ASSERT_TRUE(header.has_value()) << header.error().message();
    auto back = ParseTarHeader(*header);
    ASSERT_TRUE(back.has_value() && back->has_value());
    EXPECT_EQ((*back)->name, entry.name);
    EXPECT_EQ((*back)->bytes, entry.bytes);
  }
  EXPECT_FALSE(ParseTarHeader(std::string(512, '\0'))->has_value());
  EXPECT_EQ(TarHeader({std::string(300, 'x'), 1}).error().code(), Code::kUnsupported);
}

TEST(Tar, NamesThatLeaveTheFolderAreRefused) {
  for (const char* name : {"", "/etc/passwd", "..", "a/../b", "a//b", "./a", "a/", "a\nb"}) {
    EXPECT_EQ(CheckRelative(name).error().code(), Code::kInvalidArgument) << name;
  }
  EXPECT_TRUE(CheckRelative("a/b..c/.d"));
}

}  // namespace
}  // namespace strata::store
