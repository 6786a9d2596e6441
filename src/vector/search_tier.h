#pragma once
// Which way a search goes, decided in this one place: by the number of rows, what of them the graph
// knows, how many pass the filter, how many are asked for, and memory.

#include <cstddef>
#include <cstdint>

namespace strata::vector {

struct TierOptions {
  // Fewer rows are scanned, which is exact and takes about 2 ms at most.
  std::size_t exact_below = 200'000;
  // Fewer rows get no graph: their one-bit codes are scanned, which finds more than a graph does
  // and is there after seconds, but takes time in proportion to the rows.
  std::size_t graph_from = 4'000'000;
  // Rows, codes and graph together; 0: no limit. What would not fit is not made: first the graph,
  // then the codes; the scan stays.
  std::uint64_t memory_bytes_max = 0;
  // What scoring a row somewhere in memory, estimating it by its code, and asking a filter about it
  // cost, in rows scored in sequence. Measured with bench/vector at 1,000,000 rows; 0 for tests
  // that want the graph.
  double random_row_cost = 4;
  double code_cost = 0.15;
  double filter_cost = 1;
};

enum class Tier : std::uint8_t {
  kScan,          // every row is scored
  kScanMatching,  // rows that pass the filter are scored
  kCodes,         // every row is estimated by its code, the best are scored
  kGraph,         // the graph, and what it does not know yet is scanned
  kGraphTwoHops,  // the same, walking only through rows that pass
};

struct TierFacts {
  std::size_t rows = 0;
  bool coded = false;          // all have codes
  std::size_t candidates = 0;  // that are scored after a scan of the codes
  std::size_t unlinked = 0;    // of the rows not in the graph yet; all when there is none
  double passing = 1;          // share of rows that pass the filter, estimated; 1 without a filter
  std::size_t effort = 0;      // nodes that a search of the graph keeps
  std::size_t links = 0;       // of a node on level 0
};
// The cheapest way among those that the index has.
Tier ChooseTier(const TierOptions& options, const TierFacts& facts);

// Whether rows should get a graph or codes (or keep them: `has`, so that a base at the edge does
// not change its mind with every document). `memory_bytes`: with them.
bool WantsGraph(const TierOptions& options, std::size_t rows, bool has, std::uint64_t memory_bytes);
bool WantsCodes(const TierOptions& options, std::size_t rows, bool has, std::uint64_t memory_bytes);

}  // namespace strata::vector
