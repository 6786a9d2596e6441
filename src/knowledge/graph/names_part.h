#pragma once
// A segment of a names graph with which of its passages count, and how several become one.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "knowledge/graph/names_segment.h"

namespace strata::knowledge::graph {

// Nothing of a segment counts until the database has said that it is still so: a passage that is
// gone cannot come back with a file.
struct NamesPart {
  std::shared_ptr<const NamesSegment> segment;
  std::uint64_t file = 0;  // its number; 0: it is in memory only

  NamesPart(std::shared_ptr<const NamesSegment> of, std::uint64_t number)
      : segment(std::move(of)), file(number), live_((segment->passages() + 63) / 64) {}

  std::uint32_t live() const { return count_; }
  bool IsLive(std::uint32_t ordinal) const {
    return ordinal < segment->passages() && (live_[ordinal / 64] >> (ordinal % 64) & 1) != 0;
  }
  void Set(std::uint32_t ordinal) {
    count_ += IsLive(ordinal) ? 0 : 1;
    live_[ordinal / 64] |= std::uint64_t{1} << (ordinal % 64);
  }
  void Clear(std::uint32_t ordinal) {
    count_ -= IsLive(ordinal) ? 1 : 0;
    live_[ordinal / 64] &= ~(std::uint64_t{1} << (ordinal % 64));
  }
  void SetAll();
  std::optional<std::uint32_t> FindLive(std::uint64_t passage) const;
  // Passages that are live here and not in `later`, which is the same part at another time.
  std::vector<std::uint64_t> GoneIn(const NamesPart& later) const;
  std::size_t memory_bytes() const;

 private:
  std::vector<std::uint64_t> live_;  // one bit a passage
  std::uint32_t count_ = 0;
};

// Writes one segment of the live passages of all. No passage is live in two of them. Errors:
// kCorruption, kTooLarge, those of `sink`.
Result<> MergeNames(std::span<const NamesPart> parts, const NamesSink& sink);

}  // namespace strata::knowledge::graph
