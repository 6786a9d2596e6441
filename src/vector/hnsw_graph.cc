// What a graph is made of: lists, levels, linking, repair. Searching stands in hnsw_search.cc.

#include "vector/hnsw_graph.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/encoding.h"
#include "vector/hnsw_scratch.h"

namespace strata::vector {
namespace {

enum State : std::uint8_t { kNoNode, kNode, kTwin };

// Who reads a link also sees the lists of the node that it leads to.
std::uint32_t Load(const std::uint32_t& number) {
  return __atomic_load_n(&number, __ATOMIC_ACQUIRE);
}
void Store(std::uint32_t& number, std::uint32_t value) {
  __atomic_store_n(&number, value, __ATOMIC_RELEASE);
}

}  // namespace

HnswGraph::HnswGraph(const IndexedRows& rows, const HnswOptions& options)
    : rows_(rows), options_(options), entry_(Entry{}) {}
HnswGraph::~HnswGraph() = default;

std::size_t HnswGraph::memory_bytes() const {
  std::size_t bytes = blocks_.size() * kBlockNodes * (1 + Capacity(0)) * sizeof(std::uint32_t);
  bytes += states_.capacity();
  bytes += upper_.size() * (4 * sizeof(void*) + sizeof(Upper)) + upper_bytes_;
  bytes += (twins_.size() * 2) * 6 * sizeof(void*);
  std::lock_guard lock(scratch_mutex_);
  for (const auto& scratch : scratch_) bytes += scratch->marks.capacity() * sizeof(std::uint16_t);
  return bytes;
}

void HnswGraph::Grow(std::size_t slots) {
  const std::size_t block_numbers = kBlockNodes * (1 + Capacity(0));
  while (blocks_.size() * kBlockNodes < slots) {
    blocks_.push_back(std::make_unique<std::uint32_t[]>(block_numbers));
  }
  if (states_.size() < slots) states_.resize(slots, kNoNode);
}

// By the row's id, not by the number of rows before it: a level survives rebuilding.
int HnswGraph::DrawLevel(Slot slot) const {
  const std::uint64_t id = rows_.id(slot);
  const std::uint64_t hash =
      Hash64({reinterpret_cast<const char*>(&id), sizeof(id)}, options_.seed);
  const double unit = (static_cast<double>(hash >> 11) + 1) * 0x1.0p-53;  // (0, 1]
  const double level = -std::log(unit) / std::log(static_cast<double>(options_.links));
  return std::min(static_cast<int>(level), kLevelMax);
}

void HnswGraph::Prepare(Slot slot) {
  __atomic_store_n(&states_[slot], kNoNode, __ATOMIC_RELAXED);
  Store(*List(slot, 0), 0);
  DropUpper(slot);
  const int level = DrawLevel(slot);
  if (level == 0) return;
  auto& upper = upper_[slot];
  upper.level = level;
  upper.lists.assign(static_cast<std::size_t>(level) * (1 + options_.links), 0);
  upper_bytes_ += upper.lists.size() * sizeof(std::uint32_t);
}

void HnswGraph::DropUpper(Slot slot) {
  const auto found = upper_.find(slot);
  if (found == upper_.end()) return;
  upper_bytes_ -= found->second.lists.size() * sizeof(std::uint32_t);
  upper_.erase(found);
}

int HnswGraph::Level(Slot slot) const {
  const auto found = upper_.find(slot);
  return found == upper_.end() ? 0 : found->second.level;
}

const std::uint32_t* HnswGraph::List(Slot slot, int level) const {
  if (level == 0) {
    return blocks_[slot / kBlockNodes].get() + slot % kBlockNodes * (1 + Capacity(0));
  }
  const auto& upper = upper_.find(slot)->second;
  return upper.lists.data() + static_cast<std::size_t>(level - 1) * (1 + options_.links);
}

std::size_t HnswGraph::CopyLinks(Slot slot, int level, std::uint32_t* out) const {
  const std::uint32_t* list = List(slot, level);
  // What is there by this count was there before it.
  const std::size_t count = __atomic_load_n(list, __ATOMIC_ACQUIRE);
  for (std::size_t i = 0; i < count; ++i) out[i] = Load(list[1 + i]);
  return count;
}

void HnswGraph::StoreLinks(Slot slot, int level, std::span<const ScoredSlot> links) {
  std::uint32_t* list = List(slot, level);
  for (std::size_t i = 0; i < links.size(); ++i) Store(list[1 + i], links[i].slot);
  __atomic_store_n(list, static_cast<std::uint32_t>(links.size()), __ATOMIC_RELEASE);
}

std::vector<Slot> HnswGraph::Links(Slot slot, int level) const {
  std::vector<Slot> links(Capacity(level));
  links.resize(CopyLinks(slot, level, links.data()));
  return links;
}

// The paper's heuristic: a candidate is kept when it is nearer to the node than to every one kept
// before it, so that the links of a node lead into different directions. Places that are left go to
// the nearest of the others (keepPrunedConnections): without them, vectors of long texts, which all
// lie in one direction, had 10 of 32 links, and a walk found 0.81 where it now finds 0.90.
std::vector<ScoredSlot> HnswGraph::Choose(std::vector<ScoredSlot> candidates,
                                          std::size_t most) const {
  std::ranges::sort(candidates, Better);
  std::vector<ScoredSlot> kept;
  kept.reserve(most);
  std::vector<ScoredSlot> others;
  for (const ScoredSlot& candidate : candidates) {
    if (kept.size() == most) break;
    const bool own_direction = std::ranges::none_of(kept, [&](const ScoredSlot& other) {
      return rows_.rows().RowScore(candidate.slot, other.slot) > candidate.score;
    });
    (own_direction ? kept : others).push_back(candidate);
  }
  for (std::size_t i = 0; i < others.size() && kept.size() < most; ++i) kept.push_back(others[i]);
  return kept;
}

void HnswGraph::LinkBack(Slot node, int level, const ScoredSlot& added) {
  const std::size_t capacity = Capacity(level);
  std::uint32_t* list = List(node, level);
  const std::size_t count = Load(list[0]);
  // A node that a file did not know all links of is linked again.
  for (std::size_t i = 0; i < count; ++i) {
    if (Load(list[1 + i]) == added.slot) return;
  }
  if (count < capacity) {
    Store(list[1 + count], added.slot);
    __atomic_store_n(list, static_cast<std::uint32_t>(count + 1), __ATOMIC_RELEASE);
    return;
  }
  std::vector<ScoredSlot> candidates{added};
  for (std::size_t i = 0; i < count; ++i) {
    const Slot other = Load(list[1 + i]);
    candidates.push_back({.score = rows_.rows().RowScore(node, other), .slot = other});
  }
  StoreLinks(node, level, Choose(std::move(candidates), capacity));
}

bool HnswGraph::Link(Slot slot) {
  const Entry top = entry_.load(std::memory_order_acquire);
  const int level = Level(slot);
  if (top.level >= 0) {
    std::vector<float> row(rows_.rows().dimensions());
    rows_.rows().Get(slot, row);
    const QuantizedQuery query = rows_.rows().Prepare(row);
    ScoredSlot nearest{.score = rows_.rows().RoughScore(query, top.slot), .slot = top.slot};
    Descend(query, top.level, level, nearest);
    Lease lease(*this);
    Scratch& scratch = lease.get();
    std::vector<std::vector<ScoredSlot>> chosen(static_cast<std::size_t>(level) + 1);
    for (int at = std::min(level, top.level); at >= 0; --at) {
      scratch.results.assign(1, nearest);
      SearchLevel(query, at, options_.build_effort, scratch, {}, Expansion::kAll);
      nearest = *std::ranges::min_element(scratch.results, Better);
      if (at == 0 && rows_.rows().SameRough(nearest.slot, slot)) {
        twin_of_ = nearest.slot;
        return false;
      }
      std::erase_if(scratch.results,
                    [&](const ScoredSlot& found) { return !rows_.alive(found.slot); });
      chosen[static_cast<std::size_t>(at)] = Choose(scratch.results, options_.links);
    }
    // From below: a search that a link of an upper level brings here goes on at the next lower one.
    for (int at = 0; at <= std::min(level, top.level); ++at) {
      const auto& links = chosen[static_cast<std::size_t>(at)];
      StoreLinks(slot, at, links);
      for (const ScoredSlot& link : links) {
        LinkBack(link.slot, at, {.score = link.score, .slot = slot});
      }
    }
  }
  __atomic_store_n(&states_[slot], kNode, __ATOMIC_RELEASE);
  if (level > top.level) entry_.store({.slot = slot, .level = level}, std::memory_order_release);
  linked_ += 1;
  return true;
}

bool HnswGraph::IsLinked(Slot slot) const {
  return slot < states_.size() && __atomic_load_n(&states_[slot], __ATOMIC_RELAXED) != kNoNode;
}

void HnswGraph::AddTwin(Slot slot, Slot node) {
  twins_[slot] = node;
  twin_lists_[node].push_back(slot);
  states_[slot] = kTwin;
  linked_ += 1;
}

bool HnswGraph::HasTwins(Slot slot) const { return twin_lists_.contains(slot); }

bool HnswGraph::DropTwin(Slot slot) {
  const auto found = twins_.find(slot);
  if (found == twins_.end()) return false;
  const auto list = twin_lists_.find(found->second);
  std::erase(list->second, slot);
  if (list->second.empty()) twin_lists_.erase(list);
  twins_.erase(found);
  states_[slot] = kNoNode;
  linked_ -= 1;
  return true;
}

void HnswGraph::RepairNode(Slot slot, int level, const std::vector<bool>& gone) {
  std::array<std::uint32_t, kLinksMax> links;
  std::array<std::uint32_t, kLinksMax> beyond;
  const std::size_t count = CopyLinks(slot, level, links.data());
  const auto own = std::span(links).first(count);
  if (std::ranges::none_of(own, [&](Slot link) { return gone[link]; })) return;
  std::vector<Slot> reachable;
  for (const Slot link : own) {
    if (!gone[link]) {
      reachable.push_back(link);
      continue;
    }
    const std::size_t further = CopyLinks(link, level, beyond.data());
    for (const Slot next : std::span(beyond).first(further)) {
      if (!gone[next] && next != slot) reachable.push_back(next);
    }
  }
  std::ranges::sort(reachable);
  const auto [first, last] = std::ranges::unique(reachable);
  reachable.erase(first, last);
  std::vector<ScoredSlot> candidates;
  for (const Slot link : reachable) {
    candidates.push_back({.score = rows_.rows().RowScore(slot, link), .slot = link});
  }
  StoreLinks(slot, level, Choose(std::move(candidates), Capacity(level)));
}

void HnswGraph::Repair(std::size_t begin, std::size_t end, const std::vector<bool>& gone) {
  for (std::size_t i = begin; i < end; ++i) {
    const auto slot = static_cast<Slot>(i);
    if (states_[i] != kNode || gone[i]) continue;
    for (int level = Level(slot); level >= 0; --level) RepairNode(slot, level, gone);
  }
}

void HnswGraph::Erase(std::span<const Slot> slots, const std::vector<bool>& gone) {
  for (const Slot slot : slots) {
    if (states_[slot] == kNode) linked_ -= 1;
    states_[slot] = kNoNode;
    Store(*List(slot, 0), 0);
    DropUpper(slot);
  }
  const Entry top = entry_.load(std::memory_order_acquire);
  if (top.level >= 0 && gone[top.slot]) RestoreEntry();
}

void HnswGraph::Restore(Slot slot, const std::vector<std::vector<Slot>>& links) {
  const int levels = std::min(Level(slot) + 1, static_cast<int>(links.size()));
  for (int level = 0; level < levels; ++level) {
    std::vector<ScoredSlot> kept;
    for (const Slot link : links[static_cast<std::size_t>(level)]) {
      const bool known = link < states_.size() && link != slot && Level(link) >= level;
      if (known && kept.size() < Capacity(level)) kept.push_back({.score = 0, .slot = link});
    }
    StoreLinks(slot, level, kept);
  }
  states_[slot] = kNode;
  linked_ += 1;
}

void HnswGraph::RestoreEntry() {
  Entry best;
  for (const auto& [slot, upper] : upper_) {
    const bool better = upper.level > best.level || (upper.level == best.level && slot < best.slot);
    if (states_[slot] == kNode && better) best = {.slot = slot, .level = upper.level};
  }
  for (std::size_t i = 0; best.level < 0 && i < states_.size(); ++i) {
    if (states_[i] == kNode) best = {.slot = static_cast<Slot>(i), .level = 0};
  }
  entry_.store(best, std::memory_order_release);
}

}  // namespace strata::vector
