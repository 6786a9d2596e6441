#include "domain/money.h"

#include <array>
#include <string>

#include "domain/usage.h"

namespace strata::domain {

std::string FormatUsd(Money money) {
  bool negative = money.picousd < 0;
  auto magnitude = negative ? -static_cast<unsigned __int128>(money.picousd) : money.picousd;
  auto picos = static_cast<std::uint64_t>(magnitude);
  std::array<char, 12> fraction{};
  auto rest = picos;
  for (auto digit = fraction.rbegin(); digit != fraction.rend(); ++digit, rest /= 10) {
    *digit = static_cast<char>('0' + rest % 10);
  }
  std::size_t digits = fraction.size();
  while (digits > 2 && fraction[digits - 1] == '0') --digits;
  std::string out = negative ? "-" : "";
  out.append(std::to_string(rest)).append(".").append(fraction.data(), digits);
  return out;
}

std::optional<Money> CostOf(const Usage& usage, const Price& price) {
  if (price.prompt_tokens_max > 0 && usage.PromptTokens() > price.prompt_tokens_max) {
    return std::nullopt;
  }
  Money total;
  auto add = [&](std::int64_t tokens, const std::optional<std::int64_t>& per_token) {
    if (tokens == 0) return true;
    if (!per_token) return false;
    std::int64_t cost = 0;
    if (__builtin_mul_overflow(tokens, *per_token, &cost)) {
      cost = std::numeric_limits<std::int64_t>::max();
    }
    total += {cost};
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
