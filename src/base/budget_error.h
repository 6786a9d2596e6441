#pragma once
// The refusal of a caller whose budget is used up. It is a limit like others, but waiting a moment
// does not help: dialects say it in words of its own, and nobody tries again.

#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace strata {

inline constexpr std::string_view kBudgetField = "budget_month_usd";

inline Error BudgetUsedUp(Message message) {
  return Error(Code::kRateLimited, std::move(message)).AtField(kBudgetField);
}

inline bool IsBudgetUsedUp(const Error& error) {
  return error.code() == Code::kRateLimited && error.upstream_status() == 0 &&
         error.field() == kBudgetField;
}

}  // namespace strata
