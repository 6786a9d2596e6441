#pragma once
// What guardrails found in a request, as its ledger rows name it and router rules read it: the
// names of those that judged, with what was done where something was found,
// "code-names,customers=mask,attacks=note".

#include <string>
#include <string_view>

#include "guard/policy.h"

namespace strata::guard {

// "block", "mask", "note".
std::string_view ActionName(Action action);

// Adds that `policy`, which may stand in `verdicts` already, found something. Of two findings the
// first is kept.
void AddVerdict(std::string& verdicts, std::string_view policy, Action action);

// Whether that policy has found something; of an empty name, whether any has.
bool FoundSomething(std::string_view verdicts, std::string_view policy);

}  // namespace strata::guard
