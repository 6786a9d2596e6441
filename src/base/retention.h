#pragma once
// How long a provider keeps what it is sent, as its terms say: "none", "36h", "30d", "unlimited".

#include <chrono>
#include <compare>
#include <limits>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata {

// Ordered: shorter is less. What a provider does not declare counts as unlimited.
struct Retention {
  std::chrono::hours longest{0};

  static constexpr Retention Unlimited() {
    return {std::chrono::hours(std::numeric_limits<std::int32_t>::max())};
  }
  friend auto operator<=>(const Retention&, const Retention&) = default;
};

// kInvalidArgument: no such term; hours and days up to ten years.
Result<Retention> ParseRetention(std::string_view text);
std::string FormatRetention(Retention retention);  // "none", "36h", "30d", "unlimited"

}  // namespace strata
