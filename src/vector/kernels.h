#pragma once
// Distance kernels, chosen once at start by what the processor has: AVX-512, AVX2 with FMA, SSE4.1,
// or portable C++. Integer kernels give the same result everywhere; float kernels differ in the
// last bits (order of additions).

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace strata::vector {

struct Kernels {
  std::string_view name;  // "avx512", "avx2", "sse4.1", "portable"
  // Σ a[i] × b[i].
  float (*dot_float)(const float* a, const float* b, std::size_t size);
  // Σ query[i] × row[i], exact. |query[i]| ≤ 2047 and size ≤ 8192, so that 32 bits hold the sum.
  std::int32_t (*dot_rows)(const std::int16_t* query, const std::int8_t* row, std::size_t size);
  // Σ a[i] × b[i], exact. size ≤ 65536.
  std::int32_t (*dot_bytes)(const std::int8_t* a, const std::int8_t* b, std::size_t size);
  // Σ query[i] × (256 × high[i] + low[i]).
  float (*dot_planes)(const float* query, const std::int8_t* high, const std::int8_t* low,
                      std::size_t size);
};

// The best this processor runs.
const Kernels& BestKernels();
// All that this processor runs, the best first, portable last: for tests and benchmarks.
std::span<const Kernels> RunnableKernels();

inline float Dot(std::span<const float> a, std::span<const float> b) {
  return BestKernels().dot_float(a.data(), b.data(), a.size());
}

// Scales `row` to length 1; leaves a row of zeros as it is.
void Normalize(std::span<float> row);

}  // namespace strata::vector
