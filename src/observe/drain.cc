#include "observe/drain.h"

namespace strata::observe {

Result<Accounting> OpenAccounting(const store::DataDir& folder, const Options& options) {
  Accounting accounting;
  STRATA_TRY(accounting.ledger, Ledger::Open(folder.ledger_db()));
  STRATA_TRY(accounting.journal,
             store::Journal::Open(store::JournalOptionsOf(options, folder.journal()),
                                  accounting.ledger->Sink()));
  return accounting;
}

}  // namespace strata::observe
