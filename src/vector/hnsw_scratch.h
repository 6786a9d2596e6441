#pragma once
// What one walk through a graph works on; kept for the next one, so that a search allocates little.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "vector/hnsw_graph.h"

namespace strata::vector {

inline constexpr std::size_t kLinksMax = 128;  // of a node on one level

struct HnswGraph::Scratch {
  // A node is marked for this walk when its mark is `seen` or `passed_over`; every walk takes new
  // numbers, so that nothing is cleared.
  std::vector<std::uint16_t> marks;
  std::uint16_t seen = 0;
  std::uint16_t passed_over = 0;  // does not pass the filter, and its neighbours were not looked at
  std::vector<ScoredSlot> candidates;  // a heap, the best on top
  std::vector<ScoredSlot> results;     // a heap, the worst on top
  std::vector<Slot> batch;             // to be scored
  std::vector<Slot> detours;

  void Start(std::size_t slots) {
    if (marks.size() < slots) marks.resize(slots, 0);
    if (seen >= 0xFFFD) {
      std::ranges::fill(marks, 0);
      seen = 0;
    }
    seen = static_cast<std::uint16_t>(seen + 2);
    passed_over = static_cast<std::uint16_t>(seen - 1);
  }
};

// Takes a Scratch out of the graph's pool for the time of one call.
class HnswGraph::Lease {
 public:
  explicit Lease(const HnswGraph& graph) : graph_(graph) {
    std::lock_guard lock(graph.scratch_mutex_);
    if (graph.scratch_.empty()) {
      scratch_ = std::make_unique<Scratch>();
    } else {
      scratch_ = std::move(graph.scratch_.back());
      graph.scratch_.pop_back();
    }
  }
  ~Lease() {
    std::lock_guard lock(graph_.scratch_mutex_);
    graph_.scratch_.push_back(std::move(scratch_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Scratch& get() { return *scratch_; }

 private:
  const HnswGraph& graph_;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace strata::vector
