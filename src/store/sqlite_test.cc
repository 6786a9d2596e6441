#include "store/sqlite.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "store/file.h"
#include "store/testing.h"

namespace strata::store {
namespace {

std::unique_ptr<Database> OpenDb(const std::string& path, DatabaseOptions options = {}) {
  auto database = Database::Open(path, options);
  EXPECT_TRUE(database.has_value()) << database.error().message();
  return std::move(*database);
}

TEST(Sqlite, KeepsEveryKindOfValue) {
  TempFolder folder;
  auto db = OpenDb(folder / "a.db");
  ASSERT_TRUE(db->Execute("CREATE TABLE t(i INTEGER, r REAL, s TEXT, b BLOB, n)"));
  std::string blob("\0\x01\xff", 3);
  auto smallest = std::numeric_limits<std::int64_t>::min();
  ASSERT_TRUE(db->Run("INSERT INTO t VALUES(?,?,?,?,?)", smallest, 0.5, std::string("a\0b", 3),
                      BlobView{blob}, nullptr));
  ASSERT_TRUE(db->Run("INSERT INTO t VALUES(?,?,?,?,?)", 7, -1.0, "", BlobView{},
                      std::optional<std::int64_t>(9)));

  auto rows = db->Prepare("SELECT i, r, s, b, n FROM t ORDER BY rowid");
  ASSERT_TRUE(rows.has_value());
  ASSERT_TRUE(*rows->Step());
  EXPECT_EQ(rows->Integer(0), smallest);
  EXPECT_EQ(rows->Real(1), 0.5);
  EXPECT_EQ(rows->Text(2), std::string_view("a\0b", 3));
  EXPECT_EQ(rows->Blob(3), blob);
  EXPECT_TRUE(rows->IsNull(4));
  EXPECT_EQ(rows->OptionalInteger(4), std::nullopt);
  EXPECT_EQ(rows->column_name(2), "s");
  ASSERT_TRUE(*rows->Step());
  EXPECT_EQ(rows->type(2), ColumnType::kText) << "an empty text is not NULL";
  EXPECT_EQ(rows->type(3), ColumnType::kBlob);
  EXPECT_EQ(rows->OptionalInteger(4), 9);
  EXPECT_FALSE(*rows->Step());
}

TEST(Sqlite, TheSameStatementMayBeInUseTwice) {
  TempFolder folder;
  auto db = OpenDb(folder / "a.db");
  ASSERT_TRUE(db->Execute("CREATE TABLE t(i); INSERT INTO t VALUES(1),(2)"));
  auto outer = db->Prepare("SELECT i FROM t ORDER BY i");
  ASSERT_TRUE(*outer->Step());
  {
    auto inner = db->Prepare("SELECT i FROM t ORDER BY i");
    ASSERT_TRUE(*inner->Step());
    ASSERT_TRUE(*inner->Step());
    EXPECT_EQ(inner->Integer(0), 2);
  }
  EXPECT_EQ(outer->Integer(0), 1);
  ASSERT_TRUE(*outer->Step());
  EXPECT_EQ(outer->Integer(0), 2);
}

TEST(Sqlite, ManyDifferentStatementsDoNotGrowTheCacheForEver) {
  TempFolder folder;
  auto db = OpenDb(folder / "a.db");
  auto held = db->Prepare("SELECT 12345");
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(*db->Integer("SELECT " + std::to_string(i)), i);
  }
  ASSERT_TRUE(*held->Step());
  EXPECT_EQ(held->Integer(0), 12345);
}

TEST(Sqlite, ErrorsSayWhatACallerCanActOn) {
  TempFolder folder;
  auto db = OpenDb(folder / "a.db");
  ASSERT_TRUE(db->Execute("CREATE TABLE t(i INTEGER PRIMARY KEY, b BLOB)"));
  ASSERT_TRUE(db->Run("INSERT INTO t VALUES(1, NULL)"));
  EXPECT_EQ(db->Run("INSERT INTO t VALUES(1, NULL)").error().code(), Code::kConflict);
  EXPECT_EQ(db->Run("SELECT nothing FROM t").error().code(), Code::kInternal);
  EXPECT_EQ(db->Run("SELECT 1; SELECT 2").error().code(), Code::kInternal);
  EXPECT_EQ(db->Run("SELECT ?", 1, 2).error().code(), Code::kInternal) << "one value too many";

  ASSERT_TRUE(db->Execute("PRAGMA max_page_count = 8"));
  auto full = db->Run("INSERT INTO t VALUES(2, zeroblob(100000))");
  EXPECT_EQ(full.error().code(), Code::kUnavailable) << full.error().message();
}

TEST(Sqlite, AFileThatIsNoDatabaseIsCorruptionAndAMissingOneIsNotFound) {
  TempFolder folder;
  ASSERT_TRUE(WriteFileAtomic(folder / "a.db", std::string(8192, 'x')));
  EXPECT_EQ(Database::Open(folder / "a.db").error().code(), Code::kCorruption);
  DatabaseOptions reading{.mode = OpenMode::kReadOnly};
  EXPECT_EQ(Database::Open(folder / "b.db", reading).error().code(), Code::kNotFound);
}

TEST(Sqlite, AReaderCannotWriteAndSeesWhatIsCommitted) {
  TempFolder folder;
  auto writer = OpenDb(folder / "a.db");
  ASSERT_TRUE(writer->Execute("CREATE TABLE t(i)"));
  auto reader = OpenDb(folder / "a.db", {.mode = OpenMode::kReadOnly});
  EXPECT_EQ(reader->Run("INSERT INTO t VALUES(1)").error().code(), Code::kPermissionDenied);
  {
    auto transaction = Transaction::Begin(*writer);
    ASSERT_TRUE(writer->Run("INSERT INTO t VALUES(1)"));
    EXPECT_EQ(*reader->Integer("SELECT count(*) FROM t"), 0);
    ASSERT_TRUE(transaction->Commit());
  }
  EXPECT_EQ(*reader->Integer("SELECT count(*) FROM t"), 1);
}

TEST(Sqlite, ATransactionThatIsNotCommittedIsRolledBack) {
  TempFolder folder;
  auto db = OpenDb(folder / "a.db");
  ASSERT_TRUE(db->Execute("CREATE TABLE t(i)"));
  {
    auto transaction = Transaction::Begin(*db);
    ASSERT_TRUE(db->Run("INSERT INTO t VALUES(1)"));
  }
  EXPECT_FALSE(db->in_transaction());
  EXPECT_EQ(*db->Integer("SELECT count(*) FROM t"), 0);
}

TEST(Sqlite, ABackupIsWholeWhileOthersReadAndIsPrivate) {
  TempFolder folder;
  auto db = OpenDb(folder / "a.db");
  ASSERT_TRUE(db->Execute("CREATE TABLE t(i); INSERT INTO t VALUES(1),(2),(3)"));
  auto reader = OpenDb(folder / "a.db", {.mode = OpenMode::kReadOnly});
  auto open_read = reader->Prepare("SELECT i FROM t");
  ASSERT_TRUE(*open_read->Step());
  ASSERT_TRUE(db->BackupTo(folder / "b.db"));
  EXPECT_EQ(db->BackupTo(folder / "b.db").error().code(), Code::kConflict);
  auto copy = OpenDb(folder / "b.db");
  EXPECT_EQ(*copy->Integer("SELECT sum(i) FROM t"), 6);
  EXPECT_TRUE(copy->Check());
  auto mode = std::filesystem::status(folder / "b.db").permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(Sqlite, CheckFindsADamagedPage) {
  TempFolder folder;
  {
    auto db = OpenDb(folder / "a.db");
    ASSERT_TRUE(db->Execute("CREATE TABLE t(i INTEGER PRIMARY KEY, b TEXT)"));
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(db->Run("INSERT INTO t VALUES(?, ?)", i, std::string(200, 'a')));
    }
  }
  {
    std::fstream file(folder / "a.db", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 * 3);
    file << std::string(4096, '\x5a');
  }
  auto db = OpenDb(folder / "a.db");
  EXPECT_EQ(db->Check().error().code(), Code::kCorruption);
}

}  // namespace
}  // namespace strata::store
