// What search costs when a base grows, leg by leg and as the product blends them.

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <unordered_map>
#include <vector>

#include "bench/gen/power_fit.h"
#include "bench/retrieval/bench.h"
#include "bench/retrieval/scale_cache.h"
#include "knowledge/lexical_index.h"
#include "knowledge/retrieve/fuse.h"
#include "knowledge/retrieve/smooth.h"
#include "vector/graph_index.h"
#include "vector/kernels.h"

namespace strata::bench {
namespace {

using knowledge::Candidate;
using knowledge::ChunkRun;

constexpr std::size_t kEach = 100;          // hits of each leg
constexpr std::size_t kAround = 8;          // as retrieve/candidates.cc
constexpr std::size_t kSpreadSample = 512;  // as base/kb_cache.cc
constexpr std::uint64_t kChunksOfDocument = 4;
constexpr std::size_t kBatch = 1024;

double CpuMilliseconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

struct Point {
  double chunks = 0;
  double lexical_p50 = 0;
  double lexical_p95 = 0;
  double dense_p50 = 0;
  double hybrid_p50 = 0;
  double hybrid_p95 = 0;
  double file_mib = 0;    // lexical segments, mapped
  double memory_mib = 0;  // vectors, codes, spelling
};

class Scale {
 public:
  Scale(const SpeedOptions& options, BeirCollection collection,
        std::shared_ptr<const vector::StaticEmbedder> embedder)
      : options_(options),
        collection_(std::move(collection)),
        embedder_(std::move(embedder)),
        dense_({.dimensions = static_cast<std::size_t>(embedder_->dimensions())}) {
    for (std::size_t i = 0; i < options.queries; ++i) {
      queries_.push_back(collection_.queries[i % collection_.queries.size()].text);
      vectors_.emplace_back(dense_.dimensions());
      embedder_->Embed(queries_.back(), vectors_.back());
    }
  }

  Result<void> Run() {
    const std::vector<std::size_t> sizes = {options_.chunks / 10, options_.chunks * 3 / 10,
                                            options_.chunks};
    ScaleCache cache(options_, *embedder_);
    STRATA_CHECK_OK(cache.Make(&collection_, sizes));
    STRATA_CHECK_OK(cache.OpenVectors());
    for (const auto size : sizes) {
      STRATA_TRY(lexical_, cache.OpenWords(size));
      while (added_ < size) {
        std::vector<std::uint64_t> ids(std::min(kBatch, size - added_));
        for (auto& id : ids) id = added_++;
        STRATA_TRY(const auto rows, cache.NextVectors(ids.size()));
        STRATA_CHECK_OK(dense_.Upsert(ids, rows));
      }
      STRATA_CHECK_OK(MeasureNow());
    }
    PrintGrowth();
    return {};
  }

 private:
  void Measure(const std::function<void(std::size_t)>& search, double Point::* p50,
               double Point::* p95, const char* name) {
    std::vector<double> times;
    for (std::size_t i = 0; i < queries_.size(); ++i) {
      const double start = CpuMilliseconds();
      search(i);
      times.push_back(CpuMilliseconds() - start);
    }
    std::ranges::sort(times);
    auto& point = points_.back();
    point.*p50 = times[times.size() / 2];
    const double high = times[times.size() * 95 / 100];
    if (p95 != nullptr) point.*p95 = high;
    std::printf("  %-28s p50 %8.3f ms  p95 %8.3f ms\n", name, point.*p50, high);
  }

  Result<void> MeasureNow() {
    while (dense_.Tend(std::chrono::milliseconds(1000))) {
    }
    points_.push_back({.chunks = static_cast<double>(added_)});
    const auto stats = lexical_->Stats();
    auto& point = points_.back();
    point.file_mib = static_cast<double>(stats.file_bytes) / (1 << 20);
    point.memory_mib =
        static_cast<double>(stats.spelling_bytes + dense_.Stats().memory_bytes) / (1 << 20);
    std::printf(
        "%zu chunks: %llu segments of %.0f MiB, %.0f MiB of memory for vectors and spelling\n",
        added_, static_cast<unsigned long long>(stats.segments), point.file_mib, point.memory_mib);
    Measure([&](std::size_t i) { found_ += lexical_->Search(queries_[i], kEach)->size(); },
            &Point::lexical_p50, &Point::lexical_p95, "lexical top 100");
    STRATA_CHECK_OK(CompareWithScoringAll());
    Measure([&](std::size_t i) { found_ += dense_.Search(vectors_[i], kEach)->size(); },
            &Point::dense_p50, nullptr, "vectors top 100");
    Measure([&](std::size_t i) { found_ += Hybrid(i); }, &Point::hybrid_p50, &Point::hybrid_p95,
            "hybrid, as the product blends");
    std::fflush(stdout);
    return {};
  }

  // A search for everything cannot leave anything out.
  Result<void> CompareWithScoringAll() {
    std::size_t equal = 0;
    const auto few = std::min(options_.peer_queries, queries_.size());
    for (std::size_t i = 0; i < few; ++i) {
      STRATA_TRY(const auto best, lexical_->Search(queries_[i], kEach));
      STRATA_TRY(auto all, lexical_->Search(queries_[i], added_));
      all.resize(std::min(all.size(), best.size()));
      equal += best == all ? 1 : 0;
    }
    std::printf("  equal to scoring every chunk: %zu of %zu\n", equal, few);
    if (equal == few) return {};
    return Fail(Code::kInternal, "pruning lost a hit");
  }

  ChunkRun RunAround(std::uint64_t id) const {
    const auto first = id / kChunksOfDocument * kChunksOfDocument;
    return {.first = std::max(first, id < kAround ? 0 : id - kAround),
            .last = std::min({first + kChunksOfDocument - 1, id + kAround, added_ - 1})};
  }

