#include "vector/code_kernels.h"

#include <array>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace strata::vector {
namespace {

void SumBlockPortable(const std::uint8_t* codes, const std::uint8_t* table, std::size_t groups,
                      std::uint16_t* sums) {
  std::array<std::uint16_t, kCodeBlockRows> out = {};
  for (std::size_t group = 0; group < groups; ++group) {
    const std::uint8_t* bytes = codes + group * kCodeGroupBytes;
    const std::uint8_t* entries = table + group * 16;
    for (std::size_t j = 0; j < kCodeGroupBytes; ++j) {
      out[j] = static_cast<std::uint16_t>(out[j] + entries[bytes[j] & 15]);
      out[j + 16] = static_cast<std::uint16_t>(out[j + 16] + entries[bytes[j] >> 4]);
    }
  }
  for (std::size_t j = 0; j < kCodeBlockRows; ++j) sums[j] = out[j];
}

std::uint32_t PassBlockPortable(const std::uint16_t* sums, const float* factors, CodeScale scale,
                                float threshold, float* estimates) {
  std::uint32_t passing = 0;
  for (std::size_t j = 0; j < kCodeBlockRows; ++j) {
    const float sum = scale.bias + scale.step * static_cast<float>(sums[j]);
    estimates[j] = scale.base + factors[j] * sum;
    passing |= static_cast<std::uint32_t>(estimates[j] >= threshold) << j;
  }
  return passing;
}

#if defined(__x86_64__)

// Sums in bytes become sums in 16 bits: of even rows in `even`, of odd ones in `odd`.
#define STRATA_AVX2 __attribute__((target("avx2,fma")))
#define STRATA_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))

// Rows 0 to 15 (or 16 to 31) from sums of even and of odd rows.
STRATA_AVX2 void StoreRows(__m128i even, __m128i odd, std::uint16_t* sums) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(sums), _mm_unpacklo_epi16(even, odd));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(sums + 8), _mm_unpackhi_epi16(even, odd));
}

STRATA_AVX2 __m128i AddHalves(__m256i sums) {
  return _mm_add_epi16(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
}

STRATA_AVX2 void SumBlockAvx2(const std::uint8_t* codes, const std::uint8_t* table,
                              std::size_t groups, std::uint16_t* sums) {
  const __m256i low_half = _mm256_set1_epi8(15);
  const __m256i low_byte = _mm256_set1_epi16(255);
  __m256i even0 = _mm256_setzero_si256();
  __m256i odd0 = even0;
  __m256i even1 = even0;
  __m256i odd1 = even0;
  std::size_t at = 0;
  const std::size_t end = groups * kCodeGroupBytes;
  while (at < end) {
    // Two groups at a time; eight entries fit a byte, two of which come from a register's halves.
    const std::size_t stop = at + 8 * 32 < end ? at + 8 * 32 : end;
    __m256i bytes0 = _mm256_setzero_si256();
    __m256i bytes1 = bytes0;
    for (; at < stop; at += 32) {
      const __m256i code = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + at));
      const __m256i entries = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(table + at));
      const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(code, 4), low_half);
      bytes0 =
          _mm256_add_epi8(bytes0, _mm256_shuffle_epi8(entries, _mm256_and_si256(code, low_half)));
      bytes1 = _mm256_add_epi8(bytes1, _mm256_shuffle_epi8(entries, upper));
    }
    even0 = _mm256_add_epi16(even0, _mm256_and_si256(bytes0, low_byte));
    odd0 = _mm256_add_epi16(odd0, _mm256_srli_epi16(bytes0, 8));
    even1 = _mm256_add_epi16(even1, _mm256_and_si256(bytes1, low_byte));
    odd1 = _mm256_add_epi16(odd1, _mm256_srli_epi16(bytes1, 8));
  }
  StoreRows(AddHalves(even0), AddHalves(odd0), sums);
  StoreRows(AddHalves(even1), AddHalves(odd1), sums + 16);
}

