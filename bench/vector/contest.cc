#include "bench/vector/contest.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <string>

#include "bench/gen/power_fit.h"
#include "vector/kernels.h"

namespace strata::bench {
namespace {

using Found = std::vector<std::vector<std::uint64_t>>;

std::vector<std::uint64_t> Ids(const std::vector<vector::VectorHit>& hits) {
  std::vector<std::uint64_t> ids;
  for (const auto& hit : hits) {
    if (ids.size() < kTop) ids.push_back(hit.id);
  }
  return ids;
}

void PrintFit(const char* name, const char* unit, const std::vector<Growth>& points,
              double Growth::* value, double scale) {
  std::vector<std::pair<double, double>> measured;
  for (const Growth& point : points) {
    measured.emplace_back(static_cast<double>(point.rows), point.*value);
  }
  const Power power = FitPower(measured);
  std::printf("%-8s grows as rows^%.2f; at 10 million %.1f %s, at 100 million %.1f %s\n", name,
              power.exponent, power.At(1e7) * scale, unit, power.At(1e8) * scale, unit);
}

// The index under test, at one size.
class Round {
 public:
  Round(const VectorData& data, const vector::GraphIndex& index, std::size_t rows)
      : data_(data), index_(index), rows_(rows) {}

  Latency Search(const char* name, std::size_t every, std::size_t limit) {
    vector::IdFilter filter;
    if (every > 1) filter = [every](std::uint64_t id) { return id % every == 0; };
    Found found(data_.queries());
    const Latency latency = Measure(data_.queries(), [&](std::size_t i) {
      found[i] = Ids(*index_.Search(data_.Query(i), limit, filter));
    });
    if (truth_every_ != every) truth_ = Truth(data_, rows_, every);
    truth_every_ = every;
    std::printf("  %-34s recall@10 %.4f  p50 %7.3f ms  p95 %7.3f ms\n", name, Recall(truth_, found),
                latency.p50_ms, latency.p95_ms);
    return latency;
  }

