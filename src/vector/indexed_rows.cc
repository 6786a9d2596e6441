#include "vector/indexed_rows.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace strata::vector {
namespace {

// The best of what is offered, the worst on top.
class TopSlots {
 public:
  TopSlots(std::size_t wanted, const std::vector<std::uint64_t>& ids) : wanted_(wanted), ids_(ids) {
    heap_.reserve(wanted);
  }

  bool WouldTake(const ScoredSlot& candidate) const {
    if (heap_.size() < wanted_) return true;
    return candidate.score >= heap_.front().score && Before(candidate, heap_.front());
  }

  void Take(const ScoredSlot& candidate) {
    auto before = [this](const ScoredSlot& a, const ScoredSlot& b) { return Before(a, b); };
    if (heap_.size() == wanted_) {
      std::ranges::pop_heap(heap_, before);
      heap_.pop_back();
    }
    heap_.push_back(candidate);
    std::ranges::push_heap(heap_, before);
  }

  std::vector<ScoredSlot> Done() && { return std::move(heap_); }

 private:
  // By id, not by slot: what is returned does not depend on the order of insertion.
  bool Before(const ScoredSlot& a, const ScoredSlot& b) const {
    return a.score != b.score ? a.score > b.score : ids_[a.slot] < ids_[b.slot];
  }

  const std::size_t wanted_;
  const std::vector<std::uint64_t>& ids_;
  std::vector<ScoredSlot> heap_;
};

}  // namespace

Result<void> CheckValues(std::span<const float> values, std::size_t expected, const char* field) {
  if (values.size() != expected) {
    return Fail(InvalidArgument(field, "expected " + std::to_string(expected) + " numbers, got " +
                                           std::to_string(values.size())));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      return Fail(InvalidArgument(field, "value " + std::to_string(i) + " is not a finite number"));
    }
  }
  return {};
}

std::int64_t IndexedRows::Find(std::uint64_t id) const {
  auto found = slots_.find(id);
  return found == slots_.end() ? -1 : static_cast<std::int64_t>(found->second);
}

std::vector<float> IndexedRows::Copy(std::span<const std::uint64_t> ids) const {
  const std::size_t width = rows_.dimensions();
  std::vector<float> out(ids.size() * width);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::int64_t slot = Find(ids[i]);
    if (slot >= 0) {
      rows_.Get(static_cast<std::size_t>(slot), std::span(out).subspan(i * width, width));
    }
  }
  return out;
}

std::size_t IndexedRows::memory_bytes() const {
  // A hash node holds key, value, link and the allocator's header.
  const std::size_t nodes = slots_.size() * 4 * sizeof(void*);
  return rows_.memory_bytes() + nodes + slots_.bucket_count() * sizeof(void*) +
         ids_.capacity() * sizeof(std::uint64_t) + alive_.capacity() +
         free_.capacity() * sizeof(Slot);
}

Slot IndexedRows::Add(std::uint64_t id, std::span<const float> row) {
  Slot slot = 0;
  if (free_.empty()) {
    slot = static_cast<Slot>(ids_.size());
    ids_.push_back(id);
    alive_.push_back(1);
    rows_.Append(row);
  } else {
    slot = free_.back();
    free_.pop_back();
    ids_[slot] = id;
    alive_[slot] = 1;
    rows_.Set(slot, row);
  }
  slots_.emplace(id, slot);
  return slot;
}

void IndexedRows::RemoveBySwap(Slot slot) {
  if (alive(slot)) slots_.erase(ids_[slot]);
  if (slot + 1 != ids_.size()) {
    ids_[slot] = ids_.back();
    alive_[slot] = alive_.back();
    if (alive(slot)) slots_[ids_[slot]] = slot;
  }
  ids_.pop_back();
  alive_.pop_back();
  rows_.RemoveBySwap(slot);
}

void IndexedRows::Bury(Slot slot) {
  slots_.erase(ids_[slot]);
  alive_[slot] = 0;
}

void IndexedRows::Compact() {
  for (std::size_t slot = ids_.size(); slot-- > 0;) {
    if (!alive(static_cast<Slot>(slot))) RemoveBySwap(static_cast<Slot>(slot));
  }
  free_ = {};
}

std::vector<ScoredSlot> IndexedRows::Scan(const QuantizedQuery& query, std::size_t wanted,
                                          const IdFilter& filter, FilterOrder order) const {
  TopSlots top(wanted, ids_);
  const bool ask_first = filter && order == FilterOrder::kBeforeScore;
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    const auto slot = static_cast<Slot>(i);
    if (ask_first && (!alive(slot) || !filter(ids_[slot]))) continue;
    const ScoredSlot candidate{.score = rows_.RoughScore(query, slot), .slot = slot};
    if (!top.WouldTake(candidate) || !alive(slot)) continue;
    if (filter && !ask_first && !filter(ids_[slot])) continue;
    top.Take(candidate);
  }
  return std::move(top).Done();
}

std::vector<ScoredSlot> IndexedRows::ScanSome(const QuantizedQuery& query, std::size_t wanted,
                                              const IdFilter& filter,
                                              std::span<const Slot> among) const {
  constexpr std::size_t kAhead = 8;  // rows on their way from memory
  TopSlots top(wanted, ids_);
  for (std::size_t i = 0; i < among.size(); ++i) {
    if (i + kAhead < among.size()) rows_.Prefetch(among[i + kAhead]);
    const Slot slot = among[i];
    if (!alive(slot)) continue;
    const ScoredSlot candidate{.score = rows_.RoughScore(query, slot), .slot = slot};
    if (top.WouldTake(candidate) && (!filter || filter(ids_[slot]))) top.Take(candidate);
  }
  return std::move(top).Done();
}

ScoreSpread IndexedRows::Spread(const QuantizedQuery& query, std::size_t sample,
                                const IdFilter& filter) const {
  ScoreSpread spread;
  double squares = 0;  // of distances from the mean (Welford 1962)
  sample = std::min(sample, ids_.size());
  for (std::size_t i = 0; i < sample; ++i) {
    const auto slot = static_cast<Slot>(i * ids_.size() / sample);
    if (!alive(slot) || (filter && !filter(ids_[slot]))) continue;
    const double score = rows_.RoughScore(query, slot);
    ++spread.rows;
    const double distance = score - spread.mean;
    spread.mean += distance / static_cast<double>(spread.rows);
    squares += distance * (score - spread.mean);
  }
  if (spread.rows > 0) spread.deviation = std::sqrt(squares / static_cast<double>(spread.rows));
  return spread;
}

std::vector<VectorHit> IndexedRows::Finish(const QuantizedQuery& query, std::size_t limit,
                                           std::span<const ScoredSlot> candidates) const {
  std::vector<VectorHit> hits;
  hits.reserve(candidates.size());
  for (const ScoredSlot& candidate : candidates) {
    hits.push_back({.id = ids_[candidate.slot], .score = rows_.FineScore(query, candidate.slot)});
  }
  auto before = [](const VectorHit& a, const VectorHit& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  };
  const std::size_t kept = std::min(limit, hits.size());
  std::ranges::partial_sort(hits, hits.begin() + static_cast<std::ptrdiff_t>(kept), before);
  hits.resize(kept);
  return hits;
}

}  // namespace strata::vector
