#pragma once
// The best hits so far, with the score that the next one must reach.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "knowledge/lexical/bm25.h"
#include "knowledge/lexical_index.h"

namespace strata::knowledge::lexical {

// Scores are in units of kScoreUnit. Not thread-safe.
class TopHits {
 public:
  explicit TopHits(std::size_t limit) : limit_(limit) { heap_.reserve(std::min(limit, kReserve)); }

  // Whether a document that scores at most `bound` may belong to the best. Equal scores may: ties
  // go by id.
  bool CanEnter(std::uint64_t bound) const { return bound >= threshold_; }
  std::uint64_t threshold() const { return threshold_; }
  // Whether this document would be one of the best now.
  bool Wants(std::uint64_t score, std::uint64_t id) const {
    return heap_.size() < limit_ || Better({score, id}, heap_.front());
  }
  void Add(std::uint64_t score, std::uint64_t id) {
    if (heap_.size() == limit_) {
      std::ranges::pop_heap(heap_, Better);
      heap_.pop_back();
    }
    heap_.push_back({score, id});
    std::ranges::push_heap(heap_, Better);
    if (heap_.size() == limit_) threshold_ = heap_.front().score;
  }

  // Best first.
  std::vector<LexicalHit> Take() {
    std::ranges::sort(heap_, Better);
    std::vector<LexicalHit> hits;
    hits.reserve(heap_.size());
    for (const Hit& hit : heap_) {
      hits.push_back(
          {.id = hit.id, .score = static_cast<float>(static_cast<double>(hit.score) * kScoreUnit)});
    }
    return hits;
  }

 private:
  static constexpr std::size_t kReserve = 1024;
  struct Hit {
    std::uint64_t score;
    std::uint64_t id;
  };
  static bool Better(const Hit& a, const Hit& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  }

  const std::size_t limit_;  // > 0
  std::uint64_t threshold_ = 0;
  std::vector<Hit> heap_;  // the worst on top
};

}  // namespace strata::knowledge::lexical
