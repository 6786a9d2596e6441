#pragma once
// Quantized rows under the ids that callers know them by: what the indexes share. A row lives in a
// slot. A slot whose row was buried keeps its vector, so that a graph may still lead through it,
// until it is freed for the next row.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "vector/quantized_rows.h"
#include "vector/vector_index.h"

namespace strata::vector {

using Slot = std::uint32_t;

struct ScoredSlot {
  float score = 0;
  Slot slot = 0;
};
// The order of equal scores is the slots', so that nothing depends on the order of work.
inline bool Better(const ScoredSlot& a, const ScoredSlot& b) {
  return a.score != b.score ? a.score > b.score : a.slot < b.slot;
}

// Whether a scan asks the filter before it scores a row, or only when the row would enter the
// result. The second asks less, as long as most rows pass.
enum class FilterOrder : std::uint8_t { kBeforeScore, kAfterScore };

// kInvalidArgument (field `field`) unless all values are finite and there are `expected` of them.
Result<void> CheckValues(std::span<const float> values, std::size_t expected, const char* field);

// Not thread-safe; const methods are safe beside each other.
class IndexedRows {
 public:
  explicit IndexedRows(std::size_t dimensions) : rows_(dimensions) {}

  const QuantizedRows& rows() const { return rows_; }
  std::size_t slots() const { return ids_.size(); }  // live, buried and free ones
  std::size_t live() const { return slots_.size(); }
  bool alive(Slot slot) const { return alive_[slot] != 0; }
  std::uint64_t id(Slot slot) const { return ids_[slot]; }
  // -1: unknown.
  std::int64_t Find(std::uint64_t id) const;
  // What is kept of rows, row-major; zeros for unknown ids.
  std::vector<float> Copy(std::span<const std::uint64_t> ids) const;
  std::size_t memory_bytes() const;

  // `id` is unknown so far. Takes a free slot before a new one.
  Slot Add(std::uint64_t id, std::span<const float> row);
  void Overwrite(Slot slot, std::span<const float> row) { rows_.Set(slot, row); }
  // The last slot's row moves into this slot; there are no buried or free slots.
  void RemoveBySwap(Slot slot);
  void Bury(Slot slot);
  void Free(Slot buried) { free_.push_back(buried); }
  // Moves rows so that no slot is buried or free.
  void Compact();

  // The best `wanted` live rows by the rough score, in no order.
  std::vector<ScoredSlot> Scan(const QuantizedQuery& query, std::size_t wanted,
                               const IdFilter& filter, FilterOrder order) const;
  // The same among `among`; slots that are not alive are passed over.
  std::vector<ScoredSlot> ScanSome(const QuantizedQuery& query, std::size_t wanted,
                                   const IdFilter& filter, std::span<const Slot> among) const;
  // VectorIndex::Spread, by rough scores.
  ScoreSpread Spread(const QuantizedQuery& query, std::size_t sample, const IdFilter& filter) const;
  // The candidates scored again at 16 bits; the best `limit` of them, ties by id.
  std::vector<VectorHit> Finish(const QuantizedQuery& query, std::size_t limit,
                                std::span<const ScoredSlot> candidates) const;

 private:
  QuantizedRows rows_;
  std::vector<std::uint64_t> ids_;   // by slot
  std::vector<std::uint8_t> alive_;  // by slot
  std::vector<Slot> free_;
  std::unordered_map<std::uint64_t, Slot> slots_;  // by id
};

}  // namespace strata::vector
