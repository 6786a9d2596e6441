#include "provider/remote/quota.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

namespace strata::provider::remote {
namespace {

// remaining, limit
constexpr std::pair<std::string_view, std::string_view> kPairs[] = {
    {"x-ratelimit-remaining-requests", "x-ratelimit-limit-requests"},
    {"x-ratelimit-remaining-tokens", "x-ratelimit-limit-tokens"},
    {"anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-limit"},
    {"anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-limit"},
    {"anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-limit"},
    {"anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-limit"},
};

std::optional<double> NumberOf(std::string_view text) {
  double value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) ||
      value < 0) {
    return {};
  }
  return value;
}

}  // namespace

double QuotaShareOf(const net::Headers& headers) {
  // Most servers say nothing: one look instead of twelve.
  const auto shortest = std::string_view("x-ratelimit-limit-tokens").size();
  const auto& fields = headers.fields();
  if (std::ranges::none_of(fields, [&](const auto& f) { return f.first.size() >= shortest; })) {
    return -1;
  }
  double least = -1;
  for (const auto& [remaining_name, limit_name] : kPairs) {
    auto remaining = NumberOf(headers.Get(remaining_name));
    auto limit = NumberOf(headers.Get(limit_name));
    if (!remaining || !limit || *limit <= 0) continue;
    double share = std::min(*remaining / *limit, 1.0);
    least = least < 0 ? share : std::min(least, share);
  }
  return least;
}

}  // namespace strata::provider::remote
