// bench_retrieval: what retrieval over many chunks costs on one core, and how well keyword search
// ranks.
//   bench_retrieval [--chunks N] [--queries N] [--peer-queries N] [--seed N] [--data BEIR_DIR]
//   [--static FILE]
//   bench_retrieval --scale N --data BEIR_DIR --static FILE [--queries N] [--peer-queries N]
//   [--cache DIR]
//   bench_retrieval --quality BEIR_DIR

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "bench/retrieval/bench.h"

int main(int argc, char** argv) {
  strata::bench::SpeedOptions options;
  std::string quality;
  bool scale = false;
  for (int i = 1; i < argc; i += 2) {
    std::string_view name = argv[i];
    if (i + 1 == argc) {
      std::fprintf(stderr, "%s needs a value\n", argv[i]);
      return 2;
    }
    const char* value = argv[i + 1];
    if (name == "--chunks") {
      options.chunks = std::strtoull(value, nullptr, 10);
    } else if (name == "--scale") {
      options.chunks = std::strtoull(value, nullptr, 10);
      scale = true;
    } else if (name == "--queries") {
      options.queries = std::strtoull(value, nullptr, 10);
    } else if (name == "--peer-queries") {
      options.peer_queries = std::strtoull(value, nullptr, 10);
    } else if (name == "--seed") {
      options.seed = std::strtoull(value, nullptr, 10);
    } else if (name == "--data") {
      options.data = value;
    } else if (name == "--static") {
      options.static_embedder = value;
    } else if (name == "--cache") {
      options.cache = value;
    } else if (name == "--quality") {
      quality = value;
    } else {
      std::fprintf(stderr, "unknown option %s\n", argv[i]);
      return 2;
    }
  }
  auto done = !quality.empty() ? strata::bench::MeasureQuality(quality)
              : scale          ? strata::bench::MeasureScale(options)
                               : strata::bench::MeasureSpeed(options);
  if (done) return 0;
  std::fprintf(stderr, "%s\n", done.error().message().c_str());
  return 1;
}
