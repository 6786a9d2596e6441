#include <hnswlib/hnswlib.h>

#include <cstdio>

#include "bench/vector/contest.h"

namespace strata::bench {

void MeasureHnswlib(const VectorData& data, const PeerOptions& options) {
  hnswlib::InnerProductSpace space(kDimensions);
  const std::size_t before = AnonymousBytes();
  const double start = CpuSeconds();
  hnswlib::HierarchicalNSW<float> index(&space, options.rows, options.links, options.build_effort);
  for (std::size_t row = 0; row < options.rows; ++row) {
    index.addPoint(data.Row(row).data(), row);
  }
  std::printf("hnswlib, floats, %zu rows: built in %.1f s CPU; %.1f MiB resident\n", options.rows,
              CpuSeconds() - start, static_cast<double>(AnonymousBytes() - before) / (1 << 20));
  const auto truth = Truth(data, options.rows, 1);
  for (const std::size_t effort : options.efforts) {
    index.setEf(effort);
    std::vector<std::vector<std::uint64_t>> found(data.queries());
    const Latency latency = Measure(data.queries(), [&](std::size_t i) {
      auto nearest = index.searchKnn(data.Query(i).data(), kTop);
      for (; !nearest.empty(); nearest.pop()) found[i].push_back(nearest.top().second);
    });
    std::printf("  %-34s recall@10 %.4f  p50 %7.3f ms  p95 %7.3f ms\n",
                ("effort " + std::to_string(effort)).c_str(), Recall(truth, found), latency.p50_ms,
                latency.p95_ms);
  }
}

}  // namespace strata::bench
