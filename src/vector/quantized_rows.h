#pragma once
// Rows of 16-bit integers in two planes of 8 bits, in blocks, so that growing copies nothing.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
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

// Not thread-safe; const methods are safe beside each other.
class QuantizedRows {
 public:
  explicit QuantizedRows(std::size_t dimensions);

  std::size_t size() const { return size_; }
  std::size_t dimensions() const { return dimensions_; }
  std::size_t memory_bytes() const { return memory_bytes_; }
  // `row` must be finite.
  void Append(std::span<const float> row);
  void Set(std::size_t slot, std::span<const float> row);
  // The row as it is kept, at 16 bits.
  void Get(std::size_t slot, std::span<float> row) const;
  // Moves the last row into `slot` and drops the last.
  void RemoveBySwap(std::size_t slot);

  QuantizedQuery Prepare(std::span<const float> query) const;
  // Dot product from the upper 8 bits.
  float RoughScore(const QuantizedQuery& query, std::size_t slot) const {
    const Block& block = blocks_[slot / kBlockRows];
    std::size_t row = slot % kBlockRows;
    std::int32_t sum = kernels_.dot_rows(query.values.data(), block.high + row * stride_, stride_);
    return static_cast<float>(sum) * (block.scale[row] * query.scale);
  }
  // Dot product of two rows from the upper 8 bits of both.
  float RowScore(std::size_t a, std::size_t b) const {
    std::int32_t sum = kernels_.dot_bytes(High(a), High(b), stride_);
    return static_cast<float>(sum) * (Scale(a) * Scale(b));
  }
  // Dot product from all 16 bits and the exact query.
  float FineScore(const QuantizedQuery& query, std::size_t slot) const;
  // The upper 8 bits and the scale of both are the same, and so every rough score.
  bool SameRough(std::size_t a, std::size_t b) const;
  // Of all that is stored of the row.
  std::uint32_t Fingerprint(std::size_t slot) const;
  // Asks the processor to load the upper bits of a row that will be scored soon.
  void Prefetch(std::size_t slot) const {
    const std::int8_t* row = High(slot);
    for (std::size_t byte = 0; byte < stride_; byte += 64) __builtin_prefetch(row + byte);
  }

 private:
  static constexpr std::size_t kBlockRows = 1024;
  static constexpr std::size_t kSlabBlocks = 16;
  struct Freed {
    void operator()(void* memory) const { std::free(memory); }
  };
  // The memory of one block, or of kSlabBlocks once there are as many: large enough for huge pages,
  // without which a search through a graph waits for page tables half of its time.
  struct Slab {
    std::unique_ptr<void, Freed> memory;
    std::size_t bytes = 0;
    std::size_t blocks = 0;
  };
  struct Block {
    std::int8_t* high = nullptr;
    std::int8_t* low = nullptr;
    float* scale = nullptr;
  };

  const std::int8_t* High(std::size_t slot) const {
    return blocks_[slot / kBlockRows].high + slot % kBlockRows * stride_;
  }
  const std::int8_t* Low(std::size_t slot) const {
    return blocks_[slot / kBlockRows].low + slot % kBlockRows * stride_;
  }
  float Scale(std::size_t slot) const {
    return blocks_[slot / kBlockRows].scale[slot % kBlockRows];
  }
  void AddSlab();
  void DropSlab();

  const std::size_t dimensions_;
  const std::size_t stride_;  // dimensions, rounded up to 32
  const Kernels& kernels_;
  std::size_t size_ = 0;
  std::size_t memory_bytes_ = 0;
  std::vector<Block> blocks_;
  std::vector<Slab> slabs_;
};

}  // namespace strata::vector
