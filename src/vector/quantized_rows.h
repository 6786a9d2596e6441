#pragma once
// Rows of 16-bit integers in two planes of 8 bits, in blocks, so that growing copies nothing.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "vector/kernels.h"

namespace strata::vector {

// A query made ready for scans: 12-bit integers, padded with zeros to the stride of the rows.
struct QuantizedQuery {
  std::vector<std::int16_t> values;
  std::vector<float> exact;
  float scale = 0;
};

// Not thread-safe.
class QuantizedRows {
 public:
  explicit QuantizedRows(std::size_t dimensions);

  std::size_t size() const { return size_; }
  std::size_t memory_bytes() const;
  // `row` must be finite.
  void Append(std::span<const float> row);
  void Set(std::size_t slot, std::span<const float> row);
  // Moves the last row into `slot` and drops the last.
  void RemoveBySwap(std::size_t slot);

  QuantizedQuery Prepare(std::span<const float> query) const;
  // Dot product from the upper 8 bits.
  float RoughScore(const QuantizedQuery& query, std::size_t slot) const {
    const Block& block = *blocks_[slot / kBlockRows];
    std::size_t row = slot % kBlockRows;
    std::int32_t sum =
        kernels_.dot_rows(query.values.data(), block.high.get() + row * stride_, stride_);
    return static_cast<float>(sum) * (block.scale[row] * query.scale);
  }
  // Dot product from all 16 bits and the exact query.
  float FineScore(const QuantizedQuery& query, std::size_t slot) const;

 private:
  static constexpr std::size_t kBlockRows = 1024;
  struct Block {
    std::unique_ptr<std::int8_t[]> high;
    std::unique_ptr<std::int8_t[]> low;
    std::unique_ptr<float[]> scale;
  };

  const std::size_t dimensions_;
  const std::size_t stride_;  // dimensions, rounded up to 32
  const Kernels& kernels_;
  std::size_t size_ = 0;
  std::vector<std::unique_ptr<Block>> blocks_;
};

}  // namespace strata::vector
