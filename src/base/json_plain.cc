#include "base/json_plain.h"

#include <algorithm>
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
std::uint64_t MarksOf8(std::uint64_t x) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  auto zero_bytes = [](std::uint64_t v) { return (v - kOnes) & ~v & kHigh; };
  return zero_bytes(x ^ (kOnes * '"')) | zero_bytes(x ^ (kOnes * '\\')) |
         ((x - kOnes * 0x20) & ~x & kHigh) | (x & kHigh);
}

template <class T>
T LoadAs(const char* bytes) {
  T word{};
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

std::size_t FirstOf(std::uint64_t marks) {
  return static_cast<std::size_t>(std::countr_zero(marks)) / 8;
}

std::size_t ByteByByte(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && IsPlain(text[at])) ++at;
  return at;
}

// Under 16 bytes, as names and ids are: two words that may overlap.
std::size_t PrefixOfShort(std::string_view text) {
  if constexpr (std::endian::native != std::endian::little) return ByteByByte(text);
  const auto* bytes = text.data();
  const auto size = text.size();
  if (size < 4) return ByteByByte(text);
  if (size < 8) {
    const auto word =
        LoadAs<std::uint32_t>(bytes) | std::uint64_t{LoadAs<std::uint32_t>(bytes + size - 4)} << 32;
    const auto marks = MarksOf8(word);
    if (marks == 0) return size;
    const auto first = FirstOf(marks);
    return first < 4 ? first : first + size - 8;
  }
  auto marks = MarksOf8(LoadAs<std::uint64_t>(bytes));
  if (marks != 0) return FirstOf(marks);
  marks = MarksOf8(LoadAs<std::uint64_t>(bytes + size - 8));
  return marks == 0 ? size : size - 8 + FirstOf(marks);
}

}  // namespace

std::size_t JsonPlainPrefix(std::string_view text) {
  if (text.size() < 16) return PrefixOfShort(text);
#if defined(__SSE2__)
  const auto last = text.size() - 16;
  for (std::size_t at = 0;; at = std::min(at + 16, last)) {
    const auto marks = MarksOf16(text.data() + at);
    if (marks != 0) return at + static_cast<std::size_t>(std::countr_zero(marks));
    if (at == last) return text.size();
  }
#else
  return ByteByByte(text);
#endif
}

}  // namespace strata
