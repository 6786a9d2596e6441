#include "store/migrations.h"

#include <gtest/gtest.h>

#include "store/testing.h"

namespace strata::store {
namespace {

Result<> DoubleAll(Database& database) {
  return database.Run("UPDATE item SET amount = 2 * amount");
}

constexpr Migration kSteps[] = {
    {"makes item", "CREATE TABLE item(name TEXT PRIMARY KEY, amount INTEGER NOT NULL) STRICT"},
    {"adds item.unit and doubles amounts",
     "ALTER TABLE item ADD COLUMN unit TEXT NOT NULL DEFAULT 'g'", DoubleAll},
};

std::unique_ptr<Database> OpenDb(const std::string& path) {
  auto database = Database::Open(path);
  EXPECT_TRUE(database.has_value());
  return std::move(*database);
}

TEST(Migrations, AFileOfTheFirstVersionIsBroughtUpWithItsRows) {
  TempFolder folder;
  {
    auto old = OpenDb(folder / "a.db");
    ASSERT_TRUE(Migrate(*old, "items", std::span(kSteps).first(1)));
    ASSERT_TRUE(old->Run("INSERT INTO item VALUES('salt', 21)"));
  }
  auto db = OpenDb(folder / "a.db");
  ASSERT_TRUE(Migrate(*db, "items", kSteps));
  EXPECT_EQ(*db->Integer("SELECT amount FROM item WHERE unit = 'g'"), 42);
  EXPECT_EQ(*db->Integer("PRAGMA user_version"), 2);
  ASSERT_TRUE(Migrate(*db, "items", kSteps)) << "a second run changes nothing";
  EXPECT_EQ(*db->Integer("SELECT amount FROM item"), 42);
}

TEST(Migrations, AFileOfANewerVersionIsRefusedUntouched) {
  TempFolder folder;
  auto db = OpenDb(folder / "a.db");
  ASSERT_TRUE(db->Execute("PRAGMA user_version = 3"));
  auto refused = Migrate(*db, "items", kSteps);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kUnsupported);
  EXPECT_NE(refused.error().message().find("version 3"), std::string::npos);
  EXPECT_EQ(*db->Integer("SELECT count(*) FROM sqlite_schema"), 0);
}

TEST(Migrations, AStepThatFailsLeavesTheVersionBeforeIt) {
  TempFolder folder;
  auto db = OpenDb(folder / "a.db");
  constexpr Migration kBroken[] = {
      kSteps[0], {"breaks", "CREATE TABLE half(i); INSERT INTO nowhere VALUES(1)"}};
  auto failed = Migrate(*db, "items", kBroken);
  ASSERT_FALSE(failed.has_value());
  EXPECT_NE(failed.error().message().find("version 2 (breaks)"), std::string::npos);
  EXPECT_EQ(*db->Integer("PRAGMA user_version"), 1);
  EXPECT_EQ(*db->Integer("SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
}

TEST(Migrations, ComponentsOfASharedFileHaveVersionsOfTheirOwn) {
  TempFolder folder;
  auto db = OpenDb(folder / "meta.db");
  constexpr Migration kOther[] = {{"makes other", "CREATE TABLE other(i)"}};
  ASSERT_TRUE(MigrateComponent(*db, "item", std::span(kSteps).first(1)));
  ASSERT_TRUE(MigrateComponent(*db, "other", kOther));
  ASSERT_TRUE(MigrateComponent(*db, "item", kSteps));
  EXPECT_EQ(*db->Integer("SELECT version FROM strata_schema WHERE component = 'item'"), 2);
  EXPECT_EQ(*db->Integer("SELECT version FROM strata_schema WHERE component = 'other'"), 1);
  auto refused = MigrateComponent(*db, "item", std::span(kSteps).first(1));
  EXPECT_EQ(refused.error().code(), Code::kUnsupported);
}

}  // namespace
}  // namespace strata::store
