#pragma once
// The inner loop of a scan over one-bit codes (vector/bit_codes.h), chosen once at start by what
// the processor has: AVX-512, AVX2 or portable C++. All give the same sums.
//
// A table lookup in registers, after Quicker ADC and the fast scan of FAISS (André, Kermarrec and
// Le Scouarnec, PAMI 2019): four bits of a row choose one of the 16 sums that they can have with
// the query, and one instruction looks up 16 to 64 rows' sums.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace strata::vector {

// Rows of a block: what the kernels work on at a time.
inline constexpr std::size_t kCodeBlockRows = 32;
// Groups of four bits are padded to a multiple of this.
inline constexpr std::size_t kCodeGroupsUnit = 8;
// Bytes of a block's codes for one group: byte j has row j in its lower half, row j + 16 above.
inline constexpr std::size_t kCodeGroupBytes = 16;
// Most that an entry of the table may be: eight of them fit a byte.
inline constexpr std::uint8_t kCodeEntryMax = 31;
// Most groups, so that a sum fits 16 bits.
inline constexpr std::size_t kCodeGroupsMax = 65535 / kCodeEntryMax / kCodeGroupsUnit * 8;

// estimate = base + factor of the row × (bias + step × sum of the row)
struct CodeScale {
  float bias = 0;
  float step = 0;
  float base = 0;
};

struct CodeKernels {
  std::string_view name;  // "avx512", "avx2", "portable"
  // Sums of the 32 rows of a block: Σ over groups of table[16 × group + bits of the row].
  // `codes`: groups × kCodeGroupBytes; `table`: groups × 16 entries ≤ kCodeEntryMax; neither needs
  // alignment; groups: a multiple of kCodeGroupsUnit, at most kCodeGroupsMax.
  void (*sum_block)(const std::uint8_t* codes, const std::uint8_t* table, std::size_t groups,
                    std::uint16_t* sums);
  // Bit j: the estimate of row j, of 32, is at least `threshold`; it goes to `estimates`. A factor
  // that is not a number never passes.
  std::uint32_t (*pass_block)(const std::uint16_t* sums, const float* factors, CodeScale scale,
                              float threshold, float* estimates);
};

const CodeKernels& BestCodeKernels();
// All that this processor runs, the best first, portable last: for tests and benchmarks.
std::span<const CodeKernels> RunnableCodeKernels();

}  // namespace strata::vector
