// What was spent: by whom, today and this month, over a restart and the turn of a month.

#include "observe/spending.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "base/run_task.h"
#include "observe/ledger.h"
#include "observe/load_spending.h"
#include "store/testing.h"

namespace strata::observe {
namespace {

const WorkspaceId kOurs{"default"};
constexpr std::int64_t kUsd = 1'000'000'000'000;

WallTime At(int month, int day, int hour) {
  std::chrono::year_month_day date{std::chrono::year(2026), std::chrono::month(month),
                                   std::chrono::day(day)};
  return WallTime{std::chrono::sys_days(date)} + std::chrono::hours(hour);
}

store::CallRow Call(const std::string& id, WallTime time, const std::string& key,
                    const std::string& router = "") {
  store::CallRow row;
  row.intent.request_id = {id};
  row.intent.time = time;
  row.intent.workspace = kOurs;
  row.intent.key = {key};
  row.outcome.status = store::CallStatus::kOk;
  row.outcome.cost = domain::Money{kUsd};
  row.outcome.decided_by.router = router;
  return row;
}

TEST(SpendingOf, KeysRoutersAndWorkspacesIsCountedApart) {
  ManualClock clock(At(11, 20, 9));
  Spending spending(clock);
  std::vector rows = {Call("a", At(11, 20, 10), "ada", "router/mix:3"),
                      Call("b", At(11, 20, 10), "bob", "router/mix:4"),
                      Call("c", At(11, 20, 11), "ada", "direct")};
  rows.push_back(Call("d", At(11, 20, 11), "ada"));
  rows.back().outcome.cost = std::nullopt;
  spending.Add(rows);
  EXPECT_DOUBLE_EQ(spending.Usd(Payer::kKey, Period::kDay, kOurs, "ada"), 2);
  EXPECT_DOUBLE_EQ(spending.Usd(Payer::kRouter, Period::kMonth, kOurs, "router/mix"), 2);
  EXPECT_DOUBLE_EQ(spending.Usd(Payer::kWorkspace, Period::kDay, kOurs, "any"), 3);
  EXPECT_EQ(spending.Usd(Payer::kKey, Period::kDay, {"other"}, "ada"), 0);
}

TEST(SpendingOf, ADayAndAMonthEnd) {
  ManualClock clock(At(11, 29, 23));
  Spending spending(clock);
  spending.Add(std::vector{Call("a", At(11, 29, 23), "ada")});
  clock.Advance(std::chrono::hours(2));
  EXPECT_EQ(spending.Usd(Payer::kKey, Period::kDay, kOurs, "ada"), 0);
  EXPECT_DOUBLE_EQ(spending.Usd(Payer::kKey, Period::kMonth, kOurs, "ada"), 1);
  spending.Add(std::vector{Call("b", At(11, 30, 1), "ada")});
  EXPECT_DOUBLE_EQ(spending.Usd(Payer::kKey, Period::kDay, kOurs, "ada"), 1);
  EXPECT_DOUBLE_EQ(spending.Usd(Payer::kKey, Period::kMonth, kOurs, "ada"), 2);
  clock.Advance(std::chrono::hours(23));
  EXPECT_EQ(spending.Usd(Payer::kKey, Period::kMonth, kOurs, "ada"), 0);
}

TEST(SpendingOf, AnEarlierRunComesFromTheLedgerOnce) {
  store::TempFolder folder;
  auto ledger = *Ledger::Open(folder / "ledger.db");
  std::vector past = {Call("old", At(10, 31, 12), "ada"), Call("a", At(11, 2, 12), "ada"),
                      Call("b", At(11, 20, 8), "ada", "router/mix:1")};
  ASSERT_TRUE(ledger->Append(past).has_value());
  ManualClock clock(At(11, 20, 9));
  Spending spending(clock);
  std::vector now = {Call("c", At(11, 20, 10), "ada", "router/mix:2")};
  ASSERT_TRUE(ledger->Append(now).has_value());
  spending.Add(past);  // recovered rows may come again
  spending.Add(now);
  ASSERT_TRUE(RunTask(spending.LoadPast(*ledger)).has_value());
  EXPECT_DOUBLE_EQ(spending.Usd(Payer::kKey, Period::kMonth, kOurs, "ada"), 3);
  EXPECT_DOUBLE_EQ(spending.Usd(Payer::kKey, Period::kDay, kOurs, "ada"), 2);
  EXPECT_DOUBLE_EQ(spending.Usd(Payer::kRouter, Period::kMonth, kOurs, "router/mix"), 2);
}

// Whether it is complete in the end.
Task<bool> Load(std::shared_ptr<Spending> spending, Ledger& ledger, Sleep sleep) {
  co_await LoadSpending(spending, ledger, std::move(sleep));
  co_return spending->complete();
}

TEST(SpendingOf, AnEarlierRunIsReadAgainUntilItCanBe) {
  store::TempFolder folder;
  auto ledger = *Ledger::Open(folder / "ledger.db");
  ASSERT_TRUE(ledger->Append(std::vector{Call("a", At(11, 2, 12), "ada")}).has_value());
  auto other = *store::Database::Open(folder / "ledger.db");
  ASSERT_TRUE(other->Execute("DROP VIEW calls").has_value());
  ManualClock clock(At(11, 20, 9));
  auto spending = std::make_shared<Spending>(clock);
  std::vector<std::int64_t> waits;
  auto sleep = [&](std::chrono::milliseconds wait) -> Task<Result<>> {
    waits.push_back(wait.count());
    if (waits.size() == 8) {
      EXPECT_TRUE(other
                      ->Execute("CREATE VIEW calls AS SELECT * FROM call_rows JOIN call_facts "
                                "USING(facts)")
                      .has_value());
    }
    co_return Result<>{};
  };
  EXPECT_TRUE(RunTask(Load(spending, *ledger, sleep)));
  EXPECT_EQ(waits, std::vector<std::int64_t>({1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000}));
  EXPECT_DOUBLE_EQ(spending->Usd(Payer::kKey, Period::kMonth, kOurs, "ada"), 1);
}

TEST(SpendingOf, AnEarlierRunIsReadNoMoreWhenTheProcessStops) {
  store::TempFolder folder;
  auto ledger = *Ledger::Open(folder / "ledger.db");
  auto other = *store::Database::Open(folder / "ledger.db");
  ASSERT_TRUE(other->Execute("DROP VIEW calls").has_value());
  auto stop = [](std::chrono::milliseconds) -> Task<Result<>> {
    co_return Fail(Code::kCancelled, "stopped");
  };
  EXPECT_FALSE(RunTask(Load(std::make_shared<Spending>(), *ledger, stop)));
}

}  // namespace
}  // namespace strata::observe
