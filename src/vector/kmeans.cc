#include "vector/kmeans.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>

#include "base/check.h"
#include "vector/kernels.h"

namespace strata::vector {
namespace {

constexpr int kPasses = 8;
constexpr std::size_t kStepProducts = 50'000'000;  // multiplications, some milliseconds

}  // namespace

KMeans::KMeans(std::vector<float> rows, std::size_t dimensions, std::size_t centres,
               std::uint64_t seed)
    : rows_(std::move(rows)), dimensions_(dimensions), count_(centres), rng_(seed) {
  const std::size_t all = rows_.size() / dimensions_;
  STRATA_CHECK(count_ >= 1 && all >= count_, "k-means needs a row for each centre");
  // The first centres: different rows, drawn by the first steps of a Fisher–Yates shuffle.
  std::vector<std::size_t> order(all);
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = 0; i < count_; ++i) {
    std::swap(order[i], order[i + rng_.Below(all - i)]);
    const auto row = std::span(rows_).subspan(order[i] * dimensions_, dimensions_);
    centres_.insert(centres_.end(), row.begin(), row.end());
  }
  half_squares_.resize(count_);
  EndPass();
}

bool KMeans::Step() {
  if (pass_ > kPasses) return false;
  const std::size_t all = rows_.size() / dimensions_;
  const std::size_t some = std::max<std::size_t>(1, kStepProducts / (count_ * dimensions_));
  for (const std::size_t end = std::min(all, next_ + some); next_ < end; ++next_) {
    const auto row = std::span(rows_).subspan(next_ * dimensions_, dimensions_);
    std::size_t nearest = 0;
    float best = std::numeric_limits<float>::lowest();
    for (std::size_t i = 0; i < count_; ++i) {
      const auto centre = std::span(centres_).subspan(i * dimensions_, dimensions_);
      const float score = Dot(row, centre) - half_squares_[i];
      if (score > best) {
        best = score;
        nearest = i;
      }
    }
    members_[nearest] += 1;
    double* sum = sums_.data() + nearest * dimensions_;
    for (std::size_t d = 0; d < dimensions_; ++d) sum[d] += row[d];
  }
  if (next_ == all) EndPass();
  return pass_ <= kPasses;
}

// Moves the centres to the mean of their rows; one without rows starts again at a row.
void KMeans::EndPass() {
  const std::size_t all = rows_.size() / dimensions_;
  for (std::size_t i = 0; i < count_; ++i) {
    float* centre = centres_.data() + i * dimensions_;
    if (!members_.empty() && members_[i] > 0) {
      const auto count = static_cast<double>(members_[i]);
      for (std::size_t d = 0; d < dimensions_; ++d) {
        centre[d] = static_cast<float>(sums_[i * dimensions_ + d] / count);
      }
    } else if (!members_.empty()) {
      std::copy_n(rows_.data() + rng_.Below(all) * dimensions_, dimensions_, centre);
    }
    const std::span<const float> values(centre, dimensions_);
    half_squares_[i] = Dot(values, values) / 2;
  }
  sums_.assign(count_ * dimensions_, 0);
  members_.assign(count_, 0);
  next_ = 0;
  pass_ += 1;
}

}  // namespace strata::vector
