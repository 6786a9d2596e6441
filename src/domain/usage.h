#pragma once
// Tokens of one model call.

#include <cstdint>

namespace strata::domain {

// No call has more tokens of a kind. What a provider reports beyond it is not believed: sums of
// such counts and their prices would not fit.
inline constexpr std::int64_t kTokensMax = 100'000'000;

// `input_tokens` excludes both cache counts, as Bedrock and Anthropic have it; OpenAI's
// prompt_tokens is the sum of the three. `output_tokens` includes reasoning.
struct Usage {
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t cache_read_tokens = 0;
  std::int64_t cache_write_tokens = 0;
  std::int64_t reasoning_tokens = 0;
  bool estimated = false;  // our count, as the provider has not said its own

  std::int64_t PromptTokens() const {
    return input_tokens + cache_read_tokens + cache_write_tokens;
  }
  std::int64_t TotalTokens() const { return PromptTokens() + output_tokens; }
  friend bool operator==(const Usage&, const Usage&) = default;
};

}  // namespace strata::domain
