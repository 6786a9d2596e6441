#pragma once
// Money in integer pico-US-dollars (1e-12 USD), so that prices per token are exact: 3 USD per
// million tokens is 3,000,000 pico-USD a token. int64 holds about 9.2 million USD; sums stop there.

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace strata::domain {

// The sum, or the largest that int64 holds.
inline std::int64_t AddPicousd(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

struct Money {
  std::int64_t picousd = 0;

  friend auto operator<=>(const Money&, const Money&) = default;
  Money& operator+=(Money other) {
    picousd = AddPicousd(picousd, other.picousd);
    return *this;
  }
  friend Money operator+(Money a, Money b) { return a += b; }
};

// "0.000123" (USD, no trailing zeros beyond what is needed, at least two decimals).
std::string FormatUsd(Money money);

// Prices of one model in one tier, pico-USD per token. A price that is not known is absent: never
// guessed, never 0.
struct Price {
  std::optional<std::int64_t> input;
  std::optional<std::int64_t> output;
  std::optional<std::int64_t> cache_read;
  std::optional<std::int64_t> cache_write;
  std::string as_of;  // date of the price table, "2026-11-01"
  // Prices hold for calls of at most so many prompt tokens (models that cost more beyond a
  // length); the cost of a longer call is unknown. 0: for every length.
  std::int64_t prompt_tokens_max = 0;
};

struct Usage;

// nullopt when any needed price is unknown.
std::optional<Money> CostOf(const Usage& usage, const Price& price);

}  // namespace strata::domain
