#pragma once
// What was spent today and this month (UTC), for whatever decides by it: by key, by workspace, by
// router. Counted as rows reach the ledger, a moment after the answers; calls without a known price
// count nothing.

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "base/clock.h"
#include "base/ids.h"
#include "base/task.h"
#include "domain/money.h"
#include "store/call_row.h"

namespace strata::observe {

class Ledger;

enum class Payer : std::uint8_t { kKey, kWorkspace, kRouter };
enum class Period : std::uint8_t { kDay, kMonth };

// Thread-safe; only LoadPast waits for anything.
class Spending {
 public:
  explicit Spending(const Clock& clock = SystemClock()) : clock_(clock), from_(clock.Wall()) {}

  void Add(std::span<const store::CallRow> rows);

  // What the ledger holds of this month from before this was made. Once.
  Task<Result<>> LoadPast(Ledger& ledger);
  // Whether that has been done: until then sums are of this run alone.
  bool complete() const { return complete_.load(std::memory_order_acquire); }

  // `id`: a key's id, or "router/NAME"; of a workspace it does not matter.
  domain::Money Spent(Payer payer, Period period, const WorkspaceId& workspace,
                      std::string_view id) const;
  // The same in dollars.
  double Usd(Payer payer, Period period, const WorkspaceId& workspace, std::string_view id) const;

 private:
  struct Sums {
    std::int64_t day = 0, month = 0;  // that `today` and `this_month` are of
    std::int64_t today = 0, this_month = 0;
  };
  using Account = std::tuple<Payer, std::string, std::string>;  // payer, workspace, id
  void Count(const Account& account, WallTime time, std::int64_t picousd);
  void CountCall(const WorkspaceId& workspace, const KeyId& key, std::string_view router,
                 WallTime time, std::int64_t picousd);

  const Clock& clock_;
  const WallTime from_;
  std::atomic<bool> complete_{false};
  mutable std::mutex mutex_;
  std::map<Account, Sums> accounts_;
};

}  // namespace strata::observe
