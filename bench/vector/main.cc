// bench_vector: what vector search costs on one core, and what it finds, as rows grow.
//   bench_vector --cache DIR --static FILE --data BEIR_DIR [--data …] [--sizes N,N,…] [--queries
//   N]
//   [--links N] [--build-effort N] [--effort N] [--efforts N,N,…] [--exact-below N] [--graph-from
//   N] [--candidates N] [--code-share X] [--peer 0|1] [--seed N]
// --peer 1: hnswlib at the first size, instead.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "bench/vector/contest.h"

namespace {

std::vector<std::size_t> Numbers(const char* text) {
  std::vector<std::size_t> numbers;
  char* end = nullptr;
  for (const char* at = text; *at != '\0'; at = *end == ',' ? end + 1 : end) {
    numbers.push_back(std::strtoull(at, &end, 10));
    if (end == at) return {};
  }
  return numbers;
}

}  // namespace

int main(int argc, char** argv) {
  strata::bench::VectorDataOptions from;
  strata::bench::ContestOptions contest;
  contest.sizes = {100'000};
  contest.index.dimensions = strata::bench::kDimensions;
  bool peer = false;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--cache") {
      from.folder = value;
    } else if (name == "--static") {
      from.static_embedder = value;
    } else if (name == "--data") {
      from.sets.emplace_back(value);
    } else if (name == "--sizes") {
      contest.sizes = Numbers(value);
    } else if (name == "--queries") {
      from.queries = std::strtoull(value, nullptr, 10);
    } else if (name == "--links") {
      contest.index.links = std::strtoull(value, nullptr, 10);
    } else if (name == "--build-effort") {
      contest.index.build_effort = std::strtoull(value, nullptr, 10);
    } else if (name == "--effort") {
      contest.index.search_effort = std::strtoull(value, nullptr, 10);
    } else if (name == "--exact-below") {
      contest.index.tier.exact_below = std::strtoull(value, nullptr, 10);
    } else if (name == "--graph-from") {
      contest.index.tier.graph_from = std::strtoull(value, nullptr, 10);
    } else if (name == "--candidates") {
      contest.index.code_candidates = std::strtoull(value, nullptr, 10);
    } else if (name == "--code-share") {
      contest.index.code_share = std::strtod(value, nullptr);
    } else if (name == "--efforts") {
      contest.efforts = Numbers(value);
    } else if (name == "--peer") {
      peer = std::string_view(value) == "1";
    } else if (name == "--seed") {
      from.seed = std::strtoull(value, nullptr, 10);
    } else {
      std::fprintf(stderr, "unknown option %s\n", argv[i]);
      return 2;
    }
  }
  if (argc % 2 == 0 || from.folder.empty() || contest.sizes.empty()) {
    std::fprintf(stderr, "--cache DIR is needed, and each option has one value\n");
    return 2;
  }
  from.rows = contest.sizes.back();
  const auto data = strata::bench::VectorData::Open(from);
  if (!data) {
    std::fprintf(stderr, "%s\n", data.error().message().c_str());
    return 1;
  }
  std::printf("%zu rows of %zu dimensions, %zu queries, one thread, CPU time\n", data->rows(),
              strata::bench::kDimensions, data->queries());
  if (peer) {
    auto efforts = contest.efforts;
    efforts.insert(efforts.begin(), contest.index.search_effort);
    strata::bench::MeasureHnswlib(*data, {.rows = contest.sizes.front(),
                                          .links = contest.index.links,
                                          .build_effort = contest.index.build_effort,
                                          .efforts = efforts});
    return 0;
  }
  const auto done = strata::bench::MeasureGraph(*data, contest);
  if (done) return 0;
  std::fprintf(stderr, "%s\n", done.error().message().c_str());
  return 1;
}
