#include "knowledge/retrieve/smooth.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "vector/kernels.h"

namespace strata::knowledge {
namespace {

// Similarity and index of a neighbour.
using Near = std::pair<float, std::size_t>;

// The first `wanted` of a descending order, found by looking at each candidate once: most are less
// than all that are kept.
class NearestOf {
 public:
  explicit NearestOf(std::size_t wanted) : wanted_(wanted) { kept_.reserve(wanted + 1); }

  void Add(Near near) {
    if (kept_.size() == wanted_ && near <= kept_.back()) return;
    kept_.insert(std::ranges::upper_bound(kept_, near, std::greater()), near);
    if (kept_.size() > wanted_) kept_.pop_back();
  }
  std::span<const Near> kept() const { return kept_; }
  void Clear() { kept_.clear(); }

 private:
  const std::size_t wanted_;
  std::vector<Near> kept_;
};

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
  NearestOf nearest(wanted);
  for (std::size_t i = 0; i < count; ++i) {
    nearest.Clear();
    for (std::size_t j = 0; j < count; ++j) {
      if (j != i) nearest.Add({cosines[i * count + j], j});
    }
    smoothed.push_back((1 - options.share) * hits[i].score +
                       options.share * MeanOf(nearest.kept(), hits));
  }
  for (std::size_t i = 0; i < count; ++i) hits[i].score = std::max(hits[i].score, smoothed[i]);
  const auto begin = hits.begin();
  std::sort(begin, begin + static_cast<std::ptrdiff_t>(count), BetterHit);
}

}  // namespace strata::knowledge
