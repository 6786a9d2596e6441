#include "vector/kernels.h"

#include <array>
#include <cmath>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace strata::vector {
namespace {

float DotFloatPortable(const float* a, const float* b, std::size_t size) {
  std::array<float, 8> sums = {};
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  float sum = 0;
  for (; i < size; ++i) sum += a[i] * b[i];
  for (float lane : sums) sum += lane;
  return sum;
}

std::int32_t DotRowsPortable(const std::int16_t* query, const std::int8_t* row, std::size_t size) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += query[i] * row[i];
  return sum;
}

std::int32_t DotBytesPortable(const std::int8_t* a, const std::int8_t* b, std::size_t size) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

float DotPlanesPortable(const float* query, const std::int8_t* high, const std::int8_t* low,
                        std::size_t size) {
  std::array<float, 8> sums = {};
  std::size_t i = 0;
  auto value = [&](std::size_t at) { return static_cast<float>(high[at] * 256 + low[at]); };
  for (; i + 8 <= size; i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) sums[lane] += query[i + lane] * value(i + lane);
  }
  float sum = 0;
  for (; i < size; ++i) sum += query[i] * value(i);
  for (float lane : sums) sum += lane;
  return sum;
}

#if defined(__x86_64__)

__attribute__((target("sse4.1"))) float DotFloatSse(const float* a, const float* b,
                                                    std::size_t size) {
  __m128 sums0 = _mm_setzero_ps();
  __m128 sums1 = _mm_setzero_ps();
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    sums0 = _mm_add_ps(sums0, _mm_mul_ps(_mm_loadu_ps(a + i), _mm_loadu_ps(b + i)));
    sums1 = _mm_add_ps(sums1, _mm_mul_ps(_mm_loadu_ps(a + i + 4), _mm_loadu_ps(b + i + 4)));
  }
  alignas(16) std::array<float, 4> lanes;
  _mm_store_ps(lanes.data(), _mm_add_ps(sums0, sums1));
  float sum = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
  for (; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

__attribute__((target("sse4.1"))) std::int32_t DotRowsSse(const std::int16_t* query,
                                                          const std::int8_t* row,
                                                          std::size_t size) {
  __m128i sums = _mm_setzero_si128();
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    __m128i wide = _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(row + i)));
    __m128i factor = _mm_loadu_si128(reinterpret_cast<const __m128i*>(query + i));
    sums = _mm_add_epi32(sums, _mm_madd_epi16(wide, factor));
  }
  alignas(16) std::array<std::int32_t, 4> lanes;
  _mm_store_si128(reinterpret_cast<__m128i*>(lanes.data()), sums);
  std::int32_t sum = lanes[0] + lanes[1] + lanes[2] + lanes[3];
  for (; i < size; ++i) sum += query[i] * row[i];
  return sum;
}

__attribute__((target("sse4.1"))) std::int32_t DotBytesSse(const std::int8_t* a,
                                                           const std::int8_t* b, std::size_t size) {
  __m128i sums = _mm_setzero_si128();
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    __m128i left = _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(a + i)));
    __m128i right = _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(b + i)));
    sums = _mm_add_epi32(sums, _mm_madd_epi16(left, right));
  }
  alignas(16) std::array<std::int32_t, 4> lanes;
  _mm_store_si128(reinterpret_cast<__m128i*>(lanes.data()), sums);
  std::int32_t sum = lanes[0] + lanes[1] + lanes[2] + lanes[3];
  for (; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

__attribute__((target("avx2,fma"))) float DotFloatAvx2(const float* a, const float* b,
                                                       std::size_t size) {
  __m256 sums0 = _mm256_setzero_ps();
  __m256 sums1 = _mm256_setzero_ps();
  std::size_t i = 0;
  for (; i + 16 <= size; i += 16) {
    sums0 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), sums0);
    sums1 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), sums1);
  }
  alignas(32) std::array<float, 8> lanes;
  _mm256_store_ps(lanes.data(), _mm256_add_ps(sums0, sums1));
  float sum = 0;
  for (float lane : lanes) sum += lane;
  for (; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

__attribute__((target("avx2,fma"))) std::int32_t DotRowsAvx2(const std::int16_t* query,
                                                             const std::int8_t* row,
                                                             std::size_t size) {
  __m256i sums0 = _mm256_setzero_si256();
  __m256i sums1 = _mm256_setzero_si256();
  std::size_t i = 0;
  for (; i + 32 <= size; i += 32) {
    auto* bytes = reinterpret_cast<const __m128i*>(row + i);
    auto* words = reinterpret_cast<const __m256i*>(query + i);
    __m256i wide0 = _mm256_cvtepi8_epi16(_mm_loadu_si128(bytes));
    __m256i wide1 = _mm256_cvtepi8_epi16(_mm_loadu_si128(bytes + 1));
    sums0 = _mm256_add_epi32(sums0, _mm256_madd_epi16(wide0, _mm256_loadu_si256(words)));
    sums1 = _mm256_add_epi32(sums1, _mm256_madd_epi16(wide1, _mm256_loadu_si256(words + 1)));
  }
  alignas(32) std::array<std::int32_t, 8> lanes;
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes.data()), _mm256_add_epi32(sums0, sums1));
  std::int32_t sum = 0;
  for (std::int32_t lane : lanes) sum += lane;
  for (; i < size; ++i) sum += query[i] * row[i];
  return sum;
}

