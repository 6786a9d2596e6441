#pragma once
// Which way a search goes, decided in this one place: by the number of rows, what of them the graph
// knows, how many pass the filter, how many are asked for, and memory.

#include <cstddef>
#include <cstdint>

namespace strata::vector {

struct TierOptions {
  // Fewer rows are scanned, which is exact and takes about 2 ms at most.
  std::size_t exact_below = 200'000;
  // Rows and graph together; 0: no limit. A graph that would not fit is not built, and the scan
  // stays.
  std::uint64_t memory_bytes_max = 0;
  // What scoring a row somewhere in memory costs, and asking a filter about a row, in rows scored
  // in sequence. Measured with bench/vector at 1,000,000 rows; 0 for tests that want the graph.
  double random_row_cost = 4;
  double filter_cost = 1;
};

enum class Tier : std::uint8_t {
  kScan,          // every row is scored
  kScanMatching,  // rows that pass the filter are scored
  kGraph,         // the graph, and what it does not know yet is scanned
  kGraphTwoHops,  // the same, walking only through rows that pass
};

struct TierFacts {
  std::size_t rows = 0;
  std::size_t unlinked = 0;  // of them not in the graph yet; all when there is none
  double passing = 1;        // share of rows that pass the filter, estimated; 1 without a filter
  std::size_t effort = 0;    // nodes that a search of the graph keeps
  std::size_t links = 0;     // of a node on level 0
};
Tier ChooseTier(const TierOptions& options, const TierFacts& facts);

// Whether rows should get a graph (or keep it: `has_graph`, so that a base at the edge does not
// change its mind with every document).
bool WantsGraph(const TierOptions& options, std::size_t rows, bool has_graph,
                std::uint64_t memory_bytes);

}  // namespace strata::vector
