#pragma once
// Linear models with an L2 penalty over a sparse part (hashed words) and a dense part (measures,
// vectors) of every row: logistic regression for qualities in [0, 1], ridge regression for
// differences of qualities and for logarithms of token counts.
//
// The solver is L-BFGS (Nocedal 1980; Liu, Nocedal 1989), deterministic.

#include <cstdint>
#include <span>
#include <vector>

namespace strata::learn {

struct SparseEntry {
  std::uint32_t index = 0;
  float value = 0;
};

// Rows of features. Every row has the same number of dense values; either part may be empty.
class Design {
 public:
  // `sparse_size`: indices are below it.
  Design(std::uint32_t sparse_size, std::size_t dense_size)
      : sparse_size_(sparse_size), dense_size_(dense_size) {}

  void Append(std::span<const SparseEntry> sparse, std::span<const float> dense);

  std::size_t size() const { return starts_.size() - 1; }
  std::uint32_t sparse_size() const { return sparse_size_; }
  std::size_t dense_size() const { return dense_size_; }
  std::span<const SparseEntry> Sparse(std::size_t row) const {
    return std::span(sparse_).subspan(starts_[row], starts_[row + 1] - starts_[row]);
  }
  std::span<const float> Dense(std::size_t row) const {
    return std::span(dense_).subspan(row * dense_size_, dense_size_);
  }

 private:
  std::uint32_t sparse_size_;
  std::size_t dense_size_;
  std::vector<std::size_t> starts_{0};
  std::vector<SparseEntry> sparse_;
  std::vector<float> dense_;
};

struct LinearModel {
  std::vector<float> sparse;  // empty, or one weight a sparse index
  std::vector<float> dense;
  double intercept = 0;

  // Logit of a logistic model, value of a ridge model. Indices beyond `sparse` weigh nothing.
  double Score(std::span<const SparseEntry> sparse_row, std::span<const float> dense_row) const;
};

enum class Loss : std::uint8_t { kLogistic, kSquared };

struct FitOptions {
  Loss loss = Loss::kLogistic;
  double l2 = 1;  // of Σ loss + l2/2 · |weights|²; the intercept is free
  int iterations_max = 100;
  double tolerance = 1e-4;  // stop when the gradient is this much smaller than at the start
};

// Fits `targets[i]` (logistic: in [0, 1]) of row `rows[i]`. At least one row; all finite.
// O(iterations · values of the rows).
LinearModel FitLinear(const Design& design, std::span<const std::uint32_t> rows,
                      std::span<const double> targets, const FitOptions& options);

double Sigmoid(double logit);
// Logit of `probability` kept away from 0 and 1 by 1e-6.
double Logit(double probability);

}  // namespace strata::learn
