#pragma once
// Blocks of up to 128 integers of equal width, one after the other bit by bit, the lowest bit
// first. Unpacking is chosen once at start by what the processor has: AVX2 or portable C++; both
// give the same values.
//
// With AVX2 a byte shuffle brings eight values to their lanes, and a shift by lane and a mask cut
// them out, after Lemire, Boytsov 2015, Decoding billions of integers per second through
// vectorization, for values that lie one after the other instead of interleaved.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace strata::knowledge::lexical {

constexpr std::size_t kBlockPostings = 128;
// Bytes that must be readable behind packed values: a value is read eight bytes at a time.
constexpr std::size_t kUnpackSlack = 8;

constexpr std::size_t PackedBytes(std::size_t count, unsigned bits) {
  return (count * bits + 7) / 8;
}

// Values below 2^bits; bits ≤ 32.
void PackBits(std::span<const std::uint32_t> values, unsigned bits, std::string& out);

// Where packed values lie. `readable`: bytes from `in` on that may be read, those of the values and
// kUnpackSlack at least.
struct PackedBits {
  const char* in = nullptr;
  unsigned bits = 0;  // ≤ 32
  std::size_t count = 0;
  std::size_t readable = 0;

  std::uint32_t At(std::size_t i) const {
    const std::size_t bit = i * bits;
    std::uint64_t word;
    std::memcpy(&word, in + bit / 8, sizeof(word));
    return static_cast<std::uint32_t>(word >> bit % 8 & ((std::uint64_t{1} << bits) - 1));
  }
};

struct BlockKernels {
  std::string_view name;  // "avx2", "portable"
  // The values, each plus `plus`. `out` has room for kBlockPostings; what lies behind `count` is
  // left undefined.
  void (*unpack)(const PackedBits& packed, std::uint32_t plus, std::uint32_t* out);
  // Σ (value + 1) up to each, from `before` on (2^32 − 1: from 0): documents from their gaps − 1.
  // Returns whether no sum was 2^32 or more.
  bool (*unpack_sums)(const PackedBits& packed, std::uint32_t before, std::uint32_t* out);
  // How many of kBlockPostings values are below `target`, all of them below 2^31.
  std::size_t (*count_below)(const std::uint32_t* values, std::uint32_t target);
};

const BlockKernels& BestBlockKernels();
// All that this processor runs, the best first, portable last: for tests.
std::span<const BlockKernels> RunnableBlockKernels();

}  // namespace strata::knowledge::lexical
