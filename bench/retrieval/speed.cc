#include <malloc.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/encoding.h"
#include "bench/gen/scale_corpus.h"
#include "bench/retrieval/bench.h"
#include "knowledge/base/names_keeper.h"
#include "knowledge/lexical/fts5_reference.h"
#include "knowledge/lexical_index.h"
#include "knowledge/retrieve/phrases.h"
#include "vector/exact_index.h"
#include "vector/kernels.h"

namespace strata::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTop = 10;
constexpr std::size_t kFused = 50;  // hits of each leg that hybrid search blends

// CPU time of this thread: everything is in memory and nothing waits, so that on an idle machine
// this is the time on the clock, and on a busy one the others do not count.
double CpuMilliseconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// Memory of this process, mapped files included.
double ResidentMegabytes() {
  ::malloc_trim(0);
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

struct Latency {
  double p50 = 0;
  double p95 = 0;
};

Latency Measure(std::size_t queries, const std::function<void(std::size_t)>& search) {
  std::vector<double> times;
  for (std::size_t i = 0; i < queries; ++i) {
    double start = CpuMilliseconds();
    search(i);
    times.push_back(CpuMilliseconds() - start);
  }
  std::ranges::sort(times);
  if (times.empty()) return {};
  return {.p50 = times[times.size() / 2], .p95 = times[times.size() * 95 / 100]};
}

void Print(const char* name, Latency latency) {
  std::printf("%-34s p50 %8.3f ms  p95 %8.3f ms\n", name, latency.p50, latency.p95);
}

std::vector<vector::VectorHit> FloatScan(const ScaleVectors& vectors, std::span<const float> query,
                                         std::size_t limit) {
  std::vector<vector::VectorHit> heap;
  auto better = [](const vector::VectorHit& a, const vector::VectorHit& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  };
  std::size_t rows = vectors.chunks.size() / vectors.dimensions;
  for (std::size_t row = 0; row < rows; ++row) {
    auto values = std::span(vectors.chunks).subspan(row * vectors.dimensions, vectors.dimensions);
    vector::VectorHit hit{.id = row, .score = vector::Dot(query, values)};
    if (heap.size() == limit && !better(hit, heap.front())) continue;
    if (heap.size() == limit) {
      std::ranges::pop_heap(heap, better);
      heap.pop_back();
    }
    heap.push_back(hit);
    std::ranges::push_heap(heap, better);
  }
  std::ranges::sort(heap, better);
  return heap;
}

// Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009) of the two legs, k = 60.
std::size_t Fuse(const std::vector<knowledge::LexicalHit>& lexical,
                 const std::vector<vector::VectorHit>& dense) {
  std::map<std::uint64_t, double> scores;
  for (std::size_t i = 0; i < lexical.size(); ++i) {
    scores[lexical[i].id] += 1.0 / (61.0 + static_cast<double>(i));
  }
  for (std::size_t i = 0; i < dense.size(); ++i) {
    scores[dense[i].id] += 1.0 / (61.0 + static_cast<double>(i));
  }
  std::vector<std::pair<double, std::uint64_t>> order;
  for (auto [id, score] : scores) order.push_back({-score, id});
  std::size_t top = std::min(kTop, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(top), order.end());
  return top;
}

// Everything under test, filled with one corpus.
class Contest {
 public:
  Contest(const SpeedOptions& options, ScaleCorpus corpus, ScaleVectors vectors)
      : options_(options), corpus_(std::move(corpus)), vectors_(std::move(vectors)) {}
  ~Contest() { fs::remove_all(folder_); }
  Contest(const Contest&) = delete;
  Contest& operator=(const Contest&) = delete;

  Result<void> Fill() {
    folder_ = (fs::temp_directory_path() / "strata-bench-retrieval-XXXXXX").string();
    if (::mkdtemp(folder_.data()) == nullptr)
      return Fail(Code::kUnavailable, "no temporary folder");
    STRATA_CHECK_OK(FillNames());
    STRATA_TRY(lexical_, knowledge::OpenLexicalIndex(folder_));
    double start = CpuMilliseconds();
    STRATA_CHECK_OK(FillLexical(*lexical_));
    double ours = CpuMilliseconds() - start;
    auto stats = lexical_->Stats();
    std::printf("lexical index: built in %.1f s, %.1f MB, %llu segments, %llu words\n", ours / 1000,
                static_cast<double>(stats.file_bytes) / 1e6,
                static_cast<unsigned long long>(stats.segments),
                static_cast<unsigned long long>(stats.terms));
    start = CpuMilliseconds();
    STRATA_CHECK_OK(FillLexical(fts5_));
    std::printf("FTS5 in memory: built in %.1f s\n", (CpuMilliseconds() - start) / 1000);
    return FillVectors();
  }

  Result<void> Run() {
    STRATA_CHECK_OK(RunLexical());
    RunPhrases();
    RunDense();
    Latency hybrid = Measure(corpus_.queries.size(), [&](std::size_t i) {
      auto words = lexical_->Search(corpus_.queries[i].text, kFused);
      auto near = dense_->Search(Query(i), kFused);
      fused_ += Fuse(*words, *near);
    });
    Print("hybrid (50 + 50, fused)", hybrid);
    std::printf("limit: hybrid p50 <= 10 ms: %s\n", hybrid.p50 <= 10 ? "met" : "MISSED");
    return {};
  }

 private:
  Result<void> FillLexical(knowledge::LexicalIndex& index) const {
    for (std::size_t i = 0; i < corpus_.chunks.size(); ++i) {
      const ScaleCorpus::Chunk& chunk = corpus_.chunks[i];
      knowledge::LexicalDocument document{.id = i, .title = chunk.title, .body = chunk.body};
      STRATA_CHECK_OK(index.Put(std::span(&document, 1)));
    }
    return index.Commit(1);
  }

  std::uint32_t FingerprintOf(std::size_t i) const {
    return static_cast<std::uint32_t>(Hash64(corpus_.chunks[i].body));
  }

  // What a base does with names when it is opened: without files, and with those that it wrote.
  Result<void> FillNames() const {
    const knowledge::NamesKeeperOptions in_folder{.database = folder_,
                                                  .folder = folder_ + "/names"};
    {
      knowledge::NamesKeeper names({.database = {}, .folder = {}});
      MakeNames("names graph, made anew", names);
      WalkNames(names);
    }
    {
      knowledge::NamesKeeper names(in_folder);
      names.Load();
      MakeNames("names graph, made anew for files", names);
      const double start = CpuMilliseconds();
      while (names.Tend([] { return false; })) {
      }
      std::printf("names files: written in %.2f s\n", (CpuMilliseconds() - start) / 1000);
    }
    const double before = ResidentMegabytes();
    const double start = CpuMilliseconds();
    knowledge::NamesKeeper names(in_folder);
    names.Load();
    std::size_t missing = 0;
    for (std::size_t i = 0; i < corpus_.chunks.size(); ++i) {
      missing += names.Claim(i, FingerprintOf(i)) ? 0 : 1;
    }
    const double took = (CpuMilliseconds() - start) / 1000;
    const auto stats = names.stats();
    std::printf(
        "names graph, from files: loaded in %.2f s but for %zu chunks, %zu segments of %.1f MB, "
        "%.1f MB of memory, resident %.1f MB\n",
        took, missing, stats.segments, static_cast<double>(stats.file_bytes) / 1e6,
        static_cast<double>(stats.memory_bytes) / 1e6, ResidentMegabytes() - before);
    WalkNames(names);
    fs::remove_all(in_folder.folder);
    return {};
  }

  void MakeNames(const char* what, knowledge::NamesKeeper& names) const {
    namespace graph = knowledge::graph;
    const double resident = ResidentMegabytes();
    const double start = CpuMilliseconds();
    double reading = 0;
    for (std::size_t i = 0; i < corpus_.chunks.size(); ++i) {
      const ScaleCorpus::Chunk& chunk = corpus_.chunks[i];
      const double before = CpuMilliseconds();
      graph::PassageNames of_chunk{.titles = graph::NamesOfDocument(chunk.title, {}),
                                   .text = graph::NamesIn(chunk.body),
                                   .fingerprint = FingerprintOf(i)};
      graph::AddHeadings(chunk.title, of_chunk.text);
      reading += CpuMilliseconds() - before;
      names.Add(i, of_chunk);
    }
    const auto stats = names.stats();
    std::printf("%s: in %.2f s (%.2f s to find the names), %zu names, %.1f MB, resident %.1f MB\n",
                what, (CpuMilliseconds() - start) / 1000, reading / 1000, stats.names,
                static_cast<double>(stats.memory_bytes) / 1e6, ResidentMegabytes() - resident);
    std::fflush(stdout);
  }

  void WalkNames(const knowledge::NamesKeeper& names) const {
    std::size_t reached = 0;
    std::size_t edges = 0;
    const auto count = std::clamp<std::size_t>(corpus_.queries.size(), 1, 20);
    const auto latency = Measure(count, [&](std::size_t i) {
      const auto& chunk = corpus_.chunks[i * 7919 % corpus_.chunks.size()];
      const auto answer = names.Walk("What is known of " + chunk.title + "?", {}, {});
      reached += answer.passages.size();
      edges += answer.edges;
    });
    Print("walk over names", latency);
    std::printf("  reached %zu passages over %zu edges a question\n", reached / count,
                edges / count);
    std::fflush(stdout);
  }

  Result<void> FillVectors() {
    dense_ = vector::MakeExactIndex({.dimensions = vectors_.dimensions});
    std::vector<std::uint64_t> ids(corpus_.chunks.size());
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = i;
    double start = CpuMilliseconds();
    STRATA_CHECK_OK(dense_->Upsert(ids, vectors_.chunks));
    std::printf("vector index: filled in %.2f s, %.1f MB (floats: %.1f MB), kernels %s\n",
                (CpuMilliseconds() - start) / 1000,
                static_cast<double>(dense_->Stats().memory_bytes) / 1e6,
                static_cast<double>(vectors_.chunks.size()) * 4 / 1e6,
                std::string(vector::BestKernels().name).c_str());
    return {};
  }

  std::span<const float> Query(std::size_t i) const {
    return std::span(vectors_.queries).subspan(i * vectors_.dimensions, vectors_.dimensions);
  }

  Result<void> RunLexical() {
    Latency ours = Measure(corpus_.queries.size(), [&](std::size_t i) {
      found_ += lexical_->Search(corpus_.queries[i].text, kTop)->size();
    });
    std::size_t few = std::min(options_.peer_queries, corpus_.queries.size());
    Latency beside = Measure(few, [&](std::size_t i) {
      found_ += lexical_->Search(corpus_.queries[i].text, kTop)->size();
    });
    Latency fts5 = Measure(
        few, [&](std::size_t i) { found_ += fts5_.Search(corpus_.queries[i].text, kTop)->size(); });
    Print("lexical top 10", ours);
    Print("FTS5 top 10", fts5);
    std::printf("ratio FTS5 / lexical (same queries): %.1f\n", fts5.p50 / beside.p50);
    return {};
  }

  // Three words of the text of some chunk.
  std::string PhraseOf(std::size_t query) const {
    const auto& body = corpus_.chunks[query * 7919 % corpus_.chunks.size()].body;
    const auto begin = body.find(' ', body.size() / 3);
    if (begin == body.npos) return body;
    auto end = begin;
    for (int i = 0; i < 3 && end != body.npos; ++i) end = body.find(' ', end + 1);
    return body.substr(begin + 1, end - begin - 1);
  }

  // What a phrase costs beside the search: its candidates, and looking into them.
  void RunPhrases() {
    const auto run = [&](const std::function<std::string(std::size_t)>& phrase, const char* what,
                         bool look) {
      const auto latency = Measure(corpus_.queries.size(), [&](std::size_t i) {
        const auto words = phrase(i);
        const auto hits = lexical_->Search(words, knowledge::kLookedUpMax, {}, {}, words);
        found_ += hits->size();
        if (!look) return;
        const std::string_view phrases[] = {words};
        knowledge::PhraseMatcher matcher(phrases);
        for (const auto& hit : *hits) found_ += matcher.In(corpus_.chunks[hit.id].body);
      });
      Print(what, latency);
    };
    const auto some = [this](std::size_t i) { return PhraseOf(i); };
    const auto frequent = [](std::size_t) { return std::string("in the"); };
    run(some, "three words, all needed, top 1000", false);
    run(some, "the same, looked up in the texts", true);
    run(frequent, "\"in the\", all needed, top 1000", false);
    run(frequent, "the same, looked up in the texts", true);
  }

  void RunDense() {
    std::size_t few = std::min(options_.peer_queries, corpus_.queries.size());
    Latency ours = Measure(corpus_.queries.size(), [&](std::size_t i) {
      found_ += dense_->Search(Query(i), kTop)->size();
    });
    std::vector<std::vector<vector::VectorHit>> truth(few);
    Latency floats =
        Measure(few, [&](std::size_t i) { truth[i] = FloatScan(vectors_, Query(i), kTop); });
    std::size_t right = 0;
    std::size_t all = 0;
    for (std::size_t i = 0; i < few; ++i) {
      auto hits = dense_->Search(Query(i), kTop);
      for (const vector::VectorHit& expected : truth[i]) {
        right += std::ranges::count(*hits, expected.id, &vector::VectorHit::id) > 0 ? 1 : 0;
        all += 1;
      }
    }
    Print("vector top 10 (8 bits, second pass)", ours);
    Print("float scan top 10", floats);
    std::printf("ratio float scan / vector: %.1f   recall@10: %.4f\n", floats.p50 / ours.p50,
                static_cast<double>(right) / static_cast<double>(std::max<std::size_t>(all, 1)));
  }

  const SpeedOptions options_;
  const ScaleCorpus corpus_;
  const ScaleVectors vectors_;
  std::string folder_;
  std::unique_ptr<knowledge::LexicalIndex> lexical_;
  knowledge::lexical::Fts5LexicalIndex fts5_;
  std::unique_ptr<vector::VectorIndex> dense_;
  std::size_t found_ = 0;  // keeps the searches from being optimized away
  std::size_t fused_ = 0;
};

}  // namespace

Result<void> MeasureSpeed(const SpeedOptions& options) {
  std::optional<BeirCollection> collection;
  if (!options.data.empty()) {
    STRATA_TRY(collection, LoadBeir(options.data));
  }
  std::shared_ptr<const vector::StaticEmbedder> embedder;
  if (!options.static_embedder.empty()) {
    STRATA_TRY(embedder, vector::StaticEmbedder::Open(options.static_embedder));
  }
  ScaleOptions scale{.chunks = options.chunks, .queries = options.queries, .seed = options.seed};
  ScaleCorpus corpus = MakeScaleCorpus(scale, collection ? &*collection : nullptr);
  ScaleVectors vectors = MakeScaleVectors(corpus, embedder.get(), options.seed);
  std::printf("%zu chunks, %zu queries, text from %s, vectors: %s, one thread, CPU time\n",
              corpus.chunks.size(), corpus.queries.size(),
              options.data.empty() ? "pseudo-words" : options.data.c_str(), vectors.origin.c_str());
  Contest contest(options, std::move(corpus), std::move(vectors));
  STRATA_CHECK_OK(contest.Fill());
  return contest.Run();
}

}  // namespace strata::bench
