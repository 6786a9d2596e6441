#include "observe/drain.h"

#include <atomic>

namespace strata::observe {

Result<Accounting> OpenAccounting(const store::DataDir& folder, const Options& options,
                                  CallMetrics* metrics) {
  Accounting accounting;
  STRATA_TRY(accounting.ledger, Ledger::Open(folder.ledger_db()));
  auto opened = std::make_shared<std::atomic<bool>>(false);
  auto sink = [opened, metrics, ledger = accounting.ledger->Sink()](
                  std::span<const store::CallRow> rows) -> Result<> {
    STRATA_CHECK_OK(ledger(rows));
    if (metrics != nullptr && opened->load(std::memory_order_acquire)) metrics->Add(rows);
    return {};
  };
  STRATA_TRY(
      accounting.journal,
      store::Journal::Open(store::JournalOptionsOf(options, folder.journal()), std::move(sink)));
  opened->store(true, std::memory_order_release);
  return accounting;
}

}  // namespace strata::observe