  std::size_t Hybrid(std::size_t query) {
    const auto words = lexical_->Search(queries_[query], kEach);
    const auto near = dense_.Search(vectors_[query], kEach);
    std::vector<Candidate> candidates;
    std::unordered_map<std::uint64_t, std::size_t> at;
    const auto entry = [&](std::uint64_t row) -> Candidate& {
      const auto [found, fresh] = at.emplace(row, candidates.size());
      if (fresh)
        candidates.push_back({.row = row, .lexical = {}, .dense = {}, .words = {}, .vectors = {}});
      return candidates[found->second];
    };
    for (const auto& hit : *words) entry(hit.id).lexical = hit.score;
    for (const auto& hit : *near) entry(hit.id).dense = hit.score;
    ScoreWords(queries_[query], candidates);
    ScoreVectors(vectors_[query], candidates);
    auto hits = knowledge::Blend(candidates,
                                 {.spread = dense_.Spread(vectors_[query], kSpreadSample).value()});
    std::vector<std::uint64_t> rows;
    rows.reserve(hits.size());
    for (const auto& hit : hits) rows.push_back(hit.row);
    knowledge::SmoothByNeighbours(hits, dense_.Rows(rows), dense_.dimensions());
    return hits.size();
  }

  void ScoreWords(const std::string& query, std::vector<Candidate>& candidates) const {
    std::vector<ChunkRun> alone;
    std::vector<ChunkRun> around;
    for (const auto& candidate : candidates) {
      if (!candidate.lexical) alone.push_back({.first = candidate.row, .last = candidate.row});
      around.push_back(RunAround(candidate.row));
    }
    const knowledge::DocumentsOfChunks documents{
        .count = added_ / kChunksOfDocument,
        .typical_chunks = kChunksOfDocument,
        .of = [](std::uint64_t id) { return id / kChunksOfDocument; }};
    const auto own = lexical_->ScoreRuns(query, alone, {});
    const auto together = lexical_->ScoreRuns(query, around, documents);
    auto next = own->begin();
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      auto& candidate = candidates[i];
      candidate.words = {.own = candidate.lexical ? *candidate.lexical : *next++,
                         .around = (*together)[i]};
    }
  }

  void ScoreVectors(std::span<const float> query, std::vector<Candidate>& candidates) const {
    std::vector<std::uint64_t> rows;
    for (const auto& candidate : candidates) {
      const auto run = RunAround(candidate.row);
      for (auto row = run.first; row <= run.last; ++row) rows.push_back(row);
    }
    const auto values = dense_.Rows(rows);
    const auto size = dense_.dimensions();
    std::size_t next = 0;
    for (auto& candidate : candidates) {
      const auto run = RunAround(candidate.row);
      std::vector<float> mean(size);
      for (auto row = run.first; row <= run.last; ++row, ++next) {
        const auto vector = std::span(values).subspan(next * size, size);
        if (row == candidate.row) candidate.vectors.own = vector::Dot(query, vector);
        for (std::size_t i = 0; i < size; ++i) mean[i] += vector[i];
      }
      vector::Normalize(mean);
      candidate.vectors.around = vector::Dot(query, mean);
    }
  }

  void PrintGrowth() const {
    const auto print = [&](const char* name, const char* unit, double Point::* value) {
      std::vector<std::pair<double, double>> measured;
      measured.reserve(points_.size());
      for (const Point& point : points_) measured.emplace_back(point.chunks, point.*value);
      const Power power = FitPower(measured);
      std::printf("%-14s grows as chunks^%.2f; at 10 million %.1f %s, at 100 million %.1f %s\n",
                  name, power.exponent, power.At(1e7), unit, power.At(1e8), unit);
    };
    print("lexical p50", "ms", &Point::lexical_p50);
    print("lexical p95", "ms", &Point::lexical_p95);
    print("vectors p50", "ms", &Point::dense_p50);
    print("hybrid p50", "ms", &Point::hybrid_p50);
    print("hybrid p95", "ms", &Point::hybrid_p95);
    print("segments", "MiB", &Point::file_mib);
    print("memory", "MiB", &Point::memory_mib);
    const Point& last = points_.back();
    std::printf("limit: lexical p50 <= 8 ms, p95 <= 30 ms: %s\n",
                last.lexical_p50 <= 8 && last.lexical_p95 <= 30 ? "met" : "MISSED");
    std::printf("limit: hybrid p95 <= 40 ms: %s\n", last.hybrid_p95 <= 40 ? "met" : "MISSED");
  }

  const SpeedOptions options_;
  const BeirCollection collection_;
  const std::shared_ptr<const vector::StaticEmbedder> embedder_;
  std::vector<std::string> queries_;
  std::vector<std::vector<float>> vectors_;
  std::unique_ptr<knowledge::LexicalIndex> lexical_;
  vector::GraphIndex dense_;
  std::uint64_t added_ = 0;
  std::vector<Point> points_;
  std::size_t found_ = 0;  // keeps the searches from being optimized away
};

}  // namespace

Result<void> MeasureScale(const SpeedOptions& options) {
  if (options.data.empty() || options.static_embedder.empty() || options.chunks < 10) {
    return Fail(InvalidArgument("--scale", "wants --data, --static and ten chunks at least"));
  }
  STRATA_TRY(auto collection, LoadBeir(options.data));
  if (collection.queries.empty()) return Fail(InvalidArgument("--data", "has no queries"));
  STRATA_TRY(auto embedder, vector::StaticEmbedder::Open(options.static_embedder));
  std::printf("text and queries from %s, vectors of %s, one thread, CPU time\n",
              options.data.c_str(), embedder->version().c_str());
  return Scale(options, std::move(collection), std::move(embedder)).Run();
}

}  // namespace strata::bench
