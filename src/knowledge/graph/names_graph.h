#pragma once
// The names graph of a knowledge base: passages and the names in them. A question's names lead by a
// personalised PageRank to the passages about them, and over the names in those to the next: "the
// mother of the director of film X" is found without any passage that holds all of it.
//
// Source: HippoRAG (Gutiérrez et al. 2024), which has a language model extract the names; here they
// come from the text's form (names.h). The walk is cut off after kSteps and forgets shares below
// kShareMin, so that its cost does not grow with the graph.
//
// It consists of a buffer that takes changes, and of segments, which its owner keeps in files:
// several become one now and then, so that there are few (NextRewrite). What a walk finds does not
// depend on where a passage lies.

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "knowledge/graph/names.h"
#include "knowledge/graph/names_buffer.h"
#include "knowledge/graph/names_part.h"

namespace strata::knowledge::graph {

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
  // The passage must not be in the graph; it is below 2^62.
  void Add(std::uint64_t passage, const PassageNames& names) { buffer_.Add(passage, names); }
  // Unknown passages are ignored.
  void Remove(std::uint64_t passage);
  bool Has(std::uint64_t passage) const;

  // `seeds`: what search found for the question, best first, scores in [0, 1]. Passages that
  // `filter` refuses neither come out nor pass anything on, and do not change what others get.
  GraphAnswer Walk(std::string_view question, std::span<const PassageShare> seeds,
                   const PassageFilter& filter) const;

  // --- Segments
  // A segment that was kept, later ones after earlier ones: none of its passages is in the graph
  // until it is claimed.
  void AddSegment(std::shared_ptr<const NamesSegment> segment, std::uint64_t file);
  // Takes a passage up from the latest segment that has it with this fingerprint; false: none has.
  bool Claim(std::uint64_t passage, std::uint32_t fingerprint);
  // Makes a segment, in memory yet, of what is in the buffer.
  Result<> Seal();
  std::size_t buffered() const { return buffer_.passages(); }

  // Segments that are to become one now, as they are at this moment, those next to each other;
  // empty: all is well. It is due when one is in memory only, when others that follow it have grown
  // as large as it is, or when more than a third of it is gone. A passage is copied log2(n) times.
  std::vector<NamesPart> NextRewrite() const;
  // `fresh`, made of all of `parts`, takes their place; null: none of them has anything.
  void Replace(std::span<const NamesPart> parts, std::shared_ptr<const NamesSegment> fresh,
               std::uint64_t file);

  struct Stats {
    std::size_t passages = 0;
    std::size_t names = 0;  // summed over segments
    std::size_t segments = 0;
    std::size_t file_bytes = 0;    // of segments in files
    std::size_t memory_bytes = 0;  // of all but those
  };
  Stats stats() const;

 private:
  class Walker;
  struct PassageMention {
    std::uint64_t passage = 0;
    Hold hold = Hold::kMention;
  };
  // The passages that hold a name, ascending; none when there are more than `max`.
  std::vector<PassageMention> PassagesOf(NameId name, std::size_t max) const;
  // Calls `take` with each mention of a passage; see PackMention.
  template <class Take>
  void ForEachNameOf(std::uint64_t passage, const Take& take) const;

  NamesBuffer buffer_;
  std::vector<NamesPart> parts_;  // later ones hold later passages, as a rule
};

}  // namespace strata::knowledge::graph
