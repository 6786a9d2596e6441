#pragma once
// What one state of the index consists of: segments, and which of their documents are deleted.

#include <cstdint>
#include <memory>
#include <vector>

#include "knowledge/lexical/segment.h"
#include "knowledge/lexical/spelling.h"

namespace strata::knowledge::lexical {

// One bit a document. Immutable once shared.
class Tombstones {
 public:
  explicit Tombstones(std::uint32_t documents) : words_((documents + 63) / 64) {}

  bool Has(std::uint32_t ordinal) const {
    return (words_[ordinal / 64] >> (ordinal % 64) & 1) != 0;
  }
  // False when it was there already.
  bool Add(std::uint32_t ordinal) {
    if (Has(ordinal)) return false;
    words_[ordinal / 64] |= std::uint64_t{1} << (ordinal % 64);
    count_ += 1;
    return true;
  }
  std::uint32_t count() const { return count_; }
  const std::vector<std::uint64_t>& words() const { return words_; }

 private:
  std::vector<std::uint64_t> words_;
  std::uint32_t count_ = 0;
};

struct LiveSegment {
  std::uint64_t number = 0;  // names the file
  std::shared_ptr<const Segment> segment;
  std::shared_ptr<const Tombstones> deleted;           // null: none
  std::shared_ptr<const SpellingIndex> spelling = {};  // null: corrects nothing

  std::uint32_t deleted_count() const { return deleted ? deleted->count() : 0; }
  std::uint32_t live_count() const { return segment->documents() - deleted_count(); }
  bool IsDeleted(std::uint32_t ordinal) const { return deleted && deleted->Has(ordinal); }
};

// Immutable; shared by the searches that began while it was the last commit.
struct Snapshot {
  std::uint64_t generation = 0;
  std::vector<LiveSegment> segments;
};

}  // namespace strata::knowledge::lexical
