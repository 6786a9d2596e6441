#include "store/sql_file.h"

#include <gtest/gtest.h>

#include <boost/asio/detached.hpp>
#include <condition_variable>
#include <future>
#include <mutex>

#include "base/log.h"
#include "base/run_task.h"
#include "store/testing.h"

namespace strata::store {
namespace {

constexpr Migration kSchema[] = {{"makes t", "CREATE TABLE t(i INTEGER PRIMARY KEY) STRICT"}};

std::unique_ptr<SqlFile> OpenFile(const TempFolder& folder, std::size_t waiting_max = 1024) {
  SqlFileOptions options;
  options.waiting_max = waiting_max;
  options.migrations = kSchema;
  auto file = SqlFile::Open(folder / "t.db", options);
  EXPECT_TRUE(file.has_value()) << file.error().message();
  return std::move(*file);
}

Result<> Insert(Database& database, int i) { return database.Run("INSERT INTO t VALUES(?)", i); }

std::int64_t Count(SqlFile& file) {
  auto count = file.ReadBlocking([](Database& db) { return db.Integer("SELECT count(*) FROM t"); });
  return **count;
}

// Occupies the writer until it is let go.
class Blocker {
 public:
  explicit Blocker(SqlFile& file) {
    // The writer has its own share of both, as it may still be in here when this is gone.
    auto entered = std::make_shared<std::promise<void>>();
    auto wait = [entered, go = go_.get_future().share()](Database&) -> Result<> {
      entered->set_value();
      go.wait();
      return {};
    };
    auto in = entered->get_future();
    EXPECT_TRUE(file.writer().Post(wait));
    in.wait();
  }
  void Release() { go_.set_value(); }

 private:
  std::promise<void> go_;
};

TEST(SqlFile, ACoroutineReadsWhatItWrote) {
  TempFolder folder;
  auto file = OpenFile(folder);
  auto all = [&]() -> Task<Result<std::optional<std::int64_t>>> {
    auto insert = [](Database& db) { return Insert(db, 7); };
    STRATA_CO_CHECK_OK(co_await file->Write(insert));
    auto read = [](Database& db) { return db.Integer("SELECT i FROM t"); };
    co_return co_await file->Read(read);
  };
  auto value = RunTask(all());
  ASSERT_TRUE(value.has_value()) << value.error().message();
  EXPECT_EQ(**value, 7);
}

TEST(SqlFile, AWriteThatFailsTakesOnlyItselfBack) {
  TempFolder folder;
  auto file = OpenFile(folder);
  Blocker blocker(*file);  // so that the three share a transaction
  auto write = [&](int i, bool fail) {
    return std::async(std::launch::async, [&file, i, fail] {
      return file->WriteBlocking([i, fail](Database& db) -> Result<> {
        STRATA_CHECK_OK(Insert(db, i));
        return fail ? Result<>(Fail(Code::kConflict, "no")) : Result<>();
      });
    });
  };
  auto first = write(1, false);
  auto second = write(2, true);
  auto third = write(3, false);
  while (file->writer().waiting() < 3) std::this_thread::yield();
  blocker.Release();
  EXPECT_TRUE(first.get().has_value());
  EXPECT_EQ(second.get().error().message(), "no");
  EXPECT_TRUE(third.get().has_value());
  EXPECT_EQ(Count(*file), 2);
}

TEST(SqlFile, AWriteThatThrowsIsAnErrorOfItsCallerOnly) {
  TempFolder folder;
  auto file = OpenFile(folder);
  auto thrown = file->WriteBlocking([](Database& db) -> Result<> {
    STRATA_CHECK_OK(Insert(db, 1));
    throw std::runtime_error("slipped");
  });
  EXPECT_EQ(thrown.error().code(), Code::kInternal);
  EXPECT_EQ(Count(*file), 0);
  EXPECT_TRUE(file->WriteBlocking([](Database& db) { return Insert(db, 2); }));
}

TEST(SqlFile, AFullQueueRefusesWithATimeToComeBack) {
  TempFolder folder;
  auto file = OpenFile(folder, 1);
  Blocker blocker(*file);
  ASSERT_TRUE(file->writer().Post([](Database& db) { return Insert(db, 1); }));
  auto refused = file->WriteBlocking([](Database& db) { return Insert(db, 2); });
  EXPECT_EQ(refused.error().code(), Code::kUnavailable);
  EXPECT_TRUE(refused.error().retry_after().has_value());
  blocker.Release();
}

TEST(SqlFile, WhatWasAcceptedIsWrittenBeforeItCloses) {
  TempFolder folder;
  {
    auto file = OpenFile(folder);
    Blocker blocker(*file);
    for (int i = 0; i < 500; ++i) {
      ASSERT_TRUE(file->writer().Post([i](Database& db) { return Insert(db, i); }));
    }
    blocker.Release();
  }
  EXPECT_EQ(Count(*OpenFile(folder)), 500);
}

TEST(SqlFile, AFullDiskFailsTheWholeGroupAndTheNextWriteWorks) {
  TempFolder folder;
  auto file = OpenFile(folder);
  ASSERT_TRUE(file->WriteBlocking(
      [](Database& db) -> Result<> { return db.Execute("CREATE TABLE big(b BLOB)"); }));
  auto limited = file->WriteBlocking([](Database& db) -> Result<> {
    STRATA_CHECK_OK(db.Execute("PRAGMA max_page_count = 10"));
    return db.Run("INSERT INTO big VALUES(zeroblob(1000000))");
  });
  EXPECT_EQ(limited.error().code(), Code::kUnavailable) << limited.error().message();
  EXPECT_TRUE(file->WriteBlocking([](Database& db) { return Insert(db, 1); }));
}

TEST(SqlFile, AWriteNobodyWaitsForIsLoggedWhenItFails) {
  std::promise<std::string> event;
  SetLogSink([&](Level level, std::string_view name, std::string_view) {
    if (level == Level::kError) event.set_value(std::string(name));
  });
  TempFolder folder;
  {
    auto file = OpenFile(folder);
    ASSERT_TRUE(
        file->writer().Post([](Database& db) { return db.Run("INSERT INTO none VALUES(1)"); }));
  }
  SetLogSink(nullptr);
  EXPECT_EQ(event.get_future().get(), "store.write.failed");
}

}  // namespace
}  // namespace strata::store
