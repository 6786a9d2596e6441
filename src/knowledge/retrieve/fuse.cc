#include "knowledge/retrieve/fuse.h"

#include <algorithm>
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

Range DenseRange(const std::vector<LegHit>& hits) {
  if (hits.empty()) return {};
  return {.low = hits.back().score, .high = hits.front().score};
}

void SortBest(std::vector<FusedHit>& hits) {
  std::ranges::sort(hits, [](const FusedHit& a, const FusedHit& b) {
    return a.score != b.score ? a.score > b.score : a.row < b.row;
  });
}

}  // namespace

std::vector<FusedHit> Fuse(const std::vector<LegHit>& lexical, const std::vector<LegHit>& dense,
                           double dense_weight) {
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
  const Range vectors = DenseRange(dense);
  for (const auto& hit : dense) {
    auto& fused = entry(hit.row);
    fused.dense = hit.score;
    fused.score += dense_weight * vectors.Of(hit.score);
  }
  SortBest(hits);
  return hits;
}

std::vector<FusedHit> OneLeg(const std::vector<LegHit>& hits, bool is_dense) {
  const Range range = is_dense ? DenseRange(hits) : LexicalRange(hits);
  std::vector<FusedHit> out;
  for (const auto& hit : hits) {
    FusedHit fused{.row = hit.row, .score = range.Of(hit.score), .lexical = {}, .dense = {}};
    (is_dense ? fused.dense : fused.lexical) = hit.score;
    out.push_back(fused);
  }
  return out;
}

}  // namespace strata::knowledge
