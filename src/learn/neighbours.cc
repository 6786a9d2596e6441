#include "learn/neighbours.h"

#include <algorithm>

#include "base/check.h"

namespace strata::learn {

NeighbourIndex::NeighbourIndex(std::vector<float> rows, std::size_t dimensions, Dot dot)
    : rows_(std::move(rows)), dimensions_(dimensions), dot_(dot) {
  STRATA_CHECK(dimensions_ > 0 && rows_.size() % dimensions_ == 0, "rows of whole vectors");
  STRATA_CHECK(dot_ != nullptr, "a dot product is needed");
}

std::vector<Neighbour> NeighbourIndex::Nearest(std::span<const float> query, std::size_t k,
                                               std::uint32_t skip) const {
  std::vector<Neighbour> heap;  // the worst of the best on top
  if (dimensions_ == 0 || k == 0) return heap;
  STRATA_CHECK(query.size() == dimensions_, "a query of another size");
  auto better = [](const Neighbour& a, const Neighbour& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.row < b.row;
  };
  heap.reserve(k + 1);
  for (std::uint32_t row = 0; row < size(); ++row) {
    if (row == skip) continue;
    Neighbour next{row, dot_(query.data(), rows_.data() + row * dimensions_, dimensions_)};
    if (heap.size() == k && !better(next, heap.front())) continue;
    heap.push_back(next);
    std::ranges::push_heap(heap, better);
    if (heap.size() <= k) continue;
    std::ranges::pop_heap(heap, better);
    heap.pop_back();
  }
  std::ranges::sort_heap(heap, better);
  return heap;
}

double MeanDistance(std::span<const Neighbour> nearest) {
  if (nearest.empty()) return 1;
  double sum = 0;
  for (const auto& n : nearest) sum += static_cast<double>(n.similarity);
  return 1 - sum / static_cast<double>(nearest.size());
}

Unfamiliarity::Unfamiliarity(std::vector<double> distances) {
  constexpr std::size_t kQuantiles = 1000;
  std::ranges::sort(distances);
  if (distances.size() <= kQuantiles) {
    quantiles_ = std::move(distances);
    return;
  }
  for (std::size_t i = 0; i < kQuantiles; ++i) {
    quantiles_.push_back(distances[i * (distances.size() - 1) / (kQuantiles - 1)]);
  }
}

Unfamiliarity Unfamiliarity::FromQuantiles(std::vector<double> ascending) {
  Unfamiliarity made;
  made.quantiles_ = std::move(ascending);
  return made;
}

double Unfamiliarity::Of(double distance) const {
  if (quantiles_.empty()) return 1;
  auto below = std::ranges::lower_bound(quantiles_, distance) - quantiles_.begin();
  return static_cast<double>(below) / static_cast<double>(quantiles_.size());
}

double Unfamiliarity::OfEitherSide(double value) const {
  if (quantiles_.empty()) return 0;
  auto upto = std::ranges::upper_bound(quantiles_, value) - quantiles_.begin();
  auto from = quantiles_.end() - std::ranges::lower_bound(quantiles_, value);
  const auto farther = static_cast<double>(std::min(upto, from) + 1);
  return 1 - std::min(1.0, 2 * farther / static_cast<double>(quantiles_.size() + 1));
}

}  // namespace strata::learn
