#include "observe/load_spending.h"

#include <algorithm>

#include "base/log.h"

namespace strata::observe {

Task<void> LoadSpending(std::shared_ptr<Spending> spending, Ledger& ledger, Sleep sleep) {
  constexpr std::chrono::milliseconds kWaitMax{60'000};
  for (std::chrono::milliseconds wait{1'000};; wait = std::min(2 * wait, kWaitMax)) {
    auto loaded = co_await spending->LoadPast(ledger);
    if (loaded.has_value()) co_return;
    Log(Level::kWarning, "observe.spending_unknown",
        {{"reason", loaded.error().message()}, {"again_in_ms", wait.count()}});
    auto slept = co_await sleep(wait);
    if (!slept.has_value()) co_return;
  }
}

}  // namespace strata::observe
