// Walking through a graph.

#include <algorithm>
#include <array>

#include "vector/hnsw_graph.h"
#include "vector/hnsw_scratch.h"

namespace strata::vector {
namespace {

// Rows asked for ahead of the one that is scored: memory answers in about the time of four.
constexpr std::size_t kAhead = 4;

bool BetterCandidate(const ScoredSlot& a, const ScoredSlot& b) { return Better(b, a); }

}  // namespace

// Greedy, from level `from` down to the one above `to`.
void HnswGraph::Descend(const QuantizedQuery& query, int from, int to, ScoredSlot& nearest) const {
  std::array<std::uint32_t, kLinksMax> links;
  for (int level = from; level > to; --level) {
    for (bool moved = true; moved;) {
      moved = false;
      const std::size_t count = CopyLinks(nearest.slot, level, links.data());
      for (std::size_t i = 0; i < count; ++i) rows_.rows().Prefetch(links[i]);
      for (std::size_t i = 0; i < count; ++i) {
        const ScoredSlot next{.score = rows_.rows().RoughScore(query, links[i]), .slot = links[i]};
        if (!Better(next, nearest)) continue;
        nearest = next;
        moved = true;
      }
    }
  }
}

void HnswGraph::CollectAll(Slot node, int level, Scratch& scratch) const {
  std::array<std::uint32_t, kLinksMax> links;
  const std::size_t count = CopyLinks(node, level, links.data());
  for (std::size_t i = 0; i < count; ++i) {
    if (scratch.marks[links[i]] == scratch.seen) continue;
    scratch.marks[links[i]] = scratch.seen;
    scratch.batch.push_back(links[i]);
  }
}

// Neighbours that pass, and the passing neighbours of those that do not, until there are as many as
// a node has links. What was not looked at is looked at from the next node that leads to it.
void HnswGraph::CollectTwoHops(Slot node, Scratch& scratch, const SlotFilter& passes) const {
  std::array<std::uint32_t, kLinksMax> links;
  scratch.detours.clear();
  auto take = [&](Slot next, bool detour) {
    auto& mark = scratch.marks[next];
    if (mark == scratch.seen) return;
    if (mark != scratch.passed_over) {
      if (passes(next)) {
        mark = scratch.seen;
        scratch.batch.push_back(next);
        return;
      }
      mark = scratch.passed_over;
    }
    if (detour) scratch.detours.push_back(next);
  };
  const std::size_t count = CopyLinks(node, 0, links.data());
  for (std::size_t i = 0; i < count; ++i) take(links[i], true);
  for (const Slot detour : scratch.detours) {
    if (scratch.batch.size() >= Capacity(0)) return;
    scratch.marks[detour] = scratch.seen;
    const std::size_t further = CopyLinks(detour, 0, links.data());
    for (std::size_t i = 0; i < further; ++i) take(links[i], false);
  }
}

// From the nodes in `results` to the best `effort` that pass, which it leaves there.
void HnswGraph::SearchLevel(const QuantizedQuery& query, int level, std::size_t effort,
                            Scratch& scratch, const SlotFilter& passes, Expansion expansion) const {
  auto& candidates = scratch.candidates;
  auto& results = scratch.results;
  auto& batch = scratch.batch;
  scratch.Start(states_.size());
  candidates = results;
  for (const ScoredSlot& start : candidates) scratch.marks[start.slot] = scratch.seen;
  std::ranges::make_heap(candidates, BetterCandidate);
  if (passes) std::erase_if(results, [&](const ScoredSlot& start) { return !passes(start.slot); });
  std::ranges::make_heap(results, Better);
  while (!candidates.empty()) {
    const ScoredSlot node = candidates.front();
    if (results.size() >= effort && node.score < results.front().score) break;
    std::ranges::pop_heap(candidates, BetterCandidate);
    candidates.pop_back();
    batch.clear();
    if (expansion == Expansion::kTwoHops) {
      CollectTwoHops(node.slot, scratch, passes);
    } else {
      CollectAll(node.slot, level, scratch);
    }
    for (std::size_t i = 0; i < std::min(kAhead, batch.size()); ++i) {
      rows_.rows().Prefetch(batch[i]);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (i + kAhead < batch.size()) rows_.rows().Prefetch(batch[i + kAhead]);
      const ScoredSlot next{.score = rows_.rows().RoughScore(query, batch[i]), .slot = batch[i]};
      if (results.size() >= effort && !Better(next, results.front())) continue;
      candidates.push_back(next);
      std::ranges::push_heap(candidates, BetterCandidate);
      if (expansion == Expansion::kAll && passes && !passes(next.slot)) continue;
      if (results.size() >= effort) {
        std::ranges::pop_heap(results, Better);
        results.pop_back();
      }
      results.push_back(next);
      std::ranges::push_heap(results, Better);
    }
  }
}

std::vector<ScoredSlot> HnswGraph::Search(const QuantizedQuery& query, std::size_t effort,
                                          const SlotFilter& passes, Expansion expansion) const {
  const Entry top = entry_.load(std::memory_order_acquire);
  if (top.level < 0) return {};
  ScoredSlot nearest{.score = rows_.rows().RoughScore(query, top.slot), .slot = top.slot};
  Descend(query, top.level, 0, nearest);
  Lease lease(*this);
  Scratch& scratch = lease.get();
  scratch.results.assign(1, nearest);
  if (twins_.empty() || !passes) {
    SearchLevel(query, 0, effort, scratch, passes, expansion);
  } else {
    // A node also stands for its twins.
    const SlotFilter any_passes = [&](Slot slot) {
      if (passes(slot)) return true;
      const auto list = twin_lists_.find(slot);
      return list != twin_lists_.end() && std::ranges::any_of(list->second, passes);
    };
    SearchLevel(query, 0, effort, scratch, any_passes, expansion);
  }
  std::vector<ScoredSlot> found = scratch.results;
  if (twins_.empty()) return found;
  for (const ScoredSlot& node : scratch.results) {
    const auto list = twin_lists_.find(node.slot);
    if (list == twin_lists_.end()) continue;
    for (const Slot twin : list->second) found.push_back({.score = node.score, .slot = twin});
  }
  if (passes) std::erase_if(found, [&](const ScoredSlot& node) { return !passes(node.slot); });
  return found;
}

}  // namespace strata::vector
