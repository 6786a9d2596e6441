#include "knowledge/retrieve/fuse.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace strata::knowledge {
namespace {

struct Range {
  double low = 0;
  double high = 0;
  double Of(double score) const { return high > low ? (score - low) / (high - low) : 1; }
};

Range LexicalRange(const std::vector<LegHit>& hits) {
  return {.low = 0, .high = hits.empty() ? 0 : hits.front().score};
}

Range DenseRange(const std::vector<LegHit>& hits, std::size_t candidates) {
  if (hits.empty()) return {};
  const auto last = std::min(hits.size(), std::max<std::size_t>(candidates, 1)) - 1;
  return {.low = hits[last].score, .high = hits.front().score};
}

// The scores of a leg over all candidates.
class LegRange {
 public:
  LegRange(const std::vector<Candidate>& candidates, LegScores Candidate::* scores,
           std::optional<double> Candidate::* found)
      : scores_(scores) {
    for (const auto& candidate : candidates) {
      const auto& [own, around] = candidate.*scores;
      high_ = any_ ? LegScores{.own = std::max(high_.own, own),
                               .around = std::max(high_.around, around)}
                   : LegScores{.own = own, .around = around};
      any_ = true;
      if (!(candidate.*found).has_value()) continue;
      low_ = found_ ? LegScores{.own = std::min(low_.own, own),
                                .around = std::min(low_.around, around)}
                    : LegScores{.own = own, .around = around};
      found_ = true;
    }
  }
  void FromZero() { low_ = {}; }
  bool found() const { return found_; }

  double Of(const Candidate& candidate, double context_share) const {
    if (!found_) return 0;
    const auto& [own, around] = candidate.*scores_;
    const Range alone{.low = low_.own, .high = high_.own};
    const Range together{.low = low_.around, .high = high_.around};
    return (1 - context_share) * alone.Of(own) +
           (context_share > 0 ? context_share * together.Of(around) : 0);
  }

 private:
  LegScores Candidate::* scores_;
  LegScores low_;
  LegScores high_;
  bool any_ = false;
  bool found_ = false;
};

}  // namespace

std::vector<FusedHit> Blend(const std::vector<Candidate>& candidates, const BlendOptions& options) {
  LegRange words(candidates, &Candidate::words, &Candidate::lexical);
  words.FromZero();
  const LegRange vectors(candidates, &Candidate::vectors, &Candidate::dense);
  const auto of_vectors = [&](const Candidate& candidate) {
    if (!options.spread || !vectors.found()) return vectors.Of(candidate, options.context_share);
    const auto& [own, around] = candidate.vectors;
    const double alone = (1 - options.context_share) * StandsOut(own, *options.spread);
    if (options.context_share <= 0) return alone;
    return alone + options.context_share * StandsOut(around, *options.spread);
  };
  std::vector<FusedHit> hits;
  double highest = 1;
  for (const auto& candidate : candidates) {
    const double score = (1 - options.dense_weight) * words.Of(candidate, options.context_share) +
                         options.dense_weight * of_vectors(candidate);
    highest = std::max(highest, score);
    hits.push_back({.row = candidate.row,
                    .score = score,
                    .lexical = candidate.lexical,
                    .dense = candidate.dense});
  }
  for (auto& hit : hits) hit.score /= highest;
  std::ranges::sort(hits, BetterHit);
  return hits;
}

double StandsOut(double score, const vector::ScoreSpread& spread) {
  constexpr double kNoise = 2;  // deviations that passages of anything else often have
  constexpr double kScale = 4;
  const double above = (score - spread.mean) / spread.deviation - kNoise;
  // The same as std::log1p(std::exp(above)), which overflows.
  return (std::max(above, 0.0) + std::log1p(std::exp(-std::abs(above)))) / kScale;
}

bool BetterHit(const FusedHit& a, const FusedHit& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

std::vector<FusedHit> Fuse(const std::vector<LegHit>& lexical, const std::vector<LegHit>& dense,
                           double dense_weight, std::size_t candidates) {
  std::unordered_map<std::uint64_t, std::size_t> at;
  std::vector<FusedHit> hits;
  const auto entry = [&](std::uint64_t row) -> FusedHit& {
    const auto [found, fresh] = at.emplace(row, hits.size());
    if (fresh) hits.push_back({.row = row, .score = 0, .lexical = {}, .dense = {}});
    return hits[found->second];
  };
  const Range words = LexicalRange(lexical);
  for (const auto& hit : lexical) {
    auto& fused = entry(hit.row);
    fused.lexical = hit.score;
    fused.score += (1 - dense_weight) * words.Of(hit.score);
  }
  const Range vectors = DenseRange(dense, candidates);
  for (const auto& hit : dense) {
    auto& fused = entry(hit.row);
    fused.dense = hit.score;
    fused.score += dense_weight * vectors.Of(hit.score);
  }
  std::ranges::sort(hits, BetterHit);
  return hits;
}

std::vector<FusedHit> LeadWithNames(const std::vector<FusedHit>& hits,
                                    const std::vector<graph::PassageShare>& passages) {
  std::unordered_map<std::uint64_t, const FusedHit*> found;
  for (const auto& hit : hits) found.emplace(hit.row, &hit);
  std::vector<FusedHit> out;
  for (const auto& passage : passages) {
    FusedHit led{.row = passage.passage, .score = 0, .lexical = {}, .dense = {}};
    if (const auto known = found.find(passage.passage); known != found.end()) {
      led = *known->second;
      found.erase(known);
    }
    led.score = 0.5 + 0.5 * passage.share / passages.front().share;
    out.push_back(led);
  }
  for (const auto& hit : hits) {
    if (!found.contains(hit.row)) continue;
    out.push_back(hit);
    out.back().score = 0.5 * hit.score;
  }
  return out;
}

void Rescale(std::vector<FusedHit>& hits) {
  if (hits.empty() || hits.back().score >= 0) return;
  const double low = hits.back().score;
  for (auto& hit : hits) hit.score = (hit.score - low) / (1 - low);
}

}  // namespace strata::knowledge
