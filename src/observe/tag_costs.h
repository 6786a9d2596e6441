#pragma once
// Cost by every tag (CostQuery::By::kTag without a name) as text.

#include <span>
#include <string>

#include "observe/ledger.h"

namespace strata::observe {

// Like CostTable, without a total: a call with several tags is in several lines.
std::string TagCostTable(std::span<const CostLine> lines);

}  // namespace strata::observe
