#include "observe/drain.h"

#include <atomic>

namespace strata::observe {

Result<Accounting> OpenAccounting(const store::DataDir& folder, const Options& options,
                                  CallMetrics* metrics) {
  Accounting accounting;
  accounting.spending = std::make_shared<Spending>();
  accounting.latencies = std::make_shared<Latencies>();
  STRATA_TRY(accounting.ledger, Ledger::Open(folder.ledger_db()));
  auto opened = std::make_shared<std::atomic<bool>>(false);
  auto sink = [opened, metrics, spending = accounting.spending, latencies = accounting.latencies,
               ledger =
                   accounting.ledger->Sink()](std::span<const store::CallRow> rows) -> Result<> {
    STRATA_CHECK_OK(ledger(rows));
    spending->Add(rows);
    // Calls of a dead process say little of how fast models are now.
    if (!opened->load(std::memory_order_acquire)) return {};
    latencies->Add(rows);
    if (metrics != nullptr) metrics->Add(rows);
    return {};
  };
  STRATA_TRY(
      accounting.journal,
      store::Journal::Open(store::JournalOptionsOf(options, folder.journal()), std::move(sink)));
  opened->store(true, std::memory_order_release);
  return accounting;
}

}  // namespace strata::observe
