#pragma once
// A hierarchical navigable small world over the slots of IndexedRows: which rows are near which.
//
// Sources: Malkov, Yashunin 2016/2018, "Efficient and robust approximate nearest neighbor search
// using Hierarchical Navigable Small World graphs" (levels, search, choice of neighbours); Patel et
// al. 2024, "ACORN: Performant and Predicate-Agnostic Search Over Vector Embeddings and Structured
// Data" (two hops under a filter); Singh et al. 2021, "FreshDiskANN" (repair in one pass after many
// deletions). Rows whose upper 8 bits are equal are one node: many equal chunks would otherwise
// only know each other, and no way would lead to them.
//
// Similarity is the dot product of the upper 8 bits; choosing neighbours by it presumes rows of one
// length. Deterministic: the same rows linked in the same order with the same seed make the same
// graph.
//
// Threads: Search may run beside Search, and beside one Link or Repair, which write single numbers
// that searches read in any mixture. Everything else needs that nothing else runs. A node is found
// by searches that start after its Link returned.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "vector/indexed_rows.h"

namespace strata::vector {

struct HnswOptions {
  std::size_t links = 16;          // M: of a node on upper levels; twice as many on level 0
  std::size_t build_effort = 100;  // candidates looked at when a node is linked (efConstruction)
  std::uint64_t seed = 1;
};

// Says whether a node may be returned.
using SlotFilter = std::function<bool(Slot)>;

enum class Expansion : std::uint8_t {
  kAll,      // walks through every node, returns those that pass: for filters that most rows pass
  kTwoHops,  // walks through nodes that pass, and through those that do not to their neighbours
};

class HnswGraph {
 public:
  // `rows` outlives the graph.
  HnswGraph(const IndexedRows& rows, const HnswOptions& options);
  ~HnswGraph();
  HnswGraph(const HnswGraph&) = delete;
  HnswGraph& operator=(const HnswGraph&) = delete;

  const HnswOptions& options() const { return options_; }
  std::size_t memory_bytes() const;
  std::size_t linked() const { return linked_; }  // nodes, also buried ones, and their twins

  // Room for slots below `slots`.
  void Grow(std::size_t slots);
  // Draws the level of a row that came to `slot`; it is no node yet.
  void Prepare(Slot slot);
  // Makes the row a node. false: a node with the same upper bits is there; AddTwin it.
  bool Link(Slot slot);
  bool IsLinked(Slot slot) const;
  Slot twin_of() const { return twin_of_; }  // of the last Link that returned false
  void AddTwin(Slot slot, Slot node);

  // Leads the links of all nodes below `end`, from `begin`, around the nodes in `gone`. After all
  // nodes were passed nothing leads to these any more.
  void Repair(std::size_t begin, std::size_t end, const std::vector<bool>& gone);
  // Takes nodes away that Repair led around; searches start elsewhere when they started at one.
  void Erase(std::span<const Slot> slots, const std::vector<bool>& gone);
  // A buried node that has living twins still stands for them.
  bool HasTwins(Slot slot) const;
  // A twin is no longer one; false: it was none.
  bool DropTwin(Slot slot);

  // The best `effort` nodes or fewer, in no order; twins beside the node that stands for them.
  // `passes` empty: all.
  std::vector<ScoredSlot> Search(const QuantizedQuery& query, std::size_t effort,
                                 const SlotFilter& passes, Expansion expansion) const;

  // --- For graph files.
  int Level(Slot slot) const;  // 0 .. kLevelMax
  std::vector<Slot> Links(Slot slot, int level) const;
  const std::unordered_map<Slot, Slot>& twins() const { return twins_; }  // twin → node
  // The node as a file knew it. `links` by level, from 0. Unknown slots and own ones are not kept.
  void Restore(Slot slot, const std::vector<std::vector<Slot>>& links);
  void RestoreEntry();

 private:
  struct Entry {
    Slot slot = 0;
    std::int32_t level = -1;  // -1: no nodes
  };
  struct Upper {
    std::int32_t level = 0;
    std::vector<std::uint32_t> lists;  // `level` lists of 1 + links numbers
  };
  struct Scratch;
  class Lease;

  static constexpr std::size_t kBlockNodes = 4096;
  static constexpr int kLevelMax = 15;

  std::size_t Capacity(int level) const { return level == 0 ? 2 * options_.links : options_.links; }
  const std::uint32_t* List(Slot slot, int level) const;
  std::uint32_t* List(Slot slot, int level) {
    return const_cast<std::uint32_t*>(std::as_const(*this).List(slot, level));
  }
  std::size_t CopyLinks(Slot slot, int level, std::uint32_t* out) const;
  void StoreLinks(Slot slot, int level, std::span<const ScoredSlot> links);
  int DrawLevel(Slot slot) const;
  void DropUpper(Slot slot);

  void Descend(const QuantizedQuery& query, int from, int to, ScoredSlot& nearest) const;
  void SearchLevel(const QuantizedQuery& query, int level, std::size_t effort, Scratch& scratch,
                   const SlotFilter& passes, Expansion expansion) const;
  void CollectAll(Slot node, int level, Scratch& scratch) const;
  void CollectTwoHops(Slot node, Scratch& scratch, const SlotFilter& passes) const;
  std::vector<ScoredSlot> Choose(std::vector<ScoredSlot> candidates, std::size_t most) const;
  void LinkBack(Slot node, int level, const ScoredSlot& added);
  void RepairNode(Slot slot, int level, const std::vector<bool>& gone);

  const IndexedRows& rows_;
  const HnswOptions options_;
  std::vector<std::unique_ptr<std::uint32_t[]>> blocks_;  // lists of level 0
  std::vector<std::uint8_t> states_;                      // by slot
  std::unordered_map<Slot, Upper> upper_;
  std::size_t upper_bytes_ = 0;                             // of the lists in it
  std::unordered_map<Slot, Slot> twins_;                    // twin → node
  std::unordered_map<Slot, std::vector<Slot>> twin_lists_;  // node → twins
  std::atomic<Entry> entry_;
  std::atomic<std::size_t> linked_ = 0;
  Slot twin_of_ = 0;
  mutable std::mutex scratch_mutex_;
  mutable std::vector<std::unique_ptr<Scratch>> scratch_;
};

}  // namespace strata::vector
