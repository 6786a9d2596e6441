#include "base/json_plain.h"

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace strata {
namespace {

bool IsPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

#if defined(__SSE2__)
// One bit for each of 16 bytes that is not plain.
unsigned MarksOf16(const char* bytes) {
  const auto x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  // The comparison is signed: bytes from 0x80 on are below 0x20 too.
  const auto out_of_range = _mm_cmplt_epi8(x, _mm_set1_epi8(0x20));
  const auto quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
  const auto backslash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
  const auto marks = _mm_or_si128(out_of_range, _mm_or_si128(quote, backslash));
  return static_cast<unsigned>(_mm_movemask_epi8(marks));
}
#endif

// The high bit of each of 8 bytes that is not plain; marks above the first one are unsure.
std::uint64_t MarksOf8(const char* bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  auto zero_bytes = [](std::uint64_t v) { return (v - kOnes) & ~v & kHigh; };
  std::uint64_t x = 0;
  std::memcpy(&x, bytes, sizeof(x));
  return zero_bytes(x ^ (kOnes * '"')) | zero_bytes(x ^ (kOnes * '\\')) |
         ((x - kOnes * 0x20) & ~x & kHigh) | (x & kHigh);
}

}  // namespace

std::size_t JsonPlainPrefix(std::string_view text) {
  std::size_t at = 0;
#if defined(__SSE2__)
  for (; text.size() - at >= 16; at += 16) {
    const auto marks = MarksOf16(text.data() + at);
    if (marks != 0) return at + static_cast<std::size_t>(std::countr_zero(marks));
  }
#endif
  if constexpr (std::endian::native == std::endian::little) {
    for (; text.size() - at >= 8; at += 8) {
      const auto marks = MarksOf8(text.data() + at);
      if (marks != 0) return at + static_cast<std::size_t>(std::countr_zero(marks)) / 8;
    }
  }
  while (at < text.size() && IsPlain(text[at])) ++at;
  return at;
}

}  // namespace strata
