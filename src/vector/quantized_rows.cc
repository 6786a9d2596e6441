#include "vector/quantized_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace strata::vector {
namespace {

constexpr float kRowMax = 127;
constexpr float kQueryMax = 2047;  // what Kernels::dot_rows allows
constexpr float kLowUnits = 256;   // of `low` in one unit of `high`

float LargestMagnitude(std::span<const float> values) {
  float largest = 0;
  for (float value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

}  // namespace

QuantizedRows::QuantizedRows(std::size_t dimensions)
    : dimensions_(dimensions), stride_((dimensions + 31) / 32 * 32), kernels_(BestKernels()) {}

std::size_t QuantizedRows::memory_bytes() const {
  return blocks_.size() * (sizeof(Block) + kBlockRows * (2 * stride_ + sizeof(float)));
}

void QuantizedRows::Append(std::span<const float> row) {
  if (size_ == blocks_.size() * kBlockRows) {
    auto block = std::make_unique<Block>();
    block->high = std::make_unique<std::int8_t[]>(kBlockRows * stride_);
    block->low = std::make_unique<std::int8_t[]>(kBlockRows * stride_);
    block->scale = std::make_unique<float[]>(kBlockRows);
    blocks_.push_back(std::move(block));
  }
  size_ += 1;
  Set(size_ - 1, row);
}

void QuantizedRows::Set(std::size_t slot, std::span<const float> row) {
  Block& block = *blocks_[slot / kBlockRows];
  std::size_t at = slot % kBlockRows;
  float scale = LargestMagnitude(row) / kRowMax;
  block.scale[at] = scale;
  std::int8_t* high = block.high.get() + at * stride_;
  std::int8_t* low = block.low.get() + at * stride_;
  for (std::size_t i = 0; i < dimensions_; ++i) {
    // The quotient passes 127 by rounding, and is no number when the row is zero or nearly so.
    float ratio = scale > 0 ? std::clamp(row[i] / scale, -kRowMax, kRowMax) : 0;
    auto units = static_cast<std::int32_t>(std::lrint(ratio * kLowUnits));
    std::int32_t upper = (units + 128) >> 8;
    high[i] = static_cast<std::int8_t>(upper);
    low[i] = static_cast<std::int8_t>(units - upper * 256);
  }
}

void QuantizedRows::RemoveBySwap(std::size_t slot) {
  std::size_t last = size_ - 1;
  Block& to = *blocks_[slot / kBlockRows];
  const Block& from = *blocks_[last / kBlockRows];
  if (slot != last) {
    std::size_t to_byte = slot % kBlockRows * stride_;
    std::size_t from_byte = last % kBlockRows * stride_;
    std::memcpy(to.high.get() + to_byte, from.high.get() + from_byte, stride_);
    std::memcpy(to.low.get() + to_byte, from.low.get() + from_byte, stride_);
    to.scale[slot % kBlockRows] = from.scale[last % kBlockRows];
  }
  size_ = last;
  // One empty block stays, so that adding and removing at an edge does not allocate each time.
  if (size_ + 2 * kBlockRows <= blocks_.size() * kBlockRows) blocks_.pop_back();
}

QuantizedQuery QuantizedRows::Prepare(std::span<const float> query) const {
  QuantizedQuery prepared;
  prepared.exact.assign(query.begin(), query.end());
  prepared.values.assign(stride_, 0);
  prepared.scale = LargestMagnitude(query) / kQueryMax;
  if (prepared.scale <= 0) return prepared;
  for (std::size_t i = 0; i < query.size(); ++i) {
    float ratio = std::clamp(query[i] / prepared.scale, -kQueryMax, kQueryMax);
    prepared.values[i] = static_cast<std::int16_t>(std::lrint(ratio));
  }
  return prepared;
}

float QuantizedRows::FineScore(const QuantizedQuery& query, std::size_t slot) const {
  const Block& block = *blocks_[slot / kBlockRows];
  std::size_t row = slot % kBlockRows;
  const std::int8_t* high = block.high.get() + row * stride_;
  const std::int8_t* low = block.low.get() + row * stride_;
  double sum = 0;
  for (std::size_t i = 0; i < dimensions_; ++i) {
    sum += static_cast<double>(query.exact[i]) * (high[i] * 256 + low[i]);
  }
  return static_cast<float>(sum * (block.scale[row] / kLowUnits));
}

}  // namespace strata::vector
