#pragma once
// The labelled examples that are nearest to a request, and how unusual their distance is.

#include <cstdint>
#include <span>
#include <vector>

namespace strata::learn {

struct Neighbour {
  std::uint32_t row = 0;
  float similarity = 0;  // cosine
};

// Exact search over unit vectors. Immutable after construction; thread-safe.
class NeighbourIndex {
 public:
  // a · b over `size` floats; the caller brings the fastest kernel of its machine.
  using Dot = float (*)(const float* a, const float* b, std::size_t size);

  NeighbourIndex() = default;
  // `rows`: whole rows of `dimensions` floats of length 1 (rows of zeros are never similar).
  NeighbourIndex(std::vector<float> rows, std::size_t dimensions, Dot dot);

  std::size_t size() const { return dimensions_ == 0 ? 0 : rows_.size() / dimensions_; }
  std::span<const float> rows() const { return rows_; }

  // The `k` most similar rows, best first, ties by row. `skip`: a row that does not count (itself).
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  std::vector<Neighbour> Nearest(std::span<const float> query, std::size_t k,
                                 std::uint32_t skip = kNone) const;

 private:
  std::vector<float> rows_;
  std::size_t dimensions_ = 0;
  Dot dot_ = nullptr;
};

// 1 − mean similarity of `nearest`, in [0, 2]; 1 when there are none.
double MeanDistance(std::span<const Neighbour> nearest);

// How unusual a distance is among the distances that the labelled rows have to each other: the
// share of those that are smaller, in [0, 1]; near 1 is unfamiliar. With exchangeable requests at
// most a share of about 1 − u exceeds u (conformal p-value, Vovk et al. 2005).
class Unfamiliarity {
 public:
  Unfamiliarity() = default;
  // Keeps at most 1,000 quantiles.
  explicit Unfamiliarity(std::vector<double> distances);
  double Of(double distance) const;  // 1 without any distances
  // The same of a measure that may be unusual on both sides, such as a length: 1 − twice the share
  // of the labelled rows that are at least as far out on its side. 0 without any.
  double OfEitherSide(double value) const;
  const std::vector<double>& quantiles() const { return quantiles_; }
  static Unfamiliarity FromQuantiles(std::vector<double> ascending);

 private:
  std::vector<double> quantiles_;
};

}  // namespace strata::learn
