#include "base/json_plain.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace strata {

std::size_t JsonPlainPrefix(std::string_view text) {
  std::size_t at = 0;
  if constexpr (std::endian::native == std::endian::little) {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    constexpr std::uint64_t kHigh = 0x8080808080808080;
    auto zero_bytes = [](std::uint64_t v) { return (v - kOnes) & ~v & kHigh; };
    for (; text.size() - at >= 8; at += 8) {
      std::uint64_t x = 0;
      std::memcpy(&x, text.data() + at, sizeof(x));
      // A borrow makes marks above the first one unsure, never the first.
      auto marks = zero_bytes(x ^ (kOnes * '"')) | zero_bytes(x ^ (kOnes * '\\')) |
                   ((x - kOnes * 0x20) & ~x & kHigh) | (x & kHigh);
      if (marks != 0) return at + static_cast<std::size_t>(std::countr_zero(marks)) / 8;
    }
  }
  for (; at < text.size(); ++at) {
    auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x20 || c == '"' || c == '\\' || c >= 0x80) break;
  }
  return at;
}

}  // namespace strata