STRATA_AVX2 std::uint32_t PassBlockAvx2(const std::uint16_t* sums, const float* factors,
                                        CodeScale scale, float threshold, float* estimates) {
  std::uint32_t passing = 0;
  for (std::size_t j = 0; j < kCodeBlockRows; j += 8) {
    const __m256i wide =
        _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(sums + j)));
    const __m256 sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(wide), _mm256_set1_ps(scale.step),
                                       _mm256_set1_ps(scale.bias));
    const __m256 estimate =
        _mm256_fmadd_ps(sum, _mm256_loadu_ps(factors + j), _mm256_set1_ps(scale.base));
    _mm256_storeu_ps(estimates + j, estimate);
    const __m256 passes = _mm256_cmp_ps(estimate, _mm256_set1_ps(threshold), _CMP_GE_OQ);
    passing |= static_cast<std::uint32_t>(_mm256_movemask_ps(passes)) << j;
  }
  return passing;
}

STRATA_AVX512 __m128i AddQuarters(__m512i sums) {
  return AddHalves(
      _mm256_add_epi16(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64(sums, 1)));
}

STRATA_AVX512 void SumBlockAvx512(const std::uint8_t* codes, const std::uint8_t* table,
                                  std::size_t groups, std::uint16_t* sums) {
  const __m512i low_half = _mm512_set1_epi8(15);
  const __m512i low_byte = _mm512_set1_epi16(255);
  __m512i even0 = _mm512_setzero_si512();
  __m512i odd0 = even0;
  __m512i even1 = even0;
  __m512i odd1 = even0;
  std::size_t at = 0;
  const std::size_t end = groups * kCodeGroupBytes;
  while (at < end) {
    const std::size_t stop = at + 8 * 64 < end ? at + 8 * 64 : end;
    __m512i bytes0 = _mm512_setzero_si512();
    __m512i bytes1 = bytes0;
    for (; at < stop; at += 64) {
      const __m512i code = _mm512_loadu_si512(codes + at);
      const __m512i entries = _mm512_loadu_si512(table + at);
      const __m512i upper = _mm512_and_si512(_mm512_srli_epi16(code, 4), low_half);
      bytes0 =
          _mm512_add_epi8(bytes0, _mm512_shuffle_epi8(entries, _mm512_and_si512(code, low_half)));
      bytes1 = _mm512_add_epi8(bytes1, _mm512_shuffle_epi8(entries, upper));
    }
    even0 = _mm512_add_epi16(even0, _mm512_and_si512(bytes0, low_byte));
    odd0 = _mm512_add_epi16(odd0, _mm512_srli_epi16(bytes0, 8));
    even1 = _mm512_add_epi16(even1, _mm512_and_si512(bytes1, low_byte));
    odd1 = _mm512_add_epi16(odd1, _mm512_srli_epi16(bytes1, 8));
  }
  StoreRows(AddQuarters(even0), AddQuarters(odd0), sums);
  StoreRows(AddQuarters(even1), AddQuarters(odd1), sums + 16);
}

STRATA_AVX512 std::uint32_t PassBlockAvx512(const std::uint16_t* sums, const float* factors,
                                            CodeScale scale, float threshold, float* estimates) {
  std::uint32_t passing = 0;
  for (std::size_t j = 0; j < kCodeBlockRows; j += 16) {
    const __m512i wide =
        _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + j)));
    const __m512 sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(wide), _mm512_set1_ps(scale.step),
                                       _mm512_set1_ps(scale.bias));
    const __m512 estimate =
        _mm512_fmadd_ps(sum, _mm512_loadu_ps(factors + j), _mm512_set1_ps(scale.base));
    _mm512_storeu_ps(estimates + j, estimate);
    const auto passes = _mm512_cmp_ps_mask(estimate, _mm512_set1_ps(threshold), _CMP_GE_OQ);
    passing |= static_cast<std::uint32_t>(passes) << j;
  }
  return passing;
}

#undef STRATA_AVX2
#undef STRATA_AVX512

#endif

// Filled once, best first.
struct Table {
  std::array<CodeKernels, 3> kernels;
  std::size_t size = 0;

  Table() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma")) {
      kernels[size++] = {"avx512", SumBlockAvx512, PassBlockAvx512};
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      kernels[size++] = {"avx2", SumBlockAvx2, PassBlockAvx2};
    }
#endif
    kernels[size++] = {"portable", SumBlockPortable, PassBlockPortable};
  }
};

const Table& KernelTable() {
  static const Table table;
  return table;
}

}  // namespace

std::span<const CodeKernels> RunnableCodeKernels() {
  const Table& table = KernelTable();
  return std::span(table.kernels).first(table.size);
}

const CodeKernels& BestCodeKernels() {
  static const CodeKernels& best = RunnableCodeKernels().front();
  return best;
}

}  // namespace strata::vector
