#pragma once
// The VectorIndex that grows: an exact scan while rows are few, a scan of one-bit codes
// (vector/bit_codes.h) when they are many, a graph (vector/hnsw_graph.h) when they are very many,
// chosen for each search by vector/search_tier.h.
//
// Changes are seen at once: a new row gets its code with it, and is scanned until Tend has linked
// it; a removed one is never returned again. Tend does what can wait, in the background. With codes
// or a graph the answer is approximate: bench/vector measures the recall. Memory: that of
// ExactIndex, dimensions / 8 + 16 bytes a row for codes, and some 4.4 × 2 × links for a graph.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "vector/graph_file.h"
#include "vector/search_tier.h"
#include "vector/vector_index.h"

namespace strata::vector {

struct GraphIndexOptions {
  std::size_t dimensions = 384;  // 1..8192
  TierOptions tier = {};
  std::size_t links = 16;           // of a graph's node, twice as many on its lowest level; 4..64
  std::size_t build_effort = 100;   // candidates looked at when a row is linked
  std::size_t search_effort = 400;  // at least so many rows are found and the best of them returned
  std::size_t oversampling = 4;     // of a scan, as ExactIndexOptions says
  // Rows that are scored after a scan of the codes, at least: the best by their estimates.
  std::size_t code_candidates = 1000;
  // Share of the rows whose codes a search without a filter reads, the nearest lists first.
  double code_share = 0.3;
  // The graph is led around removed rows when more than this share of it is removed.
  double repair_share = 0.05;
  std::uint64_t seed = 1;
};

// Thread-safe as VectorIndex says; Tend, Save and Load: one of them at a time, beside searches and
// changes.
class GraphIndex final : public VectorIndex {
 public:
  explicit GraphIndex(const GraphIndexOptions& options);
  ~GraphIndex() override;

  Result<void> Upsert(std::span<const std::uint64_t> ids, std::span<const float> rows) override;
  void Remove(std::span<const std::uint64_t> ids) override;
  Result<std::vector<VectorHit>> Search(std::span<const float> query, std::size_t limit,
                                        const IdFilter& filter = {}) const override;
  Result<ScoreSpread> Spread(std::span<const float> query, std::size_t sample,
                             const IdFilter& filter = {}) const override;
  std::vector<float> Rows(std::span<const std::uint64_t> ids) const override;
  std::size_t dimensions() const override;
  VectorStats Stats() const override;

  const GraphIndexOptions& options() const;

  // Makes codes, links new rows, repairs after removals, builds or drops the graph, for about
  // `budget`.
  // true: there is more to do.
  bool Tend(std::chrono::milliseconds budget);

  struct GraphStats {
    bool coded = false;        // searches may scan codes
    std::size_t linked = 0;    // rows that the graph knows
    std::size_t unlinked = 0;  // rows that are scanned until Tend has linked them
    std::size_t buried = 0;    // removed rows that the graph still leads through
    std::size_t unsaved = 0;   // changes of the graph since Save or Load
    std::size_t memory_bytes = 0;
  };
  GraphStats graph_stats() const;

  // Hands the graph, without the vectors, to `write` piece by piece. Changes wait while it runs.
  Result<void> Save(std::int64_t generation, const GraphWriter& write);
  // Takes links from a file, for rows that are here and are the same as when it was written;
  // others are linked by Tend. Call it after the rows are in and before Tend. Errors:
  // kInvalidArgument (the file is for other options), kConflict (there is a graph already, or most
  // of the file's rows are not here: it is of another time). Nothing is taken then.
  Result<void> Load(const GraphFile& file);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::vector
