#pragma once
// The part of a names graph that is being changed: passages that came last, until there are enough
// of them for a segment. Memory: about 1.2 KB a passage of 200 word pieces (some 14 names).

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "knowledge/graph/names.h"

namespace strata::knowledge::graph {

struct PassageNames {
  std::vector<NameId> titles;  // of the passage's document, ascending
  TextNames text;
  std::uint32_t fingerprint = 0;  // of what the names were found in
};

// Not thread-safe for changes; const members are safe to call concurrently. Mentions: see
// PackMention.
class NamesBuffer {
 public:
  // The passage must not be in the buffer.
  void Add(std::uint64_t passage, const PassageNames& names);
  bool Remove(std::uint64_t passage);  // false: it is not here
  bool Has(std::uint64_t passage) const { return passages_.contains(passage); }

  std::span<const std::uint64_t> NamesOf(std::uint64_t passage) const;
  std::span<const std::uint64_t> PassagesOf(NameId name) const;

  // The bytes of a segment of the same.
  Result<std::string> MakeSegment() const;

  std::size_t passages() const { return passages_.size(); }
  std::size_t names() const { return names_.size(); }
  std::size_t memory_bytes() const;

 private:
  struct Passage {
    std::uint32_t fingerprint = 0;
    std::vector<std::uint64_t> mentions;
  };
  boost::unordered_flat_map<std::uint64_t, Passage> passages_;
  boost::unordered_flat_map<NameId, std::vector<std::uint64_t>> names_;
};

}  // namespace strata::knowledge::graph
