#pragma once
// The one-bit codes of an index's rows (vector/bit_codes.h): made in the background, kept in step
// with every change once they are there, and made anew around other centres when the rows have
// become twice as many.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "vector/bit_codes.h"
#include "vector/indexed_rows.h"
#include "vector/kmeans.h"

namespace strata::vector {

// Not thread-safe by itself. Changed and Tend's steps: one thread at a time; Changed, Publish and
// Drop: no search beside them.
class CodedRows {
 public:
  // `rows` outlives it.
  CodedRows(const IndexedRows& rows, std::uint64_t seed) : rows_(rows), seed_(seed) {}

  // For searches; null until codes of all rows are there.
  const BitCodes* ready() const { return ready_.get(); }
  std::size_t memory_bytes() const;

  // The row of a slot was added, replaced, buried, or dropped with the last one moved into it.
  void Changed(Slot slot);

  // --- Steps of making codes, each some milliseconds.
  bool InProgress() const { return training_ != nullptr || fresh_ != nullptr; }
  // Whether they are made around centres of too few rows.
  bool IsStale() const;
  void Start();
  // false: all rows have codes, and Publish is next.
  bool Step();
  void Publish();
  void Drop();

 private:
  void Set(BitCodes& codes, Slot slot) const;
  std::vector<float> Sample(std::size_t wanted) const;

  const IndexedRows& rows_;
  const std::uint64_t seed_;
  std::unique_ptr<KMeans> training_;  // finds centres for `fresh_`
  std::unique_ptr<BitCodes> ready_;
  std::unique_ptr<BitCodes> fresh_;
  std::size_t ready_rows_ = 0;  // when their centres were sought
  std::size_t fresh_rows_ = 0;
  std::size_t next_ = 0;  // slot that Step makes a code for
};

}  // namespace strata::vector
