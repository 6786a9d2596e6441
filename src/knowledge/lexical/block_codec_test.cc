#include "knowledge/lexical/block_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "base/rng.h"

namespace strata::knowledge::lexical {
namespace {

using Block = std::array<std::uint32_t, kBlockPostings>;

std::uint32_t Largest(unsigned bits) {
  return static_cast<std::uint32_t>((std::uint64_t{1} << bits) - 1);
}

std::vector<std::uint32_t> RandomValues(Rng& rng, std::size_t count, unsigned bits) {
  std::vector<std::uint32_t> values(count);
  for (auto& value : values) {
    value = rng.Below(4) == 0 ? Largest(bits)
                              : static_cast<std::uint32_t>(rng.Below(std::uint64_t{1} << bits));
  }
  return values;
}

// Packed values in memory that ends `slack` bytes behind them, so that a sanitizer sees what reads
// on.
struct Packed {
  std::unique_ptr<char[]> bytes;
  PackedBits packed;

  Packed(std::span<const std::uint32_t> values, unsigned bits, std::size_t slack) {
    std::string text;
    PackBits(values, bits, text);
    EXPECT_EQ(text.size(), PackedBytes(values.size(), bits));
    text.append(slack, '\x5A');
    bytes = std::make_unique<char[]>(text.size());
    text.copy(bytes.get(), text.size());
    packed = {.in = bytes.get(), .bits = bits, .count = values.size(), .readable = text.size()};
  }
};

TEST(BlockCodec, EveryKernelUnpacksEveryWidthAndCount) {
  Rng rng(3);
  for (const auto& kernels : RunnableBlockKernels()) {
    for (unsigned bits = 0; bits <= 32; ++bits) {
      for (std::size_t count = 0; count <= kBlockPostings; count += 1 + rng.Below(5)) {
        const auto values = RandomValues(rng, count, bits);
        const Packed in(values, bits, kUnpackSlack + rng.Below(30));
        Block out = {};
        kernels.unpack(in.packed, 7, out.data());
        for (std::size_t i = 0; i < count; ++i) {
          ASSERT_EQ(out[i], values[i] + 7) << kernels.name << ", " << bits << " bits, " << count;
          ASSERT_EQ(in.packed.At(i), values[i]);
        }
      }
    }
  }
}

TEST(BlockCodec, SumsAreThoseOfGapsAndSayWhenTheyRunOver) {
  Rng rng(4);
  for (const auto& kernels : RunnableBlockKernels()) {
    for (unsigned bits = 0; bits <= 32; ++bits) {
      for (const std::uint32_t before : {0xFFFFFFFFU, 0U, 5U, 1U << 26, 1U << 31, 0xFFFFFF00U}) {
        const auto values = RandomValues(rng, 1 + rng.Below(kBlockPostings), bits);
        const Packed in(values, bits, kUnpackSlack + rng.Below(30));
        Block out = {};
        const bool sure = kernels.unpack_sums(in.packed, before, out.data());
        std::uint64_t sum = before == 0xFFFFFFFF ? 0 : std::uint64_t{before} + 1;
        for (std::size_t i = 0; i < values.size(); ++i) {
          sum += values[i];
          if (sum <= 0xFFFFFFFF) ASSERT_EQ(out[i], sum) << kernels.name << ", " << bits << " bits";
          sum += 1;
        }
        ASSERT_EQ(sure, sum <= std::uint64_t{1} << 32) << kernels.name << ", " << bits << " bits";
      }
    }
  }
}

TEST(BlockCodec, CountsTheValuesBelowATarget) {
  Rng rng(5);
  Block values;
  for (auto& value : values) value = static_cast<std::uint32_t>(rng.Below(1U << 31));
  std::ranges::sort(values);
  for (const auto& kernels : RunnableBlockKernels()) {
    EXPECT_EQ(kernels.count_below(values.data(), 0), 0U);
    EXPECT_EQ(kernels.count_below(values.data(), (1U << 31) - 1), kBlockPostings);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(kernels.count_below(values.data(), values[i]), i) << kernels.name;
    }
  }
}

}  // namespace
}  // namespace strata::knowledge::lexical
