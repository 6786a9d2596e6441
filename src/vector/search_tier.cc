#include "vector/search_tier.h"

namespace strata::vector {
namespace {

// Below this share of passing rows a walk through the graph meets too few of them.
constexpr double kWalkAllShare = 0.2;
// Passing rows that a node must lead to over two hops, on average, for them to hang together.
constexpr double kTwoHopRowsMin = 8;

}  // namespace

Tier ChooseTier(const TierOptions& options, const TierFacts& facts) {
  const Tier scan = facts.passing < kWalkAllShare ? Tier::kScanMatching : Tier::kScan;
  if (facts.rows < options.exact_below || facts.unlinked * 2 > facts.rows) return scan;
  const auto rows = static_cast<double>(facts.rows - facts.unlinked);
  const auto links = static_cast<double>(facts.links);
  const double walk = static_cast<double>(facts.effort) * links;
  if (facts.passing >= kWalkAllShare) {
    return walk / facts.passing * options.random_row_cost < rows ? Tier::kGraph : scan;
  }
  const bool together = facts.passing * links * links >= kTwoHopRowsMin;
  return together && walk * links * options.filter_cost < rows ? Tier::kGraphTwoHops : scan;
}

bool WantsGraph(const TierOptions& options, std::size_t rows, bool has_graph,
                std::uint64_t memory_bytes) {
  if (options.memory_bytes_max > 0 && memory_bytes > options.memory_bytes_max) return false;
  return rows >= (has_graph ? options.exact_below / 2 : options.exact_below) && rows > 0;
}

}  // namespace strata::vector
