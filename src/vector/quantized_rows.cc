#include "vector/quantized_rows.h"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <string_view>

#include "base/encoding.h"

namespace strata::vector {
namespace {

constexpr float kRowMax = 127;
constexpr float kQueryMax = 2047;  // what Kernels::dot_rows allows
constexpr float kLowUnits = 256;   // of `low` in one unit of `high`
constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

float LargestMagnitude(std::span<const float> values) {
  float largest = 0;
  for (float value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

std::size_t RoundUp(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

std::string_view Bytes(const void* data, std::size_t size) {
  return {static_cast<const char*>(data), size};
}

}  // namespace

QuantizedRows::QuantizedRows(std::size_t dimensions)
    : dimensions_(dimensions), stride_(RoundUp(dimensions, 32)), kernels_(BestKernels()) {}

// The planes of a slab lie one after the other, so that rows of neighbouring blocks share pages.
void QuantizedRows::AddSlab() {
  const bool large = blocks_.size() >= kSlabBlocks;
  const std::size_t count = large ? kSlabBlocks : 1;
  const std::size_t plane = kBlockRows * stride_;
  const std::size_t alignment = large ? kHugePage : kCacheLine;
  const std::size_t bytes = RoundUp(count * (2 * plane + kBlockRows * sizeof(float)), alignment);
  Slab slab{.memory = {}, .bytes = bytes, .blocks = count};
  slab.memory.reset(std::aligned_alloc(alignment, bytes));
  if (!slab.memory) throw std::bad_alloc();
  if (large) ::madvise(slab.memory.get(), bytes, MADV_HUGEPAGE);  // fine when it is refused
  auto* at = static_cast<std::int8_t*>(slab.memory.get());
  // The dimensions that the stride adds are zero in all rows.
  std::memset(at, 0, 2 * count * plane);
  auto* scales = reinterpret_cast<float*>(at + 2 * count * plane);
  for (std::size_t i = 0; i < count; ++i) {
    blocks_.push_back({.high = at + i * plane,
                       .low = at + (count + i) * plane,
                       .scale = scales + i * kBlockRows});
  }
  memory_bytes_ += bytes;
  slabs_.push_back(std::move(slab));
}

void QuantizedRows::DropSlab() {
  blocks_.resize(blocks_.size() - slabs_.back().blocks);
  memory_bytes_ -= slabs_.back().bytes;
  slabs_.pop_back();
}

void QuantizedRows::Append(std::span<const float> row) {
  if (size_ == blocks_.size() * kBlockRows) AddSlab();
  size_ += 1;
  Set(size_ - 1, row);
}

void QuantizedRows::Set(std::size_t slot, std::span<const float> row) {
  Block& block = blocks_[slot / kBlockRows];
  std::size_t at = slot % kBlockRows;
  float scale = LargestMagnitude(row) / kRowMax;
  block.scale[at] = scale;
  std::int8_t* high = block.high + at * stride_;
  std::int8_t* low = block.low + at * stride_;
  for (std::size_t i = 0; i < dimensions_; ++i) {
    // The quotient passes 127 by rounding, and is no number when the row is zero or nearly so.
    float ratio = scale > 0 ? std::clamp(row[i] / scale, -kRowMax, kRowMax) : 0;
    auto units = static_cast<std::int32_t>(std::lrint(ratio * kLowUnits));
    std::int32_t upper = (units + 128) >> 8;
    high[i] = static_cast<std::int8_t>(upper);
    low[i] = static_cast<std::int8_t>(units - upper * 256);
  }
}

void QuantizedRows::Get(std::size_t slot, std::span<float> row) const {
  const std::int8_t* high = High(slot);
  const std::int8_t* low = Low(slot);
  const float unit = Scale(slot) / kLowUnits;
  for (std::size_t i = 0; i < dimensions_; ++i) {
    row[i] = static_cast<float>(high[i] * 256 + low[i]) * unit;
  }
}

void QuantizedRows::RemoveBySwap(std::size_t slot) {
  std::size_t last = size_ - 1;
  Block& to = blocks_[slot / kBlockRows];
  if (slot != last) {
    std::size_t to_byte = slot % kBlockRows * stride_;
    std::memcpy(to.high + to_byte, High(last), stride_);
    std::memcpy(to.low + to_byte, Low(last), stride_);
    to.scale[slot % kBlockRows] = Scale(last);
  }
  size_ = last;
  // One empty block stays, so that adding and removing at an edge does not allocate each time.
  while (!slabs_.empty() &&
         size_ + kBlockRows <= (blocks_.size() - slabs_.back().blocks) * kBlockRows) {
    DropSlab();
  }
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
  float sum = kernels_.dot_planes(query.exact.data(), High(slot), Low(slot), dimensions_);
  return sum * (Scale(slot) / kLowUnits);
}

bool QuantizedRows::SameRough(std::size_t a, std::size_t b) const {
  return Scale(a) == Scale(b) && std::memcmp(High(a), High(b), stride_) == 0;
}

std::uint32_t QuantizedRows::Fingerprint(std::size_t slot) const {
  const float scale = Scale(slot);
  std::uint64_t hash = Hash64(Bytes(&scale, sizeof(scale)));
  hash = Hash64(Bytes(High(slot), dimensions_), hash);
  hash = Hash64(Bytes(Low(slot), dimensions_), hash);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

}  // namespace strata::vector