 private:
  const VectorData& data_;
  const vector::GraphIndex& index_;
  const std::size_t rows_;
  std::size_t truth_every_ = 0;
  Found truth_;
};

// What a restart costs instead of building: an index of the same rows takes up the saved graph.
Result<void> MeasureReload(const VectorData& data, vector::GraphIndex& built, std::size_t rows) {
  std::string bytes;
  double start = CpuSeconds();
  STRATA_CHECK_OK(built.Save(1, [&](std::string_view piece) -> Result<void> {
    bytes += piece;
    return {};
  }));
  const double saved_s = CpuSeconds() - start;
  vector::GraphIndex again(built.options());
  std::vector<std::uint64_t> ids(rows);
  std::iota(ids.begin(), ids.end(), 0);
  start = CpuSeconds();
  STRATA_CHECK_OK(again.Upsert(ids, data.Rows(0, rows)));
  const double filled_s = CpuSeconds() - start;
  start = CpuSeconds();
  STRATA_TRY(auto file, vector::GraphFile::Parse(bytes));
  STRATA_CHECK_OK(again.Load(file));
  std::printf(
      "  graph file of %.1f MiB: saved in %.2f s, taken up in %.2f s beside %.2f s for the "
      "rows; %zu rows left to link\n",
      static_cast<double>(bytes.size()) / (1 << 20), saved_s, CpuSeconds() - start, filled_s,
      again.graph_stats().unlinked);
  return {};
}

}  // namespace

double CpuSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::size_t AnonymousBytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    std::size_t kilobytes = 0;
    if (word == "RssAnon:" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

Latency Measure(std::size_t queries, const std::function<void(std::size_t)>& search) {
  std::vector<double> times;
  for (std::size_t i = 0; i < queries; ++i) {
    const double start = CpuSeconds();
    search(i);
    times.push_back((CpuSeconds() - start) * 1e3);
  }
  std::ranges::sort(times);
  if (times.empty()) return {};
  return {.p50_ms = times[times.size() / 2], .p95_ms = times[times.size() * 95 / 100]};
}

Found Truth(const VectorData& data, std::size_t rows, std::size_t every) {
  // Row by row past all queries: the rows come from memory once.
  using Entry = std::pair<float, std::uint64_t>;
  auto better = [](const Entry& a, const Entry& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  };
  std::vector<std::vector<Entry>> heaps(data.queries());
  for (std::size_t row = 0; row < rows; row += every) {
    for (std::size_t i = 0; i < heaps.size(); ++i) {
      auto& heap = heaps[i];
      const Entry entry{vector::Dot(data.Query(i), data.Row(row)), row};
      if (heap.size() == kTop && !better(entry, heap.front())) continue;
      if (heap.size() == kTop) {
        std::ranges::pop_heap(heap, better);
        heap.pop_back();
      }
      heap.push_back(entry);
      std::ranges::push_heap(heap, better);
    }
  }
  Found truth;
  for (const auto& heap : heaps) {
    truth.emplace_back();
    for (const auto& [score, id] : heap) truth.back().push_back(id);
  }
  return truth;
}

double Recall(const Found& truth, const Found& found) {
  std::size_t right = 0;
  std::size_t all = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    for (const std::uint64_t id : truth[i]) {
      right += std::ranges::count(found[i], id) > 0 ? 1 : 0;
    }
    all += truth[i].size();
  }
  return static_cast<double>(right) / static_cast<double>(std::max<std::size_t>(all, 1));
}

Result<void> MeasureGraph(const VectorData& data, const ContestOptions& options) {
  constexpr std::size_t kBatch = 1000;
  const std::size_t before = AnonymousBytes();
  vector::GraphIndex index(options.index);
  std::vector<Growth> growth;
  std::size_t filled = 0;
  double build_s = 0;
  for (const std::size_t size : options.sizes) {
    const double start = CpuSeconds();
    for (; filled < size; filled += kBatch) {
      std::vector<std::uint64_t> ids(std::min(kBatch, size - filled));
      for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = filled + i;
      STRATA_CHECK_OK(index.Upsert(ids, data.Rows(filled, ids.size())));
    }
    while (index.Tend(std::chrono::seconds(10))) {
      std::fprintf(stderr, "\r  %zu not in a graph   ", index.graph_stats().unlinked);
    }
    build_s += CpuSeconds() - start;
    const auto stats = index.Stats();
    const std::size_t resident = AnonymousBytes() - before;
    std::printf(
        "\r%zu rows: filled and linked in %.1f s CPU; %.1f MiB counted (graph %.1f), %.1f "
        "MiB resident\n",
        size, build_s, static_cast<double>(stats.memory_bytes) / (1 << 20),
        static_cast<double>(index.graph_stats().memory_bytes) / (1 << 20),
        static_cast<double>(resident) / (1 << 20));
    Round round(data, index, size);
    const Latency plain = round.Search("no filter", 1, kTop);
    for (const std::size_t effort : options.efforts) {
      round.Search(("no filter, effort " + std::to_string(effort)).c_str(), 1, effort / 2);
    }
    for (const std::size_t every : options.every) {
      round.Search(("1 row of " + std::to_string(every) + " passes").c_str(), every, kTop);
    }
    if (growth.empty() && index.graph_stats().linked > 0) {
      STRATA_CHECK_OK(MeasureReload(data, index, size));
    }
    std::fflush(stdout);
    growth.push_back({.rows = size,
                      .build_s = build_s,
                      .p50_ms = plain.p50_ms,
                      .bytes = static_cast<double>(stats.memory_bytes)});
  }
  if (growth.size() < 2) return {};
  PrintFit("time", "ms", growth, &Growth::p50_ms, 1);
  PrintFit("memory", "GiB", growth, &Growth::bytes, 1.0 / (1 << 30));
  PrintFit("build", "h", growth, &Growth::build_s, 1.0 / 3600);
  return {};
}

}  // namespace strata::bench
