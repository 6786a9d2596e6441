#include "vector/search_tier.h"

#include <algorithm>

namespace strata::vector {
namespace {

// Below this share of passing rows a walk through the graph meets too few of them.
constexpr double kWalkAllShare = 0.2;
// Passing rows that a node must lead to over two hops, on average, for them to hang together.
constexpr double kTwoHopRowsMin = 8;

// Rows that a scan asks the filter about, for each of the candidates it keeps that pass: the edge
// above which they are rises while it goes.
constexpr double kAskedForEach = 4;

struct Way {
  Tier tier = Tier::kScan;
  double cost = 0;  // in rows scored in sequence
};

Way CheapestScan(const TierOptions& options, const TierFacts& facts) {
  const auto rows = static_cast<double>(facts.rows);
  Way way{.tier = Tier::kScan, .cost = rows};
  if (facts.passing < kWalkAllShare) {
    way = {.tier = Tier::kScanMatching, .cost = rows * (options.filter_cost + facts.passing)};
  }
  if (!facts.coded) return way;
  const auto candidates = static_cast<double>(facts.candidates);
  double cost = rows * options.code_cost + candidates * options.random_row_cost;
  if (facts.passing < 1) {
    const double asked = kAskedForEach * candidates / std::max(facts.passing, 1 / rows);
    cost += std::min(rows, asked) * options.filter_cost;
  }
  return cost < way.cost ? Way{.tier = Tier::kCodes, .cost = cost} : way;
}

bool Fits(const TierOptions& options, std::uint64_t memory_bytes) {
  return options.memory_bytes_max == 0 || memory_bytes <= options.memory_bytes_max;
}

}  // namespace

Tier ChooseTier(const TierOptions& options, const TierFacts& facts) {
  const Way scan = CheapestScan(options, facts);
  if (facts.rows < options.exact_below) {
    return facts.passing < kWalkAllShare ? Tier::kScanMatching : Tier::kScan;
  }
  if (facts.unlinked * 2 > facts.rows) return scan.tier;
  const auto links = static_cast<double>(facts.links);
  const double walk = static_cast<double>(facts.effort) * links;
  const double unlinked = static_cast<double>(facts.unlinked);
  if (facts.passing >= kWalkAllShare) {
    const double cost = walk / facts.passing * options.random_row_cost + unlinked;
    return cost < scan.cost ? Tier::kGraph : scan.tier;
  }
  const bool together = facts.passing * links * links >= kTwoHopRowsMin;
  const double cost = walk * links * options.filter_cost + unlinked;
  return together && cost < scan.cost ? Tier::kGraphTwoHops : scan.tier;
}

bool WantsGraph(const TierOptions& options, std::size_t rows, bool has,
                std::uint64_t memory_bytes) {
  const std::size_t from = std::max(options.exact_below, options.graph_from);
  return rows > 0 && rows >= (has ? from / 2 : from) && Fits(options, memory_bytes);
}

bool WantsCodes(const TierOptions& options, std::size_t rows, bool has,
                std::uint64_t memory_bytes) {
  const std::size_t from = options.exact_below;
  return rows > 0 && rows >= (has ? from / 2 : from) && Fits(options, memory_bytes);
}

}  // namespace strata::vector
