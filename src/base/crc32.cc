// CRC-32 of IEEE 802.3, reflected: carry-less multiplication where the processor has it, tables
// elsewhere.

#include <array>
#include <cstring>

#include "base/encoding.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace strata {
namespace {

// Slicing-by-8 tables (Kounavis, Berry 2005).
constexpr auto kCrcTables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> t{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = (c & 1) ? 0xEDB88320U ^ (c >> 1) : c >> 1;
    t[0][i] = c;
  }
  for (std::uint32_t i = 0; i < 256; ++i) {
    for (std::size_t s = 1; s < 8; ++s) t[s][i] = t[0][t[s - 1][i] & 255] ^ (t[s - 1][i] >> 8);
  }
  return t;
}();

std::uint32_t ByTables(const char* p, std::size_t left, std::uint32_t crc) {
  for (; left >= 8; left -= 8, p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, sizeof(word));
    word ^= crc;
    crc = kCrcTables[7][word & 255] ^ kCrcTables[6][(word >> 8) & 255] ^
          kCrcTables[5][(word >> 16) & 255] ^ kCrcTables[4][(word >> 24) & 255] ^
          kCrcTables[3][(word >> 32) & 255] ^ kCrcTables[2][(word >> 40) & 255] ^
          kCrcTables[1][(word >> 48) & 255] ^ kCrcTables[0][word >> 56];
  }
  for (; left > 0; --left, ++p) {
    crc = kCrcTables[0][(crc ^ static_cast<unsigned char>(*p)) & 255] ^ (crc >> 8);
  }
  return crc;
}

#if defined(__x86_64__)
#define STRATA_PCLMUL __attribute__((target("pclmul,sse4.1")))

STRATA_PCLMUL __m128i Load(const char* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

// `by` holds the two powers of x, modulo the polynomial, that move `x` over the distance to `onto`.
STRATA_PCLMUL __m128i Fold(__m128i x, __m128i by, __m128i onto) {
  const auto low = _mm_clmulepi64_si128(x, by, 0x00);
  const auto high = _mm_clmulepi64_si128(x, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), onto);
}

// 128 bits to the 32 of the remainder, by Barrett reduction.
STRATA_PCLMUL std::uint32_t Reduce(__m128i x, __m128i by16) {
  const auto evens = _mm_setr_epi32(~0, 0, ~0, 0);
  x = _mm_xor_si128(_mm_srli_si128(x, 8), _mm_clmulepi64_si128(x, by16, 0x10));
  const auto to64 = _mm_set_epi64x(0, 0x0163cd6124);
  const auto low = _mm_clmulepi64_si128(_mm_and_si128(x, evens), to64, 0x00);
  x = _mm_xor_si128(_mm_srli_si128(x, 4), low);
  const auto polynomial = _mm_set_epi64x(0x01f7011641, 0x01db710641);
  auto q = _mm_clmulepi64_si128(_mm_and_si128(x, evens), polynomial, 0x10);
  q = _mm_clmulepi64_si128(_mm_and_si128(q, evens), polynomial, 0x00);
  return static_cast<std::uint32_t>(_mm_extract_epi32(_mm_xor_si128(x, q), 1));
}

// Gopal, Ozturk, Guilford and others: Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
// (Intel, 2009), with its constants for this polynomial. `size` is a multiple of 16, at least 64.
STRATA_PCLMUL std::uint32_t ByMultiplying(const char* p, std::size_t size, std::uint32_t crc) {
  auto a = _mm_xor_si128(Load(p), _mm_cvtsi32_si128(static_cast<int>(crc)));
  auto b = Load(p + 16);
  auto c = Load(p + 32);
  auto d = Load(p + 48);
  const auto by64 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
  for (p += 64, size -= 64; size >= 64; p += 64, size -= 64) {
    a = Fold(a, by64, Load(p));
    b = Fold(b, by64, Load(p + 16));
    c = Fold(c, by64, Load(p + 32));
    d = Fold(d, by64, Load(p + 48));
  }
  const auto by16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  a = Fold(Fold(Fold(a, by16, b), by16, c), by16, d);
  for (; size >= 16; p += 16, size -= 16) a = Fold(a, by16, Load(p));
  return Reduce(a, by16);
}

bool CanMultiply() {
  static const bool can = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  return can;
}
#endif

}  // namespace

std::uint32_t Crc32(std::string_view bytes, std::uint32_t seed) {
  std::uint32_t crc = ~seed;
#if defined(__x86_64__)
  constexpr std::size_t kBlock = 16;
  constexpr std::size_t kWorthwhile = 64;
  if (bytes.size() >= kWorthwhile && CanMultiply()) {
    const auto whole = bytes.size() / kBlock * kBlock;
    crc = ByMultiplying(bytes.data(), whole, crc);
    bytes.remove_prefix(whole);
  }
#endif
  return ~ByTables(bytes.data(), bytes.size(), crc);
}

}  // namespace strata
