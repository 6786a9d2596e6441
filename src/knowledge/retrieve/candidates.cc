#include "knowledge/retrieve/candidates.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "vector/kernels.h"

namespace strata::knowledge {
namespace {

// Passages on either side that count as around one. Whole documents did as well where they have a
// dozen of passages (docs/measurements-retrieval.md), and a book is about too much.
constexpr std::size_t kAround = 8;

std::vector<Candidate> BestOf(const std::vector<LegHit>& lexical, const std::vector<LegHit>& dense,
                              std::size_t each) {
  std::vector<Candidate> out;
  std::unordered_map<std::uint64_t, std::size_t> at;
  for (const auto& hit : std::span(lexical).first(std::min(each, lexical.size()))) {
    at.emplace(hit.row, out.size());
    out.push_back({.row = hit.row, .lexical = hit.score, .dense = {}, .words = {}, .vectors = {}});
  }
  for (const auto& hit : std::span(dense).first(std::min(each, dense.size()))) {
    const auto [found, fresh] = at.emplace(hit.row, out.size());
    if (fresh) {
      out.push_back({.row = hit.row, .lexical = {}, .dense = {}, .words = {}, .vectors = {}});
    }
    out[found->second].dense = hit.score;
  }
  return out;
}

Result<> ScoreWords(const KbCache& cache, const SearchedFor& query, std::span<const ChunkRun> runs,
                    std::span<Candidate> candidates) {
  std::vector<std::uint64_t> others;  // what the search itself has not scored
  for (const auto& candidate : candidates) {
    if (!candidate.lexical) others.push_back(candidate.row);
  }
  STRATA_TRY(const auto scored, cache.ScoreWords(query.words, others, query.fixes));
  STRATA_TRY(const auto around,
             runs.empty() ? Result<std::vector<float>>(std::vector<float>(candidates.size(), 0.0F))
                          : cache.ScoreWords(query.words, runs, kAround, query.fixes));
  auto next = scored.begin();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    auto& candidate = candidates[i];
    candidate.words = {.own = candidate.lexical ? *candidate.lexical : *next++,
                       .around = around[i]};
  }
  return {};
}

// Vectors of all chunks that runs touch, read once.
class RunVectors {
 public:
  RunVectors(const KbCache& cache, std::span<const ChunkRun> runs)
      : dimensions_(cache.dimensions()) {
    for (const auto& run : runs) {
      for (auto row = run.first; row <= run.last; ++row) {
        if (at_.emplace(row, rows_.size()).second) rows_.push_back(row);
      }
    }
    values_ = cache.VectorsOf(rows_);
  }

  std::span<const float> Of(std::uint64_t row) const {
    return std::span(values_).subspan(at_.at(row) * dimensions_, dimensions_);
  }

  // Of unit length; zeros where there is nothing.
  std::vector<float> MeanOf(const ChunkRun& run) const {
    std::vector<float> mean(dimensions_);
    for (auto row = run.first; row <= run.last; ++row) {
      const auto values = Of(row);
      for (std::size_t i = 0; i < dimensions_; ++i) mean[i] += values[i];
    }
    vector::Normalize(mean);
    return mean;
  }

 private:
  const std::size_t dimensions_;
  std::unordered_map<std::uint64_t, std::size_t> at_;
  std::vector<std::uint64_t> rows_;
  std::vector<float> values_;
};

void ScoreVectors(const KbCache& cache, const SearchedFor& query, std::span<const ChunkRun> runs,
                  bool context, std::span<Candidate> candidates) {
  const RunVectors vectors(cache, runs);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    auto& candidate = candidates[i];
    auto& scores = candidate.vectors;
    scores.own =
        candidate.dense ? *candidate.dense : vector::Dot(query.vector, vectors.Of(candidate.row));
    if (context) scores.around = vector::Dot(query.vector, vectors.MeanOf(runs[i]));
  }
}

std::vector<ChunkRun> Alone(std::span<const std::uint64_t> rows) {
  std::vector<ChunkRun> runs;
  for (const auto row : rows) runs.push_back({.first = row, .last = row});
  return runs;
}

// The hits that are no candidates, below `low`.
void AppendOthers(const std::vector<FusedHit>& all, double low, std::vector<FusedHit>& out) {
  std::unordered_set<std::uint64_t> known;
  for (const auto& hit : out) known.insert(hit.row);
  std::optional<double> highest;
  for (const auto& hit : all) {
    if (known.contains(hit.row)) continue;
    if (!highest) highest = hit.score;
    out.push_back(hit);
    out.back().score = low - (*highest - hit.score);
  }
}

}  // namespace

Result<BlendedHits> BlendCandidates(const KbCache& cache, const SearchedFor& query,
                                    const std::vector<LegHit>& lexical,
                                    const std::vector<LegHit>& dense,
                                    const CandidateOptions& options) {
  auto candidates = BestOf(lexical, dense, options.candidates);
  if (candidates.empty()) return BlendedHits();
  std::vector<std::uint64_t> rows;
  for (const auto& candidate : candidates) rows.push_back(candidate.row);
  const bool context = options.blend.context_share > 0;
  const auto runs = context ? cache.RunsAround(rows, kAround) : Alone(rows);
  if (!query.words.empty()) {
    STRATA_CHECK_OK(ScoreWords(
        cache, query, context ? std::span<const ChunkRun>(runs) : std::span<const ChunkRun>(),
        candidates));
  }
  if (!query.vector.empty()) ScoreVectors(cache, query, runs, context, candidates);
  BlendedHits out{.hits = Blend(candidates, options.blend), .candidates = candidates.size()};
  AppendOthers(Fuse(lexical, dense, options.blend.dense_weight, options.candidates),
               out.hits.back().score, out.hits);
  return out;
}

}  // namespace strata::knowledge
