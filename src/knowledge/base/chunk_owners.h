#pragma once
// Which document each chunk belongs to. A filtered search asks for every row that it scores, so
// this is pages of an array by row, which are handed out in order: a lookup is a few nanoseconds,
// where a map of all rows misses the caches.

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace strata::knowledge {

// Not thread-safe.
class ChunkOwners {
 public:
  using Slot = std::uint32_t;  // of a document; the caller numbers them
  static constexpr Slot kNone = 0xffffffff;

  // False, and nothing changes, when the row is known.
  bool Add(std::uint64_t row, Slot slot) {
    auto& page = pages_[row / kRows];
    auto& entry = page.slots[row % kRows];
    if (entry != kUnused) return false;
    entry = slot + 1;
    ++page.used;
    ++size_;
    return true;
  }

  Slot Find(std::uint64_t row) const {
    const auto page = pages_.find(row / kRows);
    return page == pages_.end() ? kNone : page->second.slots[row % kRows] - 1;
  }

  void Remove(std::uint64_t row) {
    const auto page = pages_.find(row / kRows);
    if (page == pages_.end() || page->second.slots[row % kRows] == kUnused) return;
    page->second.slots[row % kRows] = kUnused;
    --size_;
    if (--page->second.used == 0) pages_.erase(page);
  }

  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kRows = 1024;
  static constexpr Slot kUnused = 0;  // one less than nothing is kNone
  struct Page {
    std::array<Slot, kRows> slots{};
    std::size_t used = 0;
  };
  std::unordered_map<std::uint64_t, Page> pages_;
  std::size_t size_ = 0;
};

}  // namespace strata::knowledge
