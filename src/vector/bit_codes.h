#pragma once
// Rows as one bit a dimension, in lists of rows that are near each other: a search estimates the
// dot products with the rows of the nearest lists, and what it finds is scored again from the rows.
// It reads an eighth of what it would read of 8-bit rows, of a part of the rows.
//
// The codes are RaBitQ's (Gao and Long, SIGMOD 2024, section 3): the difference of a row to the
// centre of its list is turned by a random rotation, so that its signs stand for it whatever the
// data is. The estimate is unbiased, with an error of the order of 1/sqrt(dimensions) of the
// difference's length. The rotation is made of sign flips and fast Hadamard transforms, which take
// D log D steps instead of D². Lists: an inverted file (Jégou, Douze and Schmid, PAMI 2011).
//
// Memory: dimensions / 8 and some 16 bytes a row.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "vector/code_kernels.h"
#include "vector/indexed_rows.h"

namespace strata::vector {

// An orthogonal matrix, drawn by `seed`, that is applied without being written out. Immutable.
class Rotation {
 public:
  Rotation(std::size_t dimensions, std::uint64_t seed);
  // What a turned row has: `dimensions`, rounded up for the kernels.
  std::size_t size() const { return size_; }
  std::vector<float> Turned(std::span<const float> row) const;

 private:
  std::size_t size_;
  std::size_t half_;  // what a Hadamard transform takes: a power of two, more than size / 2
  std::vector<float> signs_;
};

// Not thread-safe; const methods are safe beside each other. Slots are those of IndexedRows.
class BitCodes {
 public:
  // `centres`: of the lists, at least one, turned by `rotation`; row-major.
  BitCodes(Rotation rotation, std::vector<float> centres);

  std::size_t slots() const { return places_.size(); }
  std::size_t lists() const { return lists_.size(); }
  std::size_t memory_bytes() const;

  // New slots hold nothing and are never found.
  void Resize(std::size_t slots);
  void Set(Slot slot, std::span<const float> row);
  void Clear(Slot slot);
  // Gives back memory that lists keep for more rows.
  void Shrink();

  // Of the nearest lists that hold `rows` rows together, the `wanted` slots with the best estimates
  // among those that pass, in no order; equal ones at the edge are taken as they come. `passes` is
  // asked only of slots that would be taken; empty: all pass. The scores are estimates.
  std::vector<ScoredSlot> Scan(std::span<const float> query, std::size_t wanted, std::size_t rows,
                               const std::function<bool(Slot)>& passes) const;

 private:
  // Row i of a list is row i % kCodeBlockRows of its block i / kCodeBlockRows.
  struct List {
    std::vector<std::uint8_t> codes;
    std::vector<float> factors;  // of whole blocks; not a number where there is no row
    std::vector<Slot> slots;
  };
  struct Place {
    std::uint32_t list = kNowhere;
    std::uint32_t row = 0;
  };
  // What a query looks up for each group of four bits.
  struct Table {
    std::vector<std::uint8_t> entries;
    float bias = 0;
    float step = 0;
  };
  static constexpr std::uint32_t kNowhere = 0xFFFFFFFF;

  std::span<const float> Centre(std::size_t list) const {
    return std::span(centres_).subspan(list * rotation_.size(), rotation_.size());
  }
  std::size_t NearestList(std::span<const float> turned) const;
  // The address of a row's bits of the first group; of which half of the byte: `upper`.
  std::uint8_t* Bits(List& list, std::size_t row, bool& upper) const;
  void Append(List& list, Slot slot, std::span<const float> difference);
  void MoveRow(List& list, std::size_t from, std::size_t to);
  Table MakeTable(std::span<const float> turned) const;
  std::vector<ScoredSlot> ListsByNearness(std::span<const float> turned) const;

  const Rotation rotation_;
  const std::vector<float> centres_;
  std::vector<float> half_squares_;  // |centre|² / 2
  const std::size_t groups_;         // of four bits
  const CodeKernels& kernels_;
  std::vector<List> lists_;
  std::vector<Place> places_;  // by slot
};

}  // namespace strata::vector