__attribute__((target("avx2,fma"))) std::int32_t DotBytesAvx2(const std::int8_t* a,
                                                              const std::int8_t* b,
                                                              std::size_t size) {
  __m256i sums = _mm256_setzero_si256();
  std::size_t i = 0;
  for (; i + 16 <= size; i += 16) {
    __m256i left = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i)));
    __m256i right = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b + i)));
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(left, right));
  }
  alignas(32) std::array<std::int32_t, 8> lanes;
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes.data()), sums);
  std::int32_t sum = 0;
  for (std::int32_t lane : lanes) sum += lane;
  for (; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

__attribute__((target("avx2,fma"))) float DotPlanesAvx2(const float* query, const std::int8_t* high,
                                                        const std::int8_t* low, std::size_t size) {
  __m256 sums = _mm256_setzero_ps();
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    __m256i upper =
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(high + i)));
    __m256i lower =
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(low + i)));
    __m256i both = _mm256_add_epi32(_mm256_slli_epi32(upper, 8), lower);
    sums = _mm256_fmadd_ps(_mm256_loadu_ps(query + i), _mm256_cvtepi32_ps(both), sums);
  }
  alignas(32) std::array<float, 8> lanes;
  _mm256_store_ps(lanes.data(), sums);
  float sum = 0;
  for (float lane : lanes) sum += lane;
  for (; i < size; ++i) sum += query[i] * static_cast<float>(high[i] * 256 + low[i]);
  return sum;
}

__attribute__((target("avx512f,avx512bw"))) float DotFloatAvx512(const float* a, const float* b,
                                                                 std::size_t size) {
  // Four sums, so that an addition does not wait for the one before.
  __m512 sums0 = _mm512_setzero_ps();
  __m512 sums1 = sums0;
  __m512 sums2 = sums0;
  __m512 sums3 = sums0;
  std::size_t i = 0;
  for (; i + 64 <= size; i += 64) {
    sums0 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), sums0);
    sums1 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16), sums1);
    sums2 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 32), _mm512_loadu_ps(b + i + 32), sums2);
    sums3 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 48), _mm512_loadu_ps(b + i + 48), sums3);
  }
  for (; i + 16 <= size; i += 16) {
    sums0 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), sums0);
  }
  float sum =
      _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sums0, sums1), _mm512_add_ps(sums2, sums3)));
  for (; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

__attribute__((target("avx512f,avx512bw"))) std::int32_t DotRowsAvx512(const std::int16_t* query,
                                                                       const std::int8_t* row,
                                                                       std::size_t size) {
  __m512i sums = _mm512_setzero_si512();
  std::size_t i = 0;
  for (; i + 32 <= size; i += 32) {
    __m512i wide =
        _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + i)));
    sums = _mm512_add_epi32(sums, _mm512_madd_epi16(wide, _mm512_loadu_si512(query + i)));
  }
  std::int32_t sum = _mm512_reduce_add_epi32(sums);
  for (; i < size; ++i) sum += query[i] * row[i];
  return sum;
}

__attribute__((target("avx512f,avx512bw"))) std::int32_t DotBytesAvx512(const std::int8_t* a,
                                                                        const std::int8_t* b,
                                                                        std::size_t size) {
  __m512i sums = _mm512_setzero_si512();
  std::size_t i = 0;
  for (; i + 32 <= size; i += 32) {
    __m512i left =
        _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i)));
    __m512i right =
        _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + i)));
    sums = _mm512_add_epi32(sums, _mm512_madd_epi16(left, right));
  }
  std::int32_t sum = _mm512_reduce_add_epi32(sums);
  for (; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

__attribute__((target("avx512f,avx512bw"))) float DotPlanesAvx512(const float* query,
                                                                  const std::int8_t* high,
                                                                  const std::int8_t* low,
                                                                  std::size_t size) {
  __m512 sums = _mm512_setzero_ps();
  std::size_t i = 0;
  for (; i + 16 <= size; i += 16) {
    __m512i upper =
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(high + i)));
    __m512i lower =
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(low + i)));
    __m512i both = _mm512_add_epi32(_mm512_slli_epi32(upper, 8), lower);
    sums = _mm512_fmadd_ps(_mm512_loadu_ps(query + i), _mm512_cvtepi32_ps(both), sums);
  }
  float sum = _mm512_reduce_add_ps(sums);
  for (; i < size; ++i) sum += query[i] * static_cast<float>(high[i] * 256 + low[i]);
  return sum;
}

#endif

// Filled once, best first.
struct Table {
  std::array<Kernels, 4> kernels;
  std::size_t size = 0;

  Table() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) {
      kernels[size++] = {"avx512", DotFloatAvx512, DotRowsAvx512, DotBytesAvx512, DotPlanesAvx512};
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      kernels[size++] = {"avx2", DotFloatAvx2, DotRowsAvx2, DotBytesAvx2, DotPlanesAvx2};
    }
    if (__builtin_cpu_supports("sse4.1")) {
      kernels[size++] = {"sse4.1", DotFloatSse, DotRowsSse, DotBytesSse, DotPlanesPortable};
    }
#endif
    kernels[size++] = {"portable", DotFloatPortable, DotRowsPortable, DotBytesPortable,
                       DotPlanesPortable};
  }
};

const Table& KernelTable() {
  static const Table table;
  return table;
}

}  // namespace

std::span<const Kernels> RunnableKernels() {
  const Table& table = KernelTable();
  return std::span(table.kernels).first(table.size);
}

const Kernels& BestKernels() {
  static const Kernels& best = RunnableKernels().front();
  return best;
}

void Normalize(std::span<float> row) {
  double squares = 0;
  for (float value : row) squares += static_cast<double>(value) * value;
  if (squares <= 0) return;
  auto factor = static_cast<float>(1.0 / std::sqrt(squares));
  for (float& value : row) value *= factor;
}

}  // namespace strata::vector
