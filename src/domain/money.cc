#include "domain/money.h"

#include <fmt/format.h>

#include "domain/usage.h"

namespace strata::domain {

std::string FormatUsd(Money money) {
  bool negative = money.picousd < 0;
  auto magnitude = negative ? -static_cast<unsigned __int128>(money.picousd) : money.picousd;
  auto picos = static_cast<std::uint64_t>(magnitude);
  auto fraction = fmt::format("{:012}", picos % 1'000'000'000'000ULL);
  while (fraction.size() > 2 && fraction.back() == '0') fraction.pop_back();
  return fmt::format("{}{}.{}", negative ? "-" : "", picos / 1'000'000'000'000ULL, fraction);
}

std::optional<Money> CostOf(const Usage& usage, const Price& price) {
  if (price.prompt_tokens_max > 0 && usage.PromptTokens() > price.prompt_tokens_max) {
    return std::nullopt;
  }
  Money total;
  auto add = [&](std::int64_t tokens, const std::optional<std::int64_t>& per_token) {
    if (tokens == 0) return true;
    if (!per_token) return false;
    total.picousd += tokens * *per_token;
    return true;
  };
  // A provider that lists no cache price bills those tokens as ordinary input.
  bool known = add(usage.input_tokens, price.input) && add(usage.output_tokens, price.output) &&
               add(usage.cache_read_tokens, price.cache_read ? price.cache_read : price.input) &&
               add(usage.cache_write_tokens, price.cache_write ? price.cache_write : price.input);
  if (!known || (usage.TotalTokens() == 0 && !price.input)) return std::nullopt;
  return total;
}

}  // namespace strata::domain
