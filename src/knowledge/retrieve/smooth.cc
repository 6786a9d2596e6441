#include "knowledge/retrieve/smooth.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "vector/kernels.h"

namespace strata::knowledge {
namespace {

// Similarity and index of a neighbour.
using Near = std::pair<float, std::size_t>;

double MeanOf(std::span<const Near> neighbours, const std::vector<FusedHit>& hits) {
  double sum = 0;
  double weights = 0;
  for (const auto& [cosine, at] : neighbours) {
    sum += cosine * hits[at].score;
    weights += cosine;
  }
  return weights > 0 ? sum / weights : 0;
}

}  // namespace

void SmoothByNeighbours(std::vector<FusedHit>& hits, std::span<const float> vectors,
                        std::size_t dimensions, const SmoothOptions& options) {
  const auto count = std::min(hits.size(), options.candidates);
  if (count < 2) return;
  const auto row = [&](std::size_t i) { return vectors.subspan(i * dimensions, dimensions); };
  std::vector<float> cosines(count * count, 0);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = i + 1; j < count; ++j) {
      cosines[i * count + j] = cosines[j * count + i] = std::max(vector::Dot(row(i), row(j)), 0.0F);
    }
  }
  const auto wanted = std::min(options.neighbours, count - 1);
  std::vector<double> smoothed;
  std::vector<Near> nearest;
  for (std::size_t i = 0; i < count; ++i) {
    nearest.clear();
    for (std::size_t j = 0; j < count; ++j) {
      if (j != i) nearest.emplace_back(cosines[i * count + j], j);
    }
    std::ranges::partial_sort(nearest, nearest.begin() + static_cast<std::ptrdiff_t>(wanted),
                              std::greater());
    smoothed.push_back((1 - options.share) * hits[i].score +
                       options.share * MeanOf(std::span(nearest).first(wanted), hits));
  }
  for (std::size_t i = 0; i < count; ++i) hits[i].score = std::max(hits[i].score, smoothed[i]);
  const auto begin = hits.begin();
  std::sort(begin, begin + static_cast<std::ptrdiff_t>(count), BetterHit);
}

}  // namespace strata::knowledge
