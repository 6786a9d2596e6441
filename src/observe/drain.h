#pragma once
// Joins the journal to the ledger of one data folder: opens both in the right order, so that what a
// dead process left is in the ledger before the first request.

#include <memory>

#include "base/options.h"
#include "observe/latencies.h"
#include "observe/ledger.h"
#include "observe/metrics.h"
#include "observe/spending.h"
#include "store/data_dir.h"
#include "store/journal.h"

namespace strata::observe {

// Members are destroyed last to first: the journal drains into the ledger before that closes.
struct Accounting {
  std::shared_ptr<Spending> spending;  // of this run's calls, until LoadPast
  std::shared_ptr<Latencies> latencies;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<store::Journal> journal;
};

// `metrics` counts every row of this run that the ledger took (not those of a dead process, which
// are recovered first). It outlives the accounting.
Result<Accounting> OpenAccounting(const store::DataDir& folder, const Options& options,
                                  CallMetrics* metrics = nullptr);

}  // namespace strata::observe
