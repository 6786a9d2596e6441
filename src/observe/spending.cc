#include "observe/spending.h"

#include "observe/ledger.h"

namespace strata::observe {
namespace {

using std::chrono::days;
using std::chrono::floor;

constexpr std::int64_t kMonthsOfAYear = 12;
constexpr double kPicoOfADollar = 1e12;

std::int64_t DayOf(WallTime time) { return floor<days>(time).time_since_epoch().count(); }

std::chrono::year_month MonthAt(WallTime time) {
  std::chrono::year_month_day date{floor<days>(time)};
  return date.year() / date.month();
}

std::int64_t MonthOf(WallTime time) {
  auto month = MonthAt(time);
  return static_cast<int>(month.year()) * kMonthsOfAYear + static_cast<unsigned>(month.month());
}

// "router/mix" of "router/mix:3".
std::string_view RouterOf(std::string_view version) {
  if (!version.starts_with("router/")) return {};
  return version.substr(0, version.find(':'));
}

}  // namespace

void Spending::Count(const Account& account, WallTime time, std::int64_t picousd) {
  auto& sums = accounts_[account];
  const auto day = DayOf(time);
  const auto month = MonthOf(time);
  if (day > sums.day) {
    sums.day = day;
    sums.today = 0;
  }
  if (month > sums.month) {
    sums.month = month;
    sums.this_month = 0;
  }
  if (day == sums.day) sums.today = domain::AddPicousd(sums.today, picousd);
  if (month == sums.month) sums.this_month = domain::AddPicousd(sums.this_month, picousd);
}

void Spending::CountCall(const WorkspaceId& workspace, const KeyId& key, std::string_view router,
                         WallTime time, std::int64_t picousd) {
  Count({Payer::kKey, workspace.value, key.value}, time, picousd);
  Count({Payer::kWorkspace, workspace.value, ""}, time, picousd);
  if (auto name = RouterOf(router); !name.empty()) {
    Count({Payer::kRouter, workspace.value, std::string(name)}, time, picousd);
  }
}

void Spending::Add(std::span<const store::CallRow> rows) {
  std::lock_guard lock(mutex_);
  for (const auto& row : rows) {
    // What is older is in the ledger, and counted from there.
    if (!row.outcome.cost || row.intent.time < from_) continue;
    CountCall(row.intent.workspace, row.intent.key, row.outcome.decided_by.router, row.intent.time,
              row.outcome.cost->picousd);
  }
}

Task<Result<>> Spending::LoadPast(Ledger& ledger) {
  const WallTime month{std::chrono::sys_days(MonthAt(from_) / std::chrono::day(1))};
  STRATA_CO_TRY(auto past, co_await ledger.SpentByDay(month, from_));
  std::lock_guard lock(mutex_);
  for (const auto& line : past) {
    CountCall(line.workspace, line.key, line.router, line.day, line.spent.picousd);
  }
  complete_.store(true, std::memory_order_release);
  co_return Result<>{};
}

domain::Money Spending::Spent(Payer payer, Period period, const WorkspaceId& workspace,
                              std::string_view id) const {
  const auto now = clock_.Wall();
  Account account{payer, workspace.value, payer == Payer::kWorkspace ? "" : std::string(id)};
  std::lock_guard lock(mutex_);
  auto at = accounts_.find(account);
  if (at == accounts_.end()) return {};
  const auto& sums = at->second;
  if (period == Period::kDay) return {sums.day == DayOf(now) ? sums.today : 0};
  return {sums.month == MonthOf(now) ? sums.this_month : 0};
}

double Spending::Usd(Payer payer, Period period, const WorkspaceId& workspace,
                     std::string_view id) const {
  return static_cast<double>(Spent(payer, period, workspace, id).picousd) / kPicoOfADollar;
}

}  // namespace strata::observe
