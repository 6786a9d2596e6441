#pragma once
// The names graph of a knowledge base: passages and the names in them. A question's names lead by a
// personalised PageRank to the passages about them, and over the names in those to the next: "the
// mother of the director of film X" is found without any passage that holds all of it.
//
// Source: HippoRAG (Gutiérrez et al. 2024), which has a language model extract the names; here they
// come from the text's form (names.h). The walk is cut off after kSteps and forgets shares below
// kShareMin, so that its cost does not grow with the graph.
//
// Memory: about 0.6 KB a passage of 200 word pieces (some 14 names). A cache: it can be rebuilt
// from the passages.

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "knowledge/graph/names.h"

namespace strata::knowledge::graph {

struct PassageNames {
  std::vector<NameId> titles;  // of the passage's document
  TextNames text;
};

struct PassageShare {
  std::uint64_t passage = 0;
  double share = 0;  // > 0
};

struct GraphAnswer {
  std::vector<std::string_view> names;  // of the question, as they stand there
  std::size_t titles = 0;               // of them, that documents are called by
  std::size_t edges = 0;                // walked
  std::vector<PassageShare> passages;   // best first, ties by passage; empty: no name is known
};

// Says whether the caller may see a passage; asked for each edge that is walked.
using PassageFilter = std::function<bool(std::uint64_t passage)>;

// Not thread-safe for changes; const members are safe to call concurrently.
class NamesGraph {
 public:
  // The passage must not be in the graph.
  void Add(std::uint64_t passage, const PassageNames& names);
  // Unknown passages are ignored.
  void Remove(std::uint64_t passage);

  // `seeds`: what search found for the question, best first, scores in [0, 1]. Passages that
  // `filter` refuses neither come out nor pass anything on, and do not change what others get.
  GraphAnswer Walk(std::string_view question, std::span<const PassageShare> seeds,
                   const PassageFilter& filter) const;

  std::size_t passages() const { return slot_of_.size(); }
  std::size_t names() const { return node_of_.size(); }
  std::size_t memory_bytes() const;

 private:
  class Walker;
  enum class Kind : std::uint8_t { kTitle, kMention, kPart };
  // A passage's slot or a name's node, and the kind in the two low bits.
  using Edge = std::uint32_t;
  static Edge MakeEdge(std::uint32_t to, Kind kind) {
    return (to << 2) | static_cast<std::uint32_t>(kind);
  }
  static std::uint32_t To(Edge edge) { return edge >> 2; }
  static Kind KindOf(Edge edge) { return static_cast<Kind>(edge & 3); }

  struct Node {
    NameId id = 0;
    std::vector<Edge> edges;
  };
  struct Passage {
    std::uint64_t id = 0;
    std::vector<Edge> edges;
  };

  void Connect(std::uint32_t slot, NameId name, Kind kind);

  boost::unordered_flat_map<NameId, std::uint32_t> node_of_;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> slot_of_;  // by passage
  std::vector<Node> nodes_;
  std::vector<Passage> slots_;
  std::vector<std::uint32_t> free_nodes_;
  std::vector<std::uint32_t> free_slots_;
};

}  // namespace strata::knowledge::graph
