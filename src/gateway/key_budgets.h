#pragma once
// What a key may spend in a month, checked before each model call.

#include "observe/spending.h"
#include "store/journal.h"
#include "store/keys.h"

namespace strata::gateway {

// For Journal::SetAdmission. Refuses calls of a key that has spent its month's budget
// (BudgetUsedUp), unless they are known to cost nothing. Calls count when the ledger has them:
// those that run when the budget is used up come to their end, and are spent beyond it.
// kUnavailable for a moment after the start, while what the month has cost so far is being read.
// Both outlive it.
store::Journal::Admission MakeBudgetCheck(const store::KeyStore& keys,
                                          const observe::Spending& spending);

}  // namespace strata::gateway
