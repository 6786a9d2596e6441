#pragma once
// The two halves of bench_retrieval: what search costs, and how well keyword search ranks.

#include <cstdint>
#include <string>

#include "base/result.h"

namespace strata::bench {

struct SpeedOptions {
  std::size_t chunks = 100'000;
  std::size_t queries = 1000;
  std::size_t peer_queries = 60;  // of the slower peers: FTS5, float scan
  std::uint64_t seed = 1;
  std::string data;  // folder in BEIR's form to draw text and queries from; "": pseudo-words
  std::string static_embedder;  // its file; "": vectors with random topics
};

// Prints p50 and p95 in milliseconds, the ratio to each peer, and the recall of the vector index.
Result<void> MeasureSpeed(const SpeedOptions& options);

// Prints nDCG@10 and recall@100 of keyword search, ours and FTS5's, on a folder in BEIR's form.
Result<void> MeasureQuality(const std::string& data);

}  // namespace strata::bench
