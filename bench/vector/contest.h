#pragma once
// The measurements of bench_vector.

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/vector/data.h"
#include "vector/graph_index.h"

namespace strata::bench {

constexpr std::size_t kTop = 10;

// CPU time of this thread: everything is in memory and nothing waits.
double CpuSeconds();
// Memory of this process that no file stands behind.
std::size_t AnonymousBytes();

struct Latency {
  double p50_ms = 0;
  double p95_ms = 0;
};
Latency Measure(std::size_t queries, const std::function<void(std::size_t)>& search);

// The nearest of the first `rows` rows to each query by a float scan; only every `every`-th row.
std::vector<std::vector<std::uint64_t>> Truth(const VectorData& data, std::size_t rows,
                                              std::size_t every);
double Recall(const std::vector<std::vector<std::uint64_t>>& truth,
              const std::vector<std::vector<std::uint64_t>>& found);

struct Growth {
  std::size_t rows = 0;
  double build_s = 0;
  double p50_ms = 0;
  double bytes = 0;
};

struct ContestOptions {
  std::vector<std::size_t> sizes;
  vector::GraphIndexOptions index;
  std::vector<std::size_t> efforts;                        // beside the index's own, at each size
  std::vector<std::size_t> every = {1, 2, 10, 100, 1000};  // filters pass one row of so many
};

// Fills one index up to each size in turn and measures it there.
Result<void> MeasureGraph(const VectorData& data, const ContestOptions& options);

// hnswlib over floats, with the same links and build effort.
struct PeerOptions {
  std::size_t rows = 0;
  std::size_t links = 16;
  std::size_t build_effort = 100;
  std::vector<std::size_t> efforts;
};
void MeasureHnswlib(const VectorData& data, const PeerOptions& options);

}  // namespace strata::bench
