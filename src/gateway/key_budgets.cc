#include "gateway/key_budgets.h"

#include <fmt/format.h>

#include "base/budget_error.h"
#include "base/format_message.h"

namespace strata::gateway {
namespace {

// "2026-12-01" for a time in November 2026.
std::string NextMonth(WallTime now) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(now));
  const auto next = day.year() / day.month() + std::chrono::months(1);
  return fmt::format("{:04}-{:02}-01", static_cast<int>(next.year()),
                     static_cast<unsigned>(next.month()));
}

Error UsedUp(const store::ApiKey& key, domain::Money spent, WallTime now) {
  return BudgetUsedUp(FormatMessage(
      "the key '{}' has spent ${} of the ${} that it may spend in a month; it may again from {} "
      "(UTC), or when its budget is raised",
      Own(key.name.empty() ? key.id.value : key.name), Own(domain::FormatUsd(spent)),
      Own(domain::FormatUsd(*key.grant.budget_month)), Own(NextMonth(now))));
}

}  // namespace

store::Journal::Admission MakeBudgetCheck(const store::KeyStore& keys,
                                          const observe::Spending& spending) {
  return [&keys, &spending](const store::CallIntent& intent) -> Result<> {
    if (intent.estimate_cost && intent.estimate_cost->picousd == 0) return {};
    auto key = keys.snapshot()->FindId(intent.key);
    if (key == nullptr || !key->grant.budget_month) return {};
    if (!spending.complete()) {
      return Fail(
          Error(Code::kUnavailable, "what this key has spent this month is still being read")
              .RetryAfter(std::chrono::seconds(1)));
    }
    const auto spent = spending.Spent(observe::Payer::kKey, observe::Period::kMonth,
                                      intent.workspace, intent.key.value);
    if (spent < *key->grant.budget_month) return {};
    return Fail(UsedUp(*key, spent, intent.time));
  };
}

}  // namespace strata::gateway
