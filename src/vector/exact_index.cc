#include "vector/exact_index.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "base/check.h"
#include "vector/quantized_rows.h"

namespace strata::vector {
namespace {

constexpr std::size_t kDimensionsMax = 8192;  // what Kernels::dot_rows allows
constexpr std::size_t kCandidatesExtra = 32;  // scored again beside limit × oversampling

bool Better(const VectorHit& a, const VectorHit& b) {
  return a.score != b.score ? a.score > b.score : a.id < b.id;
}

struct Candidate {
  VectorHit hit;
  std::size_t slot = 0;
};
bool BetterCandidate(const Candidate& a, const Candidate& b) { return Better(a.hit, b.hit); }

Result<void> CheckFinite(std::span<const float> values, const char* field) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      return Fail(InvalidArgument(field, "value " + std::to_string(i) + " is not a finite number"));
    }
  }
  return {};
}

class ExactIndex final : public VectorIndex {
 public:
  explicit ExactIndex(const ExactIndexOptions& options)
      : options_(options), rows_(options.dimensions) {}

  Result<void> Upsert(std::span<const std::uint64_t> ids, std::span<const float> rows) override {
    if (rows.size() != ids.size() * dimensions()) {
      return Fail(InvalidArgument("rows", "expected " + std::to_string(ids.size()) + " rows of " +
                                              std::to_string(dimensions()) + " numbers, got " +
                                              std::to_string(rows.size()) + " numbers"));
    }
    STRATA_CHECK_OK(CheckFinite(rows, "rows"));
    std::unique_lock lock(mutex_);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      std::span<const float> row = rows.subspan(i * dimensions(), dimensions());
      auto [known, added] = slots_.try_emplace(ids[i], rows_.size());
      if (added) {
        ids_.push_back(ids[i]);
        rows_.Append(row);
      } else {
        rows_.Set(known->second, row);
      }
    }
    return {};
  }

  void Remove(std::span<const std::uint64_t> ids) override {
    std::unique_lock lock(mutex_);
    for (std::uint64_t id : ids) {
      auto found = slots_.find(id);
      if (found == slots_.end()) continue;
      std::size_t slot = found->second;
      slots_.erase(found);
      if (slot + 1 != ids_.size()) {
        ids_[slot] = ids_.back();
        slots_[ids_[slot]] = slot;
      }
      ids_.pop_back();
      rows_.RemoveBySwap(slot);
    }
  }

  Result<std::vector<VectorHit>> Search(std::span<const float> query, std::size_t limit,
                                        const IdFilter& filter) const override {
    if (query.size() != dimensions()) {
      return Fail(InvalidArgument("query", "expected " + std::to_string(dimensions()) +
                                               " numbers, got " + std::to_string(query.size())));
    }
    STRATA_CHECK_OK(CheckFinite(query, "query"));
    std::shared_lock lock(mutex_);
    limit = std::min(limit, ids_.size());
    if (limit == 0) return std::vector<VectorHit>();
    QuantizedQuery prepared = rows_.Prepare(query);
    std::size_t wanted = std::min(limit * options_.oversampling + kCandidatesExtra, ids_.size());
    std::vector<VectorHit> hits;
    for (const Candidate& candidate : Scan(prepared, wanted, filter)) {
      hits.push_back({.id = candidate.hit.id, .score = rows_.FineScore(prepared, candidate.slot)});
    }
    std::ranges::sort(hits, Better);
    hits.resize(std::min(hits.size(), limit));
    return hits;
  }

  std::size_t dimensions() const override { return options_.dimensions; }

  VectorStats Stats() const override {
    std::shared_lock lock(mutex_);
    // A hash node holds key, value, link and the allocator's header.
    std::size_t per_row = sizeof(std::uint64_t) + 4 * sizeof(void*);
    std::size_t tables = ids_.size() * per_row + slots_.bucket_count() * sizeof(void*);
    return {.rows = ids_.size(),
            .dimensions = dimensions(),
            .memory_bytes = rows_.memory_bytes() + tables};
  }

 private:
  // The best `wanted` rows by the rough score, in no order. Under the lock.
  std::vector<Candidate> Scan(const QuantizedQuery& query, std::size_t wanted,
                              const IdFilter& filter) const {
    std::vector<Candidate> heap;  // the worst on top
    heap.reserve(wanted);
    for (std::size_t slot = 0; slot < ids_.size(); ++slot) {
      Candidate candidate{.hit = {.id = 0, .score = rows_.RoughScore(query, slot)}, .slot = slot};
      bool full = heap.size() == wanted;
      if (full && candidate.hit.score < heap.front().hit.score) continue;
      candidate.hit.id = ids_[slot];
      if (full && !BetterCandidate(candidate, heap.front())) continue;
      if (filter && !filter(candidate.hit.id)) continue;
      if (full) {
        std::ranges::pop_heap(heap, BetterCandidate);
        heap.pop_back();
      }
      heap.push_back(candidate);
      std::ranges::push_heap(heap, BetterCandidate);
    }
    return heap;
  }

  const ExactIndexOptions options_;
  mutable std::shared_mutex mutex_;
  QuantizedRows rows_;
  std::vector<std::uint64_t> ids_;                        // by slot
  std::unordered_map<std::uint64_t, std::size_t> slots_;  // by id
};

}  // namespace

std::unique_ptr<VectorIndex> MakeExactIndex(const ExactIndexOptions& options) {
  STRATA_CHECK(options.dimensions >= 1 && options.dimensions <= kDimensionsMax,
               "dimensions of a vector index must be 1..8192");
  return std::make_unique<ExactIndex>(options);
}

}  // namespace strata::vector
