#pragma once
// The parts of bench_retrieval: what search costs, how that grows, and how well keyword search
// ranks.

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
  std::string cache;  // folder that MeasureScale keeps what it made in; "": nothing is kept
};

// Prints p50 and p95 in milliseconds, the ratio to each peer, and the recall of the vector index.
Result<void> MeasureSpeed(const SpeedOptions& options);

// At a tenth, three tenths and all of `options.chunks`, four of which make a document: p50 and p95
// of keyword search for 100 (and whether it finds what scoring everything finds), of vector search
// and of both with all that the product does to blend them; how time and memory grow. Wants `data`
// with queries, whose text goes on being made, and a static embedder. Texts are made, indexed and
// embedded once for each cache.
Result<void> MeasureScale(const SpeedOptions& options);

// Prints nDCG@10 and recall@100 of keyword search, ours and FTS5's, on a folder in BEIR's form.
Result<void> MeasureQuality(const std::string& data);

}  // namespace strata::bench
