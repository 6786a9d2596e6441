#include "knowledge/lexical/block_codec.h"

#include <array>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace strata::knowledge::lexical {
namespace {

void UnpackPortable(const PackedBits& packed, std::uint32_t plus, std::uint32_t* out) {
  for (std::size_t i = 0; i < packed.count; ++i) out[i] = packed.At(i) + plus;
}

bool UnpackSumsPortable(const PackedBits& packed, std::uint32_t before, std::uint32_t* out) {
  std::uint64_t next = static_cast<std::uint32_t>(before + 1);
  for (std::size_t i = 0; i < packed.count; ++i) {
    next += packed.At(i);
    out[i] = static_cast<std::uint32_t>(next);
    next += 1;
  }
  return next <= std::uint64_t{1} << 32;
}

std::size_t CountBelowPortable(const std::uint32_t* values, std::uint32_t target) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < kBlockPostings; ++i) count += values[i] < target ? 1 : 0;
  return count;
}

#if defined(__x86_64__)

#define STRATA_AVX2 __attribute__((target("avx2")))

// Up to this many bits a value lies within the four bytes that its first bit is in, and 128 sums
// from a document on (at most 2^26, segment.h) stay below 2^32.
constexpr unsigned kShuffledBitsMax = 24;

// For eight values of some width: which bytes go to which lane, and how far each is shifted then.
// The values of the upper half begin in byte 4 × bits / 8.
struct alignas(32) Lanes {
  std::array<std::uint8_t, 32> bytes = {};
  std::array<std::uint32_t, 8> shifts = {};
};

constexpr std::array<Lanes, kShuffledBitsMax + 1> MakeLanes() {
  std::array<Lanes, kShuffledBitsMax + 1> all = {};
  for (unsigned bits = 0; bits <= kShuffledBitsMax; ++bits) {
    for (unsigned lane = 0; lane < 8; ++lane) {
      const unsigned first = lane < 4 ? lane * bits : lane * bits - 4 * bits / 8 * 8;
      for (unsigned byte = 0; byte < 4; ++byte) {
        all[bits].bytes[4 * lane + byte] = static_cast<std::uint8_t>(first / 8 + byte);
      }
      all[bits].shifts[lane] = first % 8;
    }
  }
  return all;
}

constexpr std::array<Lanes, kShuffledBitsMax + 1> kLanes = MakeLanes();

class Shuffler {
 public:
  STRATA_AVX2 explicit Shuffler(unsigned bits)
      : bytes_(Load(kLanes[bits].bytes.data())),
        shifts_(Load(kLanes[bits].shifts.data())),
        mask_(_mm256_set1_epi32(static_cast<int>((std::uint32_t{1} << bits) - 1))),
        upper_(4 * bits / 8) {}

  STRATA_AVX2 __m256i Eight(const char* in) const {
    const auto low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
    const auto high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + upper_));
    const auto lanes = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), bytes_);
    return _mm256_and_si256(_mm256_srlv_epi32(lanes, shifts_), mask_);
  }

  // Whether all that is read for these values may be.
  static bool Fits(const PackedBits& packed) {
    if (packed.bits > kShuffledBitsMax || packed.count == 0) return false;
    const std::size_t last = (packed.count - 1) / 8 * packed.bits + 4 * packed.bits / 8;
    return last + sizeof(__m128i) <= packed.readable;
  }

 private:
  STRATA_AVX2 static __m256i Load(const void* from) {
    return _mm256_load_si256(static_cast<const __m256i*>(from));
  }

  const __m256i bytes_;
  const __m256i shifts_;
  const __m256i mask_;
  const std::size_t upper_;
};

STRATA_AVX2 void UnpackAvx2(const PackedBits& packed, std::uint32_t plus, std::uint32_t* out) {
  if (!Shuffler::Fits(packed)) return UnpackPortable(packed, plus, out);
  const Shuffler shuffler(packed.bits);
  const auto add = _mm256_set1_epi32(static_cast<int>(plus));
  const char* in = packed.in;
  for (std::size_t i = 0; i < packed.count; i += 8, in += packed.bits) {
    const auto values = _mm256_add_epi32(shuffler.Eight(in), add);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), values);
  }
}

STRATA_AVX2 bool UnpackSumsAvx2(const PackedBits& packed, std::uint32_t before,
                                std::uint32_t* out) {
  // A sum may only run over where the portable code says so.
  if (!Shuffler::Fits(packed) || before + 1 > std::uint32_t{1} << 30) {
    return UnpackSumsPortable(packed, before, out);
  }
  const Shuffler shuffler(packed.bits);
  const auto one = _mm256_set1_epi32(1);
  const auto fourth = _mm256_set1_epi32(3);
  const auto last = _mm256_set1_epi32(7);
  auto sum = _mm256_set1_epi32(static_cast<int>(before));
  const char* in = packed.in;
  for (std::size_t i = 0; i < packed.count; i += 8, in += packed.bits) {
    auto values = _mm256_add_epi32(shuffler.Eight(in), one);
    values = _mm256_add_epi32(values, _mm256_slli_si256(values, 4));
    values = _mm256_add_epi32(values, _mm256_slli_si256(values, 8));
    // The upper half lacks the lower one's sum.
    const auto carry = _mm256_permutevar8x32_epi32(values, fourth);
    values = _mm256_add_epi32(values, _mm256_blend_epi32(_mm256_setzero_si256(), carry, 0xF0));
    sum = _mm256_add_epi32(sum, values);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), sum);
    sum = _mm256_permutevar8x32_epi32(sum, last);
  }
  return true;
}

STRATA_AVX2 std::size_t CountBelowAvx2(const std::uint32_t* values, std::uint32_t target) {
  const auto limit = _mm256_set1_epi32(static_cast<int>(target));
  auto count = _mm256_setzero_si256();  // of each lane, negative
  for (std::size_t i = 0; i < kBlockPostings; i += 8) {
    const auto eight = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values + i));
    count = _mm256_add_epi32(count, _mm256_cmpgt_epi32(limit, eight));
  }
  auto sum = _mm_add_epi32(_mm256_castsi256_si128(count), _mm256_extracti128_si256(count, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
  return static_cast<std::size_t>(-_mm_cvtsi128_si32(sum));
}

#undef STRATA_AVX2

#endif

// Filled once, best first.
struct Table {
  std::array<BlockKernels, 2> kernels;
  std::size_t size = 0;

  Table() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
      kernels[size++] = {"avx2", UnpackAvx2, UnpackSumsAvx2, CountBelowAvx2};
    }
#endif
    kernels[size++] = {"portable", UnpackPortable, UnpackSumsPortable, CountBelowPortable};
  }
};

const Table& KernelTable() {
  static const Table table;
  return table;
}

}  // namespace

void PackBits(std::span<const std::uint32_t> values, unsigned bits, std::string& out) {
  std::uint64_t pending = 0;
  unsigned filled = 0;
  for (std::uint32_t value : values) {
    pending |= static_cast<std::uint64_t>(value) << filled;
    for (filled += bits; filled >= 8; filled -= 8) {
      out += static_cast<char>(pending);
      pending >>= 8;
    }
  }
  if (filled > 0) out += static_cast<char>(pending);
}

std::span<const BlockKernels> RunnableBlockKernels() {
  const Table& table = KernelTable();
  return std::span(table.kernels).first(table.size);
}

const BlockKernels& BestBlockKernels() {
  static const BlockKernels& best = RunnableBlockKernels().front();
  return best;
}

}  // namespace strata::knowledge::lexical
